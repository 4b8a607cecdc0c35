"""Writes a key: an EXR with layers for compositing, and a PNG to look at."""

import dataclasses
from pathlib import Path

import numpy as np

from export.common.atomic import replacing
from export.pictures.color_spaces import convert, rec709
from export.pictures.compositing import (
    checkerboard,
    linear_to_srgb,
    over,
    premultiply,
    srgb_to_linear,
)
from export.pictures.keyer import Keyed
from export.pictures.picture_files import read_attribute
from export.pictures.picture_headers import Header
from export.pictures.picture_writer import write_exr, write_png
from export.pictures.windows import Box, paste

_RECORD = "corridorkey"
"""Attribute in the EXR's header that holds the record of its inputs."""


@dataclasses.dataclass(frozen=True)
class Framing:
    """Windows and header of a plate, which its key inherits.

    Attributes:
        frame: Display window, in the file's coordinates.
        box: Keyed window, in frame coordinates.
        header: Header of the plate.
    """

    frame: Box
    box: Box
    header: Header


def write_key(exr: Path, keyed: Keyed, framing: Framing, record: str) -> None:
    """Writes an EXR and a PNG beside it. Each is written whole or not at all, the EXR last.

    The EXR is half float, in linear light, with the plate's display window and primaries:
    `R, G, B, A` are the premultiplied foreground and the matte, `FG.R, FG.G, FG.B` the straight
    foreground, and `matte.A` the matte again. The PNG is the frame over a checkerboard.

    Args:
        exr: File to write.
        keyed: Straight sRGB foreground and matte, in the keyed window.
        framing: Windows and header of the plate.
        record: Record of the inputs, for the EXR's header.

    Raises:
        OSError: A file cannot be written.
    """
    foreground = srgb_to_linear(keyed.foreground)
    box, frame = framing.box, framing.frame.at_origin()
    picture = checkerboard(frame.height, frame.width)
    background = checkerboard(box.height, box.width)
    paste(picture, frame, background, box)
    paste(over(premultiply(foreground, keyed.matte), keyed.matte, background), box, picture, frame)

    planes = np.ascontiguousarray(np.moveaxis(foreground, 2, 0))
    if framing.header.linear:
        planes = convert(planes, rec709(), framing.header.space)
    channels = {name: planes[i] * keyed.matte for i, name in enumerate("RGB")}
    channels |= {f"FG.{name}": planes[i] for i, name in enumerate("RGB")}
    channels |= {"A": keyed.matte, "matte.A": keyed.matte}
    with replacing(exr) as partial, replacing(exr.with_suffix(".png")) as partial_png:
        write_png(partial_png, linear_to_srgb(picture))
        write_exr(
            partial,
            channels,
            box.moved(framing.frame.x, framing.frame.y),
            framing.frame,
            {_RECORD: record},
            framing.header.attributes,
        )


def is_written(exr: Path) -> bool:
    """Returns whether both files of a key exist."""
    return exr.exists() and exr.with_suffix(".png").exists()


def read_record(exr: Path) -> str | None:
    """Returns the record in a key's header; None if the file is damaged or not a key."""
    return read_attribute(exr, _RECORD)
