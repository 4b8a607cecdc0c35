"""Bounds what a TIFF makes a library expand: JPEGs in it, blocks larger than it, and directories.

A strip or tile that is a JPEG states a size and has scans of its own. libtiff lets the JPEG of the
last strip be taller than the strip, and expands all of it.

    header ──► directory: tag, type, count, values or where they are ──► next directory
                 │ offsets and sizes of the blocks
                 ▼
               JPEG: ... SOF, its width and height ... SOS, one per scan ...
"""

import dataclasses
import struct
from collections.abc import Iterator
from typing import IO

from export.pictures.claims.claim_error import ClaimError
from export.pictures.claims.jpeg_claims import segments

MAXIMUM_DIRECTORIES = 1024
"""Most directories of a TIFF: pictures, thumbnails, layers."""
_MOST_ENTRIES = 4096
"""Most entries of a directory. TIFF knows some hundred tags."""
_MOST_BLOCKS = 2**17
"""Most JPEGs in a file: the largest picture in tiles of 32 x 32."""
_MOST_SEGMENTS = 2**20
"""Most segments of all JPEGs in a file. Each has about 8."""
_MOST_PIXELS = 2**22
"""Most pixels of a tile that is a JPEG, unless the picture itself has more."""
_MOST_READ = 4
"""Most bytes in all JPEGs, in times of the file's, because they may share their bytes."""

_WIDTH, _HEIGHT, _COMPRESSION, _ROWS_PER_STRIP = 256, 257, 259, 278
_STRIP_OFFSETS, _STRIP_SIZES = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_USED = frozenset(
    (
        *(_WIDTH, _HEIGHT, _COMPRESSION, _ROWS_PER_STRIP, _STRIP_OFFSETS, _STRIP_SIZES),
        *(_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES),
    )
)
"""Tags that are read. Others may be there twice: some writers describe a picture twice."""
_OLD_JPEG, _JPEG = 6, 7
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Types of values that are whole numbers, as struct names them."""
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments that state a JPEG's size."""


@dataclasses.dataclass(frozen=True)
class _Form:
    """The form of a file.

    Attributes:
        order: Byte order, as struct names it.
        big: True for a BigTIFF.
    """

    order: str
    big: bool

    def unpack(self, form: str, content: bytes) -> tuple[int, ...] | None:
        """Returns numbers, or None if the file ends before them."""
        unpacking = struct.Struct(self.order + form)
        if len(content) < unpacking.size:
            return None
        return unpacking.unpack_from(content)


@dataclasses.dataclass
class _Budget:
    """Counts down what all directories of a file may have together, as they may share bytes.

    Attributes:
        end: Size of the file.
        blocks: JPEGs.
        size: Bytes of JPEGs.
        segments: Segments of JPEGs.
    """

    end: int
    blocks: int
    size: int
    segments: int


Values = dict[int, tuple[str, int, bytes]]
"""Type, number and bytes of a tag's values, or of the offset where they are."""


def check_tiff(file: IO[bytes]) -> None:
    """Walks the directories of a TIFF, and the JPEGs in it.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It claims too much.
        OSError: The file cannot be read.
    """
    end = file.seek(0, 2)
    budget = _Budget(end, _MOST_BLOCKS, _MOST_READ * end, _MOST_SEGMENTS)
    file.seek(0)
    header = file.read(16)
    big = header[2:4] in (b"+\0", b"\0+")
    form = _Form("<" if header.startswith(b"II") else ">", big)
    position = form.unpack("Q" if big else "I", header[8 if big else 4 :])
    seen: set[int] = set()
    while position and position[0] and position[0] not in seen:
        if len(seen) >= MAXIMUM_DIRECTORIES:
            raise ClaimError(
                f"has more than {MAXIMUM_DIRECTORIES:,} directories, the most that are read"
            )
        seen.add(position[0])
        file.seek(min(position[0], end))
        count = form.unpack("Q" if big else "H", file.read(8 if big else 2))
        if not count:
            return
        values = _read_directory(file, form, count[0])
        position = form.unpack("Q" if big else "I", file.read(8 if big else 4))
        _check_directory(file, form, values, budget)


