"""Refuses pictures of a few bytes that would make a library work for minutes.

The libraries expand each scan of a JPEG and each text of a PNG, however many there are.
"""

import re
from typing import IO

_MOST_SCANS = 100
"""Most scans of a JPEG; progressive files of common programs have about 10."""
_MOST_PACKED_TEXT = 2**17
"""Most bytes of compressed text in a PNG. A thumbnail and metadata have less, and zlib expands by
up to 1,032."""
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_CHUNK = 2**20


class ClaimError(ValueError):
    """A file claims too much. The message is a predicate; callers prefix the file."""


def check_claims(file: IO[bytes]) -> None:
    """Checks what a file makes the libraries expand, without expanding it.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It is too much.
        OSError: The file cannot be read.
    """
    file.seek(0)
    beginning = file.read(8)
    if beginning.startswith(b"\xff\xd8"):
        _check_scans(file)
    elif beginning.startswith(b"\x89PNG"):
        _check_texts(file)


def _check_scans(file: IO[bytes]) -> None:
    """Walks the segments of a JPEG up to the end of its picture; thumbnails are within one."""
    position, scans = 2, 0
    while True:
        marker, position = _next_marker(file, position)
        if marker == 0xD9:
            return
        scans += marker == 0xDA
        if scans > _MOST_SCANS:
            raise ClaimError(
                f"has more than {_MOST_SCANS} scans; expected a JPEG of about 10. Save it again"
            )
        if marker not in (0x01, 0xD8):
            file.seek(position)
            position += max(2, int.from_bytes(file.read(2)))


def _next_marker(file: IO[bytes], position: int) -> tuple[int, int]:
    """Returns the next marker of a JPEG and where it ends; that of the end if there is none."""
    size = 4  # Mostly it is here; after a scan, its coded pixels come first.
    while True:
        file.seek(position)
        content = file.read(size)
        if found := _MARKER.search(content):
            return content[found.end() - 1], position + found.end()
        if len(content) < size:
            return 0xD9, position
        position, size = position + size - 1, _CHUNK


def _check_texts(file: IO[bytes]) -> None:
    """Walks the chunks of a PNG, from its first."""
    packed = 0
    while len(header := file.read(8)) == 8:
        size, kind = int.from_bytes(header[:4]), header[4:]
        if kind == b"IEND":
            return
        # A keyword of up to 79 bytes, 0, and in iTXt whether the text is compressed.
        start = file.read(min(size, 81)) if kind == b"iTXt" else b""
        if kind == b"zTXt" or start.partition(b"\0")[2][:1] == b"\1":
            packed += size
        if packed > _MOST_PACKED_TEXT:
            raise ClaimError(
                f"has more than {_MOST_PACKED_TEXT >> 10} KiB of compressed text; expected a "
                "picture with little text. Save it again without metadata"
            )
        file.seek(size - len(start) + 4, 1)
