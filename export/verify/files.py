"""Opens untrusted files and folders: regular files only, each read under a limit."""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

from export.verify.verdict import Refusal
from wrapper.printable import printable

_MAXIMUM_FILES = 10_000
"""Most files and folders in a release. The exporter's have about 30."""
_MAXIMUM_DEPTH = 8
_MAXIMUM_BYTES = 16 << 30
"""Most bytes in a release. A dozen of the largest artifacts have 5 GB."""
_PART = re.compile(r"(?!\.)[\w.+@~%-]{1,200}", re.ASCII)
"""Accepted name of a file or folder: ASCII, so that it has one form on every system."""


class Release(Protocol):
    """The files of a release, wherever they are.

    Attributes:
        name: Name of the release's folder.
        digests: SHA-256 of every file, by path relative to the folder.
    """

    name: str
    digests: Mapping[str, str]

    def open(self, path: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """Opens a file; what is read may differ from what was digested."""


def read_unchanged(release: Release, path: str, maximum_bytes: int) -> bytes:
    """Reads a file of a release.

    Raises:
        Refusal: The file is missing or too large, or changed after it was digested.
        OSError: It cannot be read.
    """
    if path not in release.digests:
        raise Refusal(f"{path} is missing")
    with release.open(path) as file:
        content = file.read(maximum_bytes + 1)
    if len(content) > maximum_bytes:
        raise Refusal(f"{path} has more than {maximum_bytes:,} bytes, the limit")
    if hashlib.sha256(content).hexdigest() != release.digests[path]:
        raise Refusal(f"{path} changed while it was verified")
    return content


def open_regular(path: Path | str, folder: int | None = None) -> IO[bytes]:
    """Opens a regular file, and nothing else: a pipe would block, a device never end.

    Args:
        path: Path of the file.
        folder: Descriptor of the folder that `path` is a name in; then a link is refused.

    Raises:
        Refusal: It is no regular file.
        OSError: It cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if folder is not None:
        flags |= os.O_NOFOLLOW
    descriptor = os.open(path, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refusal(f"{printable(os.path.basename(path))} is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, maximum_bytes: int) -> bytes:
    """Reads a regular file of limited size.

    Raises:
        Refusal: It is no regular file, or too large.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(maximum_bytes + 1)
    if len(content) > maximum_bytes:
        raise Refusal(
            f"{printable(path.name)} has more than {maximum_bytes:,} bytes, the limit"
        )
    return content


class Folder:
    """A release in a folder. Links, devices and unusual names in it are refused.

    Attributes:
        name: Name of the folder.
        digests: SHA-256 of every file, by path relative to the folder.

    Args:
        path: The folder.

    Raises:
        Refusal: Something in it is neither a folder nor a regular file, has a name that a release
            does not use, or there is too much of it.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.resolve().name
        self.digests: dict[str, str] = {}
        left = _MAXIMUM_BYTES
        for name in _walk(path):
            with self.open(name) as file:
                left -= os.fstat(file.fileno()).st_size
                if left < 0:
                    raise Refusal(f"the folder has more than {_MAXIMUM_BYTES:,} bytes, the limit")
                self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        _check_one_name_each(self.digests)

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Opens a file through its folders, none of which may be a link."""
        *folders, name = path.split("/")
        with contextlib.ExitStack() as stack:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            current = os.open(self._path, flags)
            stack.callback(os.close, current)
            for folder in folders:
                current = os.open(folder, flags | os.O_NOFOLLOW, dir_fd=current)
                stack.callback(os.close, current)
            yield stack.enter_context(open_regular(name, current))


def _walk(top: Path) -> list[str]:
    """Returns the paths of all regular files below a folder, sorted."""
    files: list[str] = []
    folders = [""]
    seen = 0
    while folders:
        folder = folders.pop()
        with os.scandir(top / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}".lstrip("/")
                seen += 1
                if seen > _MAXIMUM_FILES or path.count("/") > _MAXIMUM_DEPTH:
                    raise Refusal(f"the folder has more than {_MAXIMUM_FILES:,} files, or is nested"
                                  f" more than {_MAXIMUM_DEPTH} deep")
                if not _PART.fullmatch(entry.name):
                    raise Refusal(f"{path!r} is not a name that a release uses")
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    files.append(path)
                else:
                    raise Refusal(f"{path} is a link or a device; expected files and folders only")
    return sorted(files)


def _check_one_name_each(digests: Mapping[str, str]) -> None:
    """Refuses two paths that are one on a system that ignores case."""
    seen: dict[str, str] = {}
    for path in digests:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise Refusal(f"{other} and {path} differ in case only")