def _read_directory(file: IO[bytes], form: _Form, count: int) -> Values:
    """Reads the entries of a directory that matter here."""
    if count > _MOST_ENTRIES:
        raise ClaimError(
            f"has a directory of {count:,} entries; at most {_MOST_ENTRIES:,} are read"
        )
    layout, size = ("HHQ8s", 20) if form.big else ("HHI4s", 12)
    content = file.read(size * count)
    values: Values = {}
    for position in range(0, len(content) - size + 1, size):
        tag, kind, number, value = struct.unpack_from(form.order + layout, content, position)
        if tag in _USED:
            if tag in values:
                raise ClaimError(f"has the tag {tag} twice in one directory. Save it again")
            if kind not in _WHOLE_NUMBERS:
                raise ClaimError(f"has the tag {tag} in values of the type {kind}. Save it again")
            values[tag] = (_WHOLE_NUMBERS[kind], number, value)
    return values


def _check_directory(file: IO[bytes], form: _Form, values: Values, budget: _Budget) -> None:
    def first(tag: int, default: int) -> int:
        return next(_numbers(file, form, values, tag, budget.end), default)

    compression = first(_COMPRESSION, 1)
    if compression == _OLD_JPEG:
        raise ClaimError("is compressed by the JPEG of TIFF 6.0, which is obsolete. Save it again")
    if compression != _JPEG:
        return
    width, height = first(_WIDTH, 0), first(_HEIGHT, 0)
    tiled = _TILE_WIDTH in values or _TILE_OFFSETS in values
    if tiled:
        block = first(_TILE_WIDTH, 0), first(_TILE_HEIGHT, 0)
    else:
        # A JPEG is made of squares of up to 16 x 16.
        block = width, min(first(_ROWS_PER_STRIP, height), -(-height // 16) * 16)
    if block[0] * block[1] > max(_MOST_PIXELS, 4 * width * height):
        raise ClaimError(
            f"has JPEGs of {block[0]}x{block[1]} pixels in a picture of {width}x{height}; expected "
            "ones no larger than it. Save it again"
        )
    tags = (_TILE_OFFSETS, _TILE_SIZES) if tiled else (_STRIP_OFFSETS, _STRIP_SIZES)
    # Without their sizes, libtiff would take what follows for a part of them.
    budget.blocks -= values[tags[1]][1] if tags[1] in values else budget.blocks + 1
    if budget.blocks < 0:
        raise ClaimError(f"has no sizes of its JPEGs, or more than {_MOST_BLOCKS:,}. Save it again")
    numbers = (_numbers(file, form, values, tag, budget.end) for tag in tags)
    blocks = set(zip(*numbers, strict=False))
    budget.size -= sum(size for _, size in blocks)
    if budget.size < 0:
        raise ClaimError("has JPEGs that share their bytes, or go beyond its end. Save it again")
    for offset, size in sorted(blocks):
        _check_jpeg(file, min(offset, budget.end), size, block, budget)


def _numbers(file: IO[bytes], form: _Form, values: Values, tag: int, end: int) -> Iterator[int]:
    """Yields the values of a tag, as many as are whole numbers and in the file."""
    if tag not in values:
        return
    kind, count, value = values[tag]
    size = struct.calcsize(form.order + kind)
    if size * count > len(value):
        (offset,) = struct.unpack(form.order + ("Q" if form.big else "I"), value)
        file.seek(min(offset, end))
        value = file.read(min(size * count, size * _MOST_BLOCKS))
    for position in range(0, min(size * count, len(value) - size + 1), size):
        yield struct.unpack_from(form.order + kind, value, position)[0]


def _check_jpeg(
    file: IO[bytes], offset: int, size: int, block: tuple[int, int], budget: _Budget
) -> None:
    """Checks that a JPEG is not larger than the strip or tile that it fills."""
    for marker, position in segments(file, offset, offset + size):
        budget.segments -= 1
        if budget.segments < 0:
            raise ClaimError(
                f"has JPEGs of more than {_MOST_SEGMENTS:,} segments in all. Save it again"
            )
        if marker in _SIZES:
            file.seek(position + 3)
            height, width = struct.unpack(">HH", file.read(4).ljust(4, b"\0"))
            if width > block[0] or height > block[1]:
                raise ClaimError(
                    f"has a JPEG of {width}x{height} pixels in a strip or tile of "
                    f"{block[0]}x{block[1]}. Save it again"
                )
