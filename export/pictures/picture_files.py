"""Reads pictures: EXR with any parts and layers, PNG, TIFF, JPEG and DPX.

file                      parts, each with its own data window
┌─ display window ────┐   The frame. Pixels are read into a box given in frame coordinates,
│    ┌─ data window ──┼─┐ whose origin is the upper left corner of the display window. Where
│    │                │ │ the box lies outside the data window, the pixels are 0.
└────┼────────────────┘ │
└──────────────────┘
"""

import contextlib
import dataclasses
import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from OpenImageIO import FLOAT, ImageInput, ImageSpec, geterror

from export.common.printable import printable
from export.pictures.claims.claim_error import ClaimError
from export.pictures.claims.exr_claims import MAXIMUM_CHANNELS, MAXIMUM_PARTS
from export.pictures.claims.picture_claims import check_claims
from export.pictures.compositing import Floats
from export.pictures.frame_sequence import SUFFIXES
from export.pictures.layers import Channel, Layer, LayerError, Part, list_layers
from export.pictures.picture_headers import Header, HeaderError, read_header
from export.pictures.windows import MAXIMUM_PIXELS, MAXIMUM_SIDE, Box, paste

_BEGINNINGS = (
    b"v/1\x01",  # EXR
    b"\x89PNG",
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, and BigTIFF
    b"\xff\xd8\xff",  # JPEG
    *(b"SDPX", b"XPDS"),  # DPX
)
"""First bytes of the formats that are read. OpenImageIO would try each format that it knows, and a
file named .exr would get to readers that nobody here has looked at."""
_MAXIMUM_TILE_VALUES = 2**26
"""Most values in a tile, in all channels, unless the picture itself has more. The library allocates
whole tiles, and a picture of 64 x 64 may claim tiles of 65,536 x 65,536."""
_BLOCK_ROWS = {
    **dict.fromkeys(("zip", "pxr24"), 16),
    **dict.fromkeys(("piz", "b44", "b44a", "dwaa", "htj2k32"), 32),
    **dict.fromkeys(("dwab", "htj2k", "htj2k256"), 256),
}
"""Rows that an EXR compresses together, by its compression; 1 for all others."""
_MAXIMUM_BLOCK_VALUES = 2**28
"""Most values in a tile or in rows that are compressed together, in all channels. The library
allocates the whole block several times, also for a file that ends before it."""

_UPRIGHT: dict[int, Callable[[Floats], Floats]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
    8: np.rot90,
}
"""Turns pixels [H, W, ...] upright, by Exif orientation."""


class PictureError(ValueError):
    """A file cannot be read as a picture; the message is one line and names the file."""


