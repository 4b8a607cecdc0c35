"""Counts the scans of a JPEG: a library expands the whole picture for each."""

import re
from collections.abc import Iterator
from typing import IO

from export.pictures.claims.claim_error import ClaimError

SCAN = 0xDA
"""Marker of a scan."""
_MOST_SCANS = 100
"""Most scans of a JPEG; progressive files of common programs have about 10."""
_MOST_SEGMENTS = 2**16
"""Most segments of a JPEG. A profile or metadata of 1 MB take 16 each."""
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END = 0xD9
_ALONE = (0x01, 0xD8)
"""Markers without a segment."""
_CHUNK = 2**20


def check_jpeg(file: IO[bytes]) -> None:
    """Counts the scans of a JPEG.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It has too many.
        OSError: The file cannot be read.
    """
    for _ in segments(file, 0, file.seek(0, 2)):
        pass


def segments(file: IO[bytes], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Walks the segments of a JPEG up to the end of its picture; thumbnails are within one.

    Args:
        file: A file that holds it; untrusted. Its position may change between segments.
        start: Where the JPEG begins.
        end: Where it ends at the latest.

    Yields:
        Each marker, and where the length of its segment is.

    Raises:
        ClaimError: It has too many scans or segments.
        OSError: The file cannot be read.
    """
    position, scans = start + 2, 0
    for _ in range(_MOST_SEGMENTS):
        marker, position = _next_marker(file, position, end)
        if marker == _END:
            return
        scans += marker == SCAN
        if scans > _MOST_SCANS:
            raise ClaimError(
                f"has more than {_MOST_SCANS} scans; expected a JPEG of about 10. Save it again"
            )
        yield marker, position
        if marker not in _ALONE:
            file.seek(position)
            position += max(2, int.from_bytes(file.read(2)))
    raise ClaimError(
        f"has a JPEG of more than {_MOST_SEGMENTS:,} segments. Save it again without metadata"
    )


def _next_marker(file: IO[bytes], position: int, end: int) -> tuple[int, int]:
    """Returns the next marker and where it ends; that of the end if there is none."""
    size = 4  # Mostly it is here; after a scan, its coded pixels come first.
    while position < end:
        file.seek(position)
        content = file.read(min(size, end - position))
        if found := _MARKER.search(content):
            return content[found.end() - 1], position + found.end()
        if len(content) < size:
            break
        position, size = position + size - 1, _CHUNK
    return _END, position
