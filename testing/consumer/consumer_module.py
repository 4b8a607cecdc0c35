"""The studio's repository in a test, pinned to what a server of the test has.

with consumer_module.start(scratch, url, sources=tar, release=tar) as bazel:
    result = bazel("build", "//from_release:deployment")
"""

import base64
import contextlib
import hashlib
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from testing import nested_bazel

_MODULE = nested_bazel.RUNFILES / "testing/consumer/module"

# No byte comes from an earlier download, and a server that fails is not asked again.
_FLAGS = ("--repository_cache=", "--http_connector_attempts=1", "--noshow_progress")


def pack_sources(archive: Path, parts: Iterable[str] = nested_bazel.SKELETON) -> None:
    """Packs corridorkey_nuke as a server would have it.

    Args:
        archive: The tar to write.
        parts: The files and folders of it to pack.
    """
    with tarfile.open(archive, "w", dereference=True) as tar:
        for part in parts:
            tar.add(nested_bazel.RUNFILES / part, part)


def sha256(path: Path) -> str:
    """The digest of a file, as http_archive wants it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def integrity(path: Path) -> str:
    """The same, as archive_override wants it."""
    return "sha256-" + base64.b64encode(bytes.fromhex(sha256(path))).decode()


@contextlib.contextmanager
def changed_byte(path: Path, position: float) -> Iterator[None]:
    """A file in which one bit is another for a `with` block; position 0 is its start, 1 its end."""

    def flip() -> None:
        with path.open("r+b") as file:
            file.seek(round(position * (path.stat().st_size - 1)))
            (byte,) = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    flip()
    try:
        yield
    finally:
        flip()


def _pin(text: str, url: str, sources: Path, release: Path | None) -> str:
    """MODULE.bazel, with the server's archives in place of the checkout and the example."""
    pins = {
        r"local_path_override": "archive_override",
        r'path = "../../.."': (
            f'integrity = "{integrity(sources)}", urls = ["{url}/{sources.name}"]'
        ),
    }
    if release:
        with tarfile.open(release) as tar:
            folder = tar.getnames()[0].split("/")[0]
        pins |= {
            r'sha256 = "0{64}"': f'sha256 = "{sha256(release)}"',
            r'strip_prefix = ".*"': f'strip_prefix = "{folder}"',
            r'url = ".*"': f'url = "{url}/{release.name}"',
        }
    for pattern, replacement in pins.items():
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, pattern
    return text


@contextlib.contextmanager
def start(
    scratch: Path,
    url: str,
    sources: Path,
    release: Path | None = None,
    startup: Iterable[str] = (),
) -> Iterator[nested_bazel.Bazel]:
    """Runs a Bazel in the studio's repository for a `with` block.

    Args:
        scratch: Empty folder.
        url: The server's.
        sources: A tar from `pack_sources`, as it is when pinned.
        release: The tar of a release, as it is when pinned; none where nothing of it is built.
        startup: Startup options for Bazel.

    Yields:
        A function that runs one Bazel command; not one that takes no such flags as `_FLAGS`.
    """
    parts = sorted(path.name for path in _MODULE.iterdir())
    with nested_bazel.start(scratch, _MODULE, parts, startup) as bazel:
        pinned = scratch / "workspace/MODULE.bazel"
        text = _pin(pinned.read_text(), url, sources, release)
        pinned.unlink()  # a copy of a read-only file is read-only
        pinned.write_text(text)
        yield lambda command, *arguments: bazel(command, *_FLAGS, *arguments)
