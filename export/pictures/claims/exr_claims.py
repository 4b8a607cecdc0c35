"""Counts what the header of an EXR claims, before a library makes objects of it.

The libraries look up each channel and each attribute among those before it, so that their time
grows with the square of the number: 200,000 channels in a header of 4 MB take more than a minute.

    magic, version   attributes of a part: name 0 type 0 size value ... 0   further parts   0
"""

import struct
from typing import IO

from export.pictures.claims.claim_error import ClaimError

MAXIMUM_CHANNELS = 1024
"""Most channels in a file, in all parts."""
MAXIMUM_PARTS = 1024
"""Most parts in a file."""
_MOST_ATTRIBUTES = 1000
"""Most attributes in a part."""
_MOST_BYTES = 2**26
"""Most bytes in all headers. Renderers put manifests of some megabytes there."""
_MOST_STRINGS = 2**16
"""Most bytes of a list of strings. Each string takes many times its length in memory."""
_LONGEST_NAME = 255
_SEVERAL_PARTS = 0x1000
"""Bit of the version number."""


def check_exr(file: IO[bytes]) -> None:
    """Walks the headers of an EXR.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It claims too much, or has no header of an EXR.
        OSError: The file cannot be read.
    """
    file.seek(4)
    several = int.from_bytes(file.read(4), "little") & _SEVERAL_PARTS
    channels = parts = 0
    while True:
        found = _check_part(file)
        if found is None:  # The file ends within its headers, or this is the end of the last one.
            return
        channels, parts = channels + found, parts + 1
        if channels > MAXIMUM_CHANNELS:
            raise ClaimError(
                f"has {channels:,} channels or more; at most {MAXIMUM_CHANNELS:,} are read"
            )
        if parts > MAXIMUM_PARTS:
            raise ClaimError(f"has more than {MAXIMUM_PARTS:,} parts, the most that are read")
        if not several:
            return


def _check_part(file: IO[bytes]) -> int | None:
    """Walks the attributes of one part.

    Returns:
        Number of its channels, or None if the file ends, or no attribute is left.
    """
    channels = 0
    for count in range(_MOST_ATTRIBUTES + 1):
        name = _read_text(file)
        if not name:
            return channels if count and name is not None else None
        kind, size_bytes = _read_text(file), file.read(4)
        if kind is None or len(size_bytes) < 4:
            return None
        (size,) = struct.unpack("<i", size_bytes)
        if size < 0 or file.tell() + size > _MOST_BYTES:
            raise ClaimError(f"has a header of more than {_MOST_BYTES >> 20} MiB, the most allowed")
        if kind == b"chlist":
            channels += _count_channels(file.read(size))
        elif kind == b"stringvector" and size > _MOST_STRINGS:
            raise ClaimError(
                f"has a list of strings of {size:,} bytes in its header; the limit is "
                f"{_MOST_STRINGS:,}"
            )
        else:
            file.seek(size, 1)
    raise ClaimError(
        f"has a part with more than {_MOST_ATTRIBUTES:,} attributes. Write it again with fewer"
    )


def _read_text(file: IO[bytes]) -> bytes | None:
    """Returns the bytes up to the next 0, or None if the file ends before it."""
    start = file.tell()
    text, end, _ = file.read(_LONGEST_NAME + 1).partition(b"\0")
    if end:
        file.seek(start + len(text) + 1)
        return text
    if len(text) > _LONGEST_NAME:
        raise ClaimError(
            f"has a name of more than {_LONGEST_NAME} bytes in its header; expected an EXR"
        )
    return None


def _count_channels(content: bytes) -> int:
    """Counts the channels of a list, or as many as are too many."""
    position = count = 0
    while count <= MAXIMUM_CHANNELS:
        end = content.find(b"\0", position)
        if end <= position:  # No name is left.
            break
        position, count = end + 17, count + 1  # Each name is followed by 16 bytes.
    return count
