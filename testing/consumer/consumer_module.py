"""Runs Bazel in the studio's repository, with pins to files on a server of the test.

    with consumer_module.start(scratch, url, sources=tar, release=tar) as bazel:
        result = bazel("build", "//from_release:deployment")

The environment variable BAZEL_MODULE_FLAGS holds further flags, to try newer modules.
"""

import base64
import contextlib
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from export.common.digests import sha256
from testing import nested_bazel

_MODULE = nested_bazel.RUNFILES / "testing/consumer/module"

# No file comes from an earlier download, and a failed download is not repeated.
_FLAGS = (
    *("--repository_cache=", "--http_connector_attempts=1", "--noshow_progress"),
    *os.environ.get("BAZEL_MODULE_FLAGS", "").split(),
)


def pack_sources(archive: Path, parts: Iterable[str] = nested_bazel.SKELETON) -> None:
    """Packs the sources of corridorkey_nuke.

    Args:
        archive: Path of the tar.
        parts: Files and folders to pack.
    """
    with tarfile.open(archive, "w", dereference=True) as tar:
        for part in parts:
            tar.add(nested_bazel.RUNFILES / part, part)


def integrity(path: Path) -> str:
    """Returns the digest of a file in the notation of archive_override."""
    return "sha256-" + base64.b64encode(bytes.fromhex(sha256(path))).decode()


@contextlib.contextmanager
def changed_byte(path: Path, position: float) -> Iterator[None]:
    """Flips one bit of a file for a `with` block. Position 0 is its start, 1 its end."""

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
    """Returns MODULE.bazel with pins to files on the server."""
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
        url: URL of the server.
        sources: Tar from `pack_sources`. Its present digest is pinned.
        release: Tar of a release, or None if the test needs none. Its present digest is pinned.
        startup: Startup options for Bazel.

    Yields:
        A function that runs one Bazel command that accepts the flags of a build.
    """
    parts = sorted(path.name for path in _MODULE.iterdir())
    with nested_bazel.start(scratch, _MODULE, parts, startup) as bazel:
        pinned = scratch / "workspace/MODULE.bazel"
        text = _pin(pinned.read_text(), url, sources, release)
        pinned.unlink()  # A copy of a read-only file is read-only.
        pinned.write_text(text)
        yield lambda command, *arguments: bazel(command, *_FLAGS, *arguments)
