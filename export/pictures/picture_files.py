"""Reads and writes pictures: EXR, PNG, TIFF."""

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
from export.pictures.frame_sequence import SUFFIXES
from export.pictures.windows import Box


class PictureError(ValueError):
    """A file cannot be read as a picture; the message names the file."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """The pixels of a file: floats unchanged, integers scaled to [0, 1].

    Attributes:
        rgb: Colors [H, W, 3] of the data window; three equal channels for a gray picture; None if
            the file has only an alpha.
        alpha: Alpha [H, W] of the data window, or None.
        data_window: Window of the pixels.
        display_window: The frame. The data window may be smaller, larger or outside it.
        linear: True for floats, which are linear light by convention; False for integers, which
            are sRGB.
    """

    rgb: Floats | None
    alpha: Floats | None
    data_window: Box
    display_window: Box
    linear: bool

    @property
    def window_in_frame(self) -> Box:
        """The data window relative to the upper left corner of the display window."""
        data, display = self.data_window, self.display_window
        return Box(data.x - display.x, data.y - display.y, data.width, data.height)


def read_picture(path: Path) -> Picture:
    """Reads the first picture in a file.

    Args:
        path: An EXR (half or float, scanlines or tiles), a PNG or a TIFF.

    Raises:
        PictureError: The file is missing or damaged, or its channels have other names.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path} has an unknown suffix; expected one of {', '.join(SUFFIXES)}")
    unchanged = ImageSpec()
    unchanged["oiio:UnassociatedAlpha"] = 1  # Do not multiply the colors by the alpha.
    file = ImageInput.open(str(path), unchanged)
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
    if (
        not rgb and "Y" in planes and "RY" not in planes
    ):  # With RY and BY, the color is in chroma channels.
        rgb = 3 * [planes["Y"]]
    if len(rgb) not in (0, 3) or not (rgb or "A" in planes):
        names = ", ".join(planes)
        raise PictureError(f"{path} has the channels {names}; expected R, G and B, or Y, or A")
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
    """Writes a half-float EXR with lossless compression.

    Args:
        path: File to write, `.exr`.
        channels: Channels [H, W] of the data window by name, such as `R` or `matte.A`.
        data_window: Window of the pixels.
        display_window: The frame.
        attributes: Text attributes for the header.

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
    largest = np.finfo(np.half).max  # Clip, or highlights would become infinite.
    _write(path, spec, np.clip(np.stack(list(channels.values()), 2), -largest, largest))


def write_png(path: Path, srgb: Floats) -> None:
    """Writes an 8-bit PNG from sRGB [H, W, 3], clipped to [0, 1].

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, ImageSpec(srgb.shape[1], srgb.shape[0], 3, UINT8), srgb)


def read_attribute(path: Path, name: str) -> str | None:
    """Returns a text attribute from a file's header; None if the file or attribute is missing."""
    file = ImageInput.open(str(path))
    if not file:
        geterror()  # OpenImageIO prints errors at exit that nobody has read.
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
    """Returns the library's error lines as one line that starts with the file's name."""
    return f"{path}: {'; '.join(dict.fromkeys(error.split(chr(10))))}"
