"""Reads the files of a release from its tar, which must be the canonical one of its content."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from export.release.canonical_tar import MAXIMUM_BYTES
from export.verify.files import Folder, Release, digest, open_file
from export.verify.verdict import RefusedError

_BLOCK = 512


class Tar:
    """A release in a canonical tar; nothing is unpacked.

    Attributes:
        name: Name of the one folder in the tar.
        digests: SHA-256 of every file and of the tar.

    Args:
        path: The tar, untrusted.

    Raises:
        RefusedError: It is not byte for byte the canonical tar of its content.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.digests = digest(path)
        self.name = self.digests.tar_name.removesuffix(".tar")
        self._places = _places(path, len(self.digests.files))
        if self.digests.files.keys() != self._places.keys():
            raise RefusedError("the tar changed while it was verified")

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Opens a file in the tar; what is read may differ from what was digested."""
        start, size = self._places[path]
        with open_file(self._path, MAXIMUM_BYTES) as file:
            yield io.BufferedReader(_Window(file, start, size))


def open_release(path: Path) -> Release:
    """Opens a release, a folder or a tar.

    Raises:
        RefusedError: It is not byte for byte the canonical tar of its content, or has none; or it
            has another name than it was made with, under which it could pass for another release.
        OSError: It cannot be read.
    """
    folder = path.is_dir()
    release: Release = Folder(path) if folder else Tar(path)
    expected = release.name if folder else release.digests.tar_name
    if path.name != expected:
        raise RefusedError(
            f"it is named {path.name} and holds {release.name}; rename it to {expected}"
        )
    return release


def _places(path: Path, count: int) -> dict[str, tuple[int, int]]:
    """Returns offset and size of every member, by its path in the folder.

    Args:
        path: A tar that was canonical a moment ago.
        count: Number of its members. Only 512 bytes of each are read.
    """
    places = {}
    with open_file(path, MAXIMUM_BYTES) as file:
        for _ in range(count):
            header = file.read(_BLOCK)
            name = header[:100].rstrip(b"\0").decode("ascii", "replace").partition("/")[2]
            digits = header[124:135]
            size = int(digits, 8) if digits.isdigit() and digits.isascii() else 0
            places[name] = (file.tell(), size)
            file.seek(-(-size // _BLOCK) * _BLOCK, os.SEEK_CUR)
    return places


class _Window(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._position = file, start, size, 0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to an offset, within the part or at its end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, min(base + offset, self._size))
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads into a buffer, up to the end of the part."""
        self._file.seek(self._start + self._position)
        content = self._file.read(min(len(buffer), self._size - self._position))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
