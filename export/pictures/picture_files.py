"""Picture files → arrays, and back: EXR, PNG, TIFF."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from OpenImageIO import (
    DOUBLE,
    FLOAT,
    HALF,
    UINT8,
    ImageInput,
    ImageOutput,
    ImageSpec,
    geterror,
)

from export.pictures.compositing import Floats
from export.pictures.windows import Box

SUFFIXES = (".exr", ".png", ".tif", ".tiff")
"""Of the files that can be read."""


class PictureError(ValueError):
    """A file that cannot be read as a picture; the message names it and says why."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a file holds: floats as they are, whole numbers scaled to [0, 1].

    Attributes:
        rgb: [H, W, 3], H and W those of the data window; of a grey picture, three equal channels.
            None where there is only an alpha.
        alpha: [H, W], or None.
        data_window: Where there are pixels.
        display_window: The frame. The data window may be smaller, larger or beside it.
        linear: What such a file usually holds: floats are linear light, whole numbers sRGB.
    """

    rgb: Floats | None
    alpha: Floats | None
    data_window: Box
    display_window: Box
    linear: bool

    @property
    def window_in_frame(self) -> Box:
        """The data window, seen from the left upper corner of the display window."""
        data, display = self.data_window, self.display_window
        return Box(data.x - display.x, data.y - display.y, data.width, data.height)


def read_picture(path: Path) -> Picture:
    """Reads the picture in a file, or the first one.

    Args:
        path: An EXR in half or float, in scanlines or tiles; a PNG or TIFF.

    Raises:
        PictureError: The file is not there, is damaged, or has channels of other names.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path} is none of {', '.join(SUFFIXES)}")
    as_it_is = ImageSpec()
    as_it_is["oiio:UnassociatedAlpha"] = 1  # do not multiply the colours by it
    file = ImageInput.open(str(path), as_it_is)
    if not file:
        raise PictureError(_reason(path, geterror()))
    try:
        spec = file.spec()
        pixels = file.read_image(0, 0, 0, spec.nchannels, FLOAT)
        if pixels is None:
            raise PictureError(_reason(path, file.geterror()))
    finally:
        file.close()
    planes = dict(zip(spec.channelnames, np.moveaxis(pixels, 2, 0), strict=True))
    rgb = [planes[name] for name in "RGB" if name in planes]
    if not rgb and "Y" in planes and "RY" not in planes:  # with RY and BY, colour at half the size
        rgb = 3 * [planes["Y"]]
    if len(rgb) not in (0, 3) or not (rgb or "A" in planes):
        names = ", ".join(planes)
        raise PictureError(f"{path} has the channels {names}; it needs R, G and B, or Y, or A")
    return Picture(
        rgb=np.stack(rgb, 2) if rgb else None,
        alpha=planes.get("A"),
        data_window=Box(spec.x, spec.y, spec.width, spec.height),
        display_window=Box(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        linear=spec.format.basetype in (HALF, FLOAT, DOUBLE),
    )


def write_exr(
    path: Path,
    channels: Mapping[str, Floats],
    data_window: Box,
    display_window: Box,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Writes an EXR in half, lossless.

    Args:
        path: The file, `.exr`.
        channels: By name, such as `R` or `matte.A`; each [H, W], those of the data window.
        data_window: Where the pixels lie.
        display_window: The frame.
        attributes: Text for the header.

    Raises:
        OSError: The file cannot be written.
    """
    spec = ImageSpec(data_window.width, data_window.height, len(channels), HALF)
    spec.channelnames = tuple(channels)
    spec.x, spec.y = data_window.x, data_window.y
    spec.full_x, spec.full_y = display_window.x, display_window.y
    spec.full_width, spec.full_height = display_window.width, display_window.height
    spec["compression"] = "zip"
    for name, text in (attributes or {}).items():
        spec[name] = text
    largest = np.finfo(np.half).max  # so that no highlight becomes infinite
    _write(path, spec, np.clip(np.stack(list(channels.values()), 2), -largest, largest))


def write_png(path: Path, srgb: Floats) -> None:
    """Writes a PNG of 8 bits from sRGB [H, W, 3], clipped to [0, 1].

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, ImageSpec(srgb.shape[1], srgb.shape[0], 3, UINT8), srgb)


def read_attribute(path: Path, name: str) -> str | None:
    """Reads one text of a file's header; None where there is no such text, or no such file."""
    file = ImageInput.open(str(path))
    if not file:
        geterror()  # else it is printed at exit
        return None
    text = file.spec().get_string_attribute(name) or None
    file.close()
    return text


def _write(path: Path, spec: Any, pixels: Floats) -> None:
    file = ImageOutput.create(str(path))
    written = file.open(str(path), spec) and file.write_image(
        np.ascontiguousarray(pixels, np.float32)
    )
    if not (file.close() and written):
        raise OSError(_reason(path, file.geterror()))


def _reason(path: Path, error: str) -> str:
    """One line that names the file, from a library's several."""
    return f"{path}: {'; '.join(dict.fromkeys(error.split(chr(10))))}"
