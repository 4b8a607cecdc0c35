"""Writes pictures: half-float EXR and 8-bit PNG."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from OpenImageIO import HALF, UINT8, ImageOutput, ImageSpec

from export.common.printable import printable
from export.pictures.compositing import Floats
from export.pictures.picture_files import utf8_name
from export.pictures.picture_headers import Attribute
from export.pictures.windows import Box


def write_exr(
    path: Path,
    channels: Mapping[str, Floats],
    data_window: Box,
    display_window: Box,
    texts: Mapping[str, str] | None = None,
    attributes: Iterable[Attribute] = (),
) -> None:
    """Writes a half-float EXR with lossless compression.

    Args:
        path: File to write, `.exr`.
        channels: Channels [H, W] of the data window by name, such as `R` or `matte.A`.
        data_window: Window of the pixels.
        display_window: The frame.
        texts: Text attributes for the header.
        attributes: Attributes inherited from another file. One that OpenEXR refuses is left out.

    Raises:
        OSError: The file cannot be written.
    """
    spec = ImageSpec(data_window.width, data_window.height, len(channels), HALF)
    spec.channelnames = tuple(channels)
    spec.x, spec.y = data_window.x, data_window.y
    spec.full_x, spec.full_y = display_window.x, display_window.y
    spec.full_width, spec.full_height = display_window.width, display_window.height
    spec["DateTime"] = ""  # Otherwise OpenImageIO writes the present time as the capture date.
    for attribute in attributes:
        spec.attribute(attribute.name, attribute.type, attribute.value)
    spec["compression"] = "zip"
    for name, text in (texts or {}).items():
        spec[name] = text
    largest = np.finfo(np.half).max  # Clip, or highlights would become infinite.
    _write(path, spec, np.clip(np.stack(list(channels.values()), 2), -largest, largest))


def write_png(path: Path, srgb: Floats) -> None:
    """Writes an 8-bit PNG from sRGB [H, W, 3], clipped to [0, 1].

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, ImageSpec(srgb.shape[1], srgb.shape[0], 3, UINT8), srgb)


def _write(path: Path, spec: Any, pixels: Floats) -> None:
    with utf8_name(path) as name:
        file = ImageOutput.create(name)
        written = file.open(name, spec) and file.write_image(
            np.ascontiguousarray(pixels, np.float32)
        )
        if not (file.close() and written):
            lines = "; ".join(dict.fromkeys(file.geterror().split("\n")))
            raise OSError(f"{printable(str(path))}: {printable(lines)}")
