"""Opens untrusted files and folders: regular files only, each read under a limit."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from export.common.regular_file import FileError, open_regular, read_regular
from export.release.canonical_tar import ReleaseDigests, TarError, digest_release
from export.verify.verdict import RefusedError
from wrapper.printable import printable


class Release(Protocol):
    """The files of a release, wherever they are.

    Attributes:
        name: Name of the release's folder.
        digests: SHA-256 of every file and of the canonical tar.
    """

    name: str
    digests: ReleaseDigests

    def open(self, path: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """Opens a file; what is read may differ from what was digested."""


def read_unchanged(release: Release, path: str, maximum_bytes: int) -> bytes:
    """Reads a file of a release.

    Raises:
        RefusedError: The file is missing or too large, or changed after it was digested.
        OSError: It cannot be read.
    """
    if path not in release.digests.files:
        raise RefusedError(f"{path} is missing")
    with release.open(path) as file:
        content = file.read(maximum_bytes + 1)
    if len(content) > maximum_bytes:
        raise RefusedError(f"{path} has more than {maximum_bytes:,} bytes, the limit")
    if hashlib.sha256(content).hexdigest() != release.digests.files[path]:
        raise RefusedError(f"{path} changed while it was verified")
    return content


def with_a_name(path: Path) -> Path:
    """Returns the path with a name at its end; the working directory and its parent have one."""
    return path.resolve() if path.name in ("", "..") else path


def open_file(path: Path, limit: int) -> BinaryIO:
    """Opens a regular file of limited size.

    Raises:
        RefusedError: It is something else, or too large.
        OSError: It cannot be opened.
    """
    try:
        return open_regular(path, limit)
    except FileError as error:
        raise RefusedError(f"{printable(path.name)} {error}") from None


def read_file(path: Path, limit: int) -> bytes:
    """Reads a regular file of limited size.

    Raises:
        RefusedError: It is something else, or too large.
        OSError: It cannot be read.
    """
    try:
        return read_regular(path, limit)
    except FileError as error:
        raise RefusedError(f"{printable(path.name)} {error}") from None


class Folder:
    """A release in a folder.

    Attributes:
        name: Name of the folder.
        digests: SHA-256 of every file and of the canonical tar.

    Args:
        path: The folder, untrusted.

    Raises:
        RefusedError: It holds a link, a device, or something else that has no canonical tar.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.digests = digest(path)
        self.name = self.digests.tar_name.removesuffix(".tar")

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
            descriptor = os.open(
                name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current
            )
            file = stack.enter_context(os.fdopen(descriptor, "rb"))
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RefusedError(f"{path} changed while it was verified")
            yield file


def digest(release: Path) -> ReleaseDigests:
    """Digests a release, which must be a canonical tar or a folder that has one.

    Raises:
        RefusedError: It is neither.
        OSError: It cannot be read.
    """
    try:
        return digest_release(release)
    except TarError as error:
        raise RefusedError(str(error)) from None
