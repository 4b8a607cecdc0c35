"""Writes a key: an EXR with layers for compositing, and a PNG to look at."""

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
"""Attribute in the EXR's header that holds the settings."""


def write_key(exr: Path, keyed: Keyed, plate: Picture, settings: str) -> None:
    """Writes an EXR and a PNG beside it. Each is written whole or not at all, the EXR last.

    The EXR is half float, in linear light, with the plate's windows: `R, G, B, A` are the
    premultiplied foreground and the matte, `FG.R, FG.G, FG.B` the straight foreground, and
    `matte.A` the matte again. The PNG is the frame over a checkerboard.

    Args:
        exr: File to write.
        keyed: Straight sRGB foreground and matte, in the plate's data window.
        plate: The plate.
        settings: Settings to record in the EXR's header.

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
    """Returns whether both files of a key exist."""
    return exr.exists() and exr.with_suffix(".png").exists()


def read_settings(exr: Path) -> str | None:
    """Returns the settings recorded in a key; None if the file is damaged or not a key."""
    return read_attribute(exr, _SETTINGS)