@dataclasses.dataclass(frozen=True)
class PictureFile:
    """An open file.

    Attributes:
        path: Path of the file.
        parts: Names, views and channels of its parts.
    """

    path: Path
    parts: list[Part]
    _specs: list[Any]
    _file: Any

    def layers(self, view: str | None = None) -> list[Layer]:
        """Lists the layers of a view.

        Raises:
            LayerError: The file has no such view, or has several and `view` is None.
        """
        return list_layers(self.parts, view)

    def frame(self, part: int = 0) -> Box:
        """Returns the display window of a part, in the file's coordinates."""
        spec = self._specs[part]
        box = Box(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        return self._turn(part, box)

    def data_window(self, part: int = 0) -> Box:
        """Returns the data window of a part, in frame coordinates."""
        spec, frame = self._specs[part], self.frame(part)
        box = self._turn(part, Box(spec.x, spec.y, spec.width, spec.height))
        return Box(box.x - frame.x, box.y - frame.y, box.width, box.height)

    def header(self, part: int = 0) -> Header:
        """Returns the header of a part.

        Raises:
            PictureError: The pixels cannot be interpreted.
        """
        try:
            return read_header(self._specs[part])
        except HeaderError as error:
            raise PictureError(f"{printable(str(self.path))} {error}") from None

    def read(self, channels: Sequence[Channel], box: Box) -> Floats:
        """Reads channels: floats unchanged, integers scaled to [0, 1].

        Args:
            channels: Channels to read; may repeat.
            box: Window to read, in frame coordinates.

        Returns:
            Planes [len(channels), H, W] of the box; 0 where the file has no pixels.

        Raises:
            PictureError: The file is damaged, or its windows are larger than the limits.
        """
        parts = {channel.part for channel in channels}
        for part in parts:
            self._check_size(part)
        planes = np.zeros((len(channels), box.height, box.width), np.float32)
        for part in parts:
            indices = sorted({channel.number for channel in channels if channel.part == part})
            adjacent = indices[-1] - indices[0] < 2 * len(indices)
            groups = [indices] if adjacent else [[index] for index in indices]
            for group in groups:
                pixels = self._pixels(part, group[0], group[-1] + 1)
                for plane, channel in zip(planes, channels, strict=True):
                    if channel.part == part and channel.number in group:
                        source = pixels[..., channel.number - group[0]]
                        paste(source, self.data_window(part), plane, box)
        return planes

    def _pixels(self, part: int, first: int, end: int) -> Floats:
        """Reads a range of channels [H, W, end - first]."""
        pixels = self._file.read_image(part, 0, first, end, FLOAT)
        if pixels is None:
            raise PictureError(_reason(self.path, self._file.geterror()))
        upright = _UPRIGHT.get(self._orientation(part))
        return upright(pixels) if upright else pixels

    def _orientation(self, part: int) -> int:
        return int(self._specs[part].get_int_attribute("Orientation", 1))

    def _turn(self, part: int, box: Box) -> Box:
        """Returns a window after the pixels have been turned upright."""
        if self._orientation(part) < 5:
            return box
        return Box(box.y, box.x, box.height, box.width)

    def _check_size(self, part: int) -> None:
        spec = self._specs[part]
        for name, width, height in (
            ("data", spec.width, spec.height),
            ("display", spec.full_width, spec.full_height),
        ):
            check_size(f"{printable(str(self.path))} has a {name} window", width, height)
        if max(spec.depth, spec.full_depth) > 1 or spec.tile_depth > 1:
            raise PictureError(f"{printable(str(self.path))} is a volume; expected a picture")
        values = spec.tile_width * spec.tile_height * spec.nchannels
        if values > max(_MAXIMUM_TILE_VALUES, 4 * spec.width * spec.height * spec.nchannels):
            raise PictureError(
                f"{printable(str(self.path))} has tiles of {spec.tile_width}x{spec.tile_height} "
                f"pixels in a picture of {spec.width}x{spec.height}, which are too large"
            )
        compression = spec.get_string_attribute("compression").partition(":")[0]
        rows = min(_BLOCK_ROWS.get(compression, 1), spec.height)
        if max(values, spec.width * rows * spec.nchannels) > _MAXIMUM_BLOCK_VALUES:
            raise PictureError(
                f"{printable(str(self.path))} has {spec.nchannels:,} channels of "
                f"{spec.width}x{spec.height} pixels in blocks of more than "
                f"{_MAXIMUM_BLOCK_VALUES:,} values. Write it with fewer channels, or with the "
                "compression zips"
            )
        if spec.deep:
            raise PictureError(
                f"{printable(str(self.path))} is a deep EXR; expected a flat one. Flatten it, "
                "in Nuke with DeepToImage"
            )


def check_size(subject: str, width: int, height: int) -> None:
    """Checks that a window has a size that this program may allocate.

    Args:
        subject: Beginning of the error message.
        width: Width in pixels.
        height: Height in pixels.

    Raises:
        PictureError: It is too large, or empty.
    """
    if width < 1 or height < 1:
        raise PictureError(f"{subject} of {width}x{height} pixels, which is empty")
    if width * height > MAXIMUM_PIXELS or max(width, height) > MAXIMUM_SIDE:
        raise PictureError(
            f"{subject} of {width}x{height} pixels; at most {MAXIMUM_PIXELS:,} pixels and "
            f"{MAXIMUM_SIDE:,} on a side are read"
        )


@contextlib.contextmanager
def open_picture(path: Path) -> Iterator[PictureFile]:
    """Opens a file and reads its headers, without allocating memory for pixels.

    Args:
        path: A regular file; untrusted.

    Raises:
        PictureError: The file is missing, is damaged, has an unknown suffix or too many channels.
    """
    shown = printable(str(path))
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{shown} has an unknown suffix; expected one of {', '.join(SUFFIXES)}")
    try:
        if not path.is_file():  # A pipe would block, and a missing file has no clear message.
            missing = path.lstat() and not path.exists()
            reason = os.strerror(errno.ENOENT) if missing else "not a regular file"
            raise PictureError(f"{shown}: {reason}")
        with path.open("rb") as content:
            known = content.read(4).startswith(_BEGINNINGS)
            check_claims(content)
    except ClaimError as error:
        raise PictureError(f"{shown} {error}") from None
    except OSError as error:
        raise PictureError(f"{shown}: {error.strerror}") from None
    if not known:
        raise PictureError(f"{shown}: not an EXR, PNG, TIFF, JPEG or DPX file, whatever its name")
    straight = ImageSpec()
    straight["oiio:UnassociatedAlpha"] = 1  # Do not multiply the colors by the alpha.
    with utf8_name(path) as name:
        file = ImageInput.open(name, straight)
        if not file:
            raise PictureError(_reason(path, geterror()))
        try:
            specs: list[Any] = []
            while len(specs) < MAXIMUM_PARTS and file.seek_subimage(len(specs), 0):
                specs.append(file.spec())
            file.geterror()  # The seek beyond the last part leaves an error.
            channels = sum(spec.nchannels for spec in specs)
            if channels > MAXIMUM_CHANNELS:
                raise PictureError(
                    f"{shown} has {channels:,} channels; at most {MAXIMUM_CHANNELS:,} are read"
                )
            yield PictureFile(path, [_part(spec, len(specs) > 1) for spec in specs], specs, file)
        except LayerError as error:
            raise PictureError(f"{shown} {error}") from None
        finally:
            file.close()


def _part(spec: Any, several: bool) -> Part:
    view = spec.get_string_attribute("view")
    views = (view,) if view and several else _views(spec.getattribute("multiView"))
    return Part(spec.get_string_attribute("oiio:subimagename"), views, tuple(spec.channelnames))


def _views(value: Any) -> tuple[str, ...]:
    """Returns the views that an attribute names; a file may give it any type."""
    views = (value,) if isinstance(value, str) else value or ()
    if not isinstance(views, tuple) or not all(isinstance(view, str) for view in views):
        raise LayerError("has a multiView that is not text; expected names of views. Correct it")
    return views


@contextlib.contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """Yields a name of `path` for libraries that accept UTF-8 only.

    A name with other bytes is replaced by a link in a temporary folder.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder) / f"link{path.suffix}"
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield str(path)


def read_attribute(path: Path, name: str) -> str | None:
    """Returns a text attribute from an EXR's header; None if the file or attribute is missing."""
    with utf8_name(path) as utf8:
        file = ImageInput.open(utf8) if _is_exr(path) else None
        if not file:
            geterror()  # OpenImageIO prints errors at exit that have not been read.
            return None
        text = file.spec().get_string_attribute(name) or None
        file.close()
        return text


def _is_exr(path: Path) -> bool:
    if not path.is_file():  # A pipe would block.
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) == _BEGINNINGS[0]
    except OSError:
        return False


def _reason(path: Path, error: str) -> str:
    """Returns the library's error lines as one line that starts with the file's name."""
    lines = "; ".join(dict.fromkeys(error.split("\n")))
    return f"{printable(str(path))}: {printable(lines)}"
