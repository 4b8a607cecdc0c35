"""What is written of a key: layers in an EXR for compositing, and a PNG to look at."""

from pathlib import Path

from export.common.atomic import replacing
from export.pictures.compositing import (
    checkerboard,
    linear_to_srgb,
    over,
    premultiply,
    srgb_to_linear,
)
from export.pictures.keyer import Keyed
from export.pictures.picture_files import Picture, read_attribute, write_exr, write_png
from export.pictures.windows import Box, paste

_SETTINGS = "corridorkey"
"""The text in the EXR's header that says how it was made."""


def write_key(exr: Path, keyed: Keyed, plate: Picture, settings: str) -> None:
    """Writes an EXR, and a PNG beside it; each appears whole or not at all, the EXR last.

    The EXR, in half, has the windows of the plate and linear light: `R, G, B, A` is the
    premultiplied foreground, `FG.R, FG.G, FG.B` the straight one, and `matte.A` the matte. The PNG
    is the frame over a checkerboard.

    Args:
        exr: The file.
        keyed: Straight sRGB foreground and matte, of the plate's data window.
        plate: What was keyed.
        settings: How, for the EXR's header.

    Raises:
        OSError: A file cannot be written.
    """
    foreground = srgb_to_linear(keyed.foreground)
    premultiplied = premultiply(foreground, keyed.matte)
    channels = {name: premultiplied[..., i] for i, name in enumerate("RGB")}
    channels |= {f"FG.{name}": foreground[..., i] for i, name in enumerate("RGB")}
    channels |= {"A": keyed.matte, "matte.A": keyed.matte}

    window = plate.window_in_frame
    frame = Box(0, 0, plate.display_window.width, plate.display_window.height)
    picture = checkerboard(frame.height, frame.width)
    background = checkerboard(window.height, window.width)
    paste(picture, frame, background, window)
    paste(over(premultiplied, keyed.matte, background), window, picture, frame)

    with replacing(exr) as partial, replacing(exr.with_suffix(".png")) as partial_png:
        write_png(partial_png, linear_to_srgb(picture))
        write_exr(partial, channels, plate.data_window, plate.display_window, {_SETTINGS: settings})


def is_written(exr: Path) -> bool:
    """Whether both files of a key are there."""
    return exr.exists() and exr.with_suffix(".png").exists()


def read_settings(exr: Path) -> str | None:
    """How a key that is there was made; None where the file is of another program, or damaged."""
    return read_attribute(exr, _SETTINGS)
