"""Keys a shot of one's own, with one file or with two to compare."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image

from export.pictures.compositing import Floats, linear_to_srgb
from export.pictures.frame_sequence import FrameSequence
from export.pictures.keyer import Keyed, Keyer
from export.preview.frame_reader import FrameReader
from export.preview.shot import Shot
from export.qa.comparison import Difference, compared_section, key_difference
from export.qa.plate_section import composite
from export.qa.qa_page import Picture, Section, data_uri

_SHOWN = 3
"""Most frames whose pictures are on the page."""


@dataclasses.dataclass(frozen=True)
class ShotFrame:
    """One frame of the shot.

    Attributes:
        frame: Frame number; None for a still.
        change: Mean absolute change of the matte since the frame before, of this file and of the
            other one: how restless the mattes are. Empty for the first frame.
        difference: How far the two keys are apart; None without another file.
        section: Section with the pictures; None if the frame is not shown.
    """

    frame: int | None
    change: list[float]
    difference: Difference | None
    section: Section | None


def key_shot(
    keyers: Sequence[Keyer], plate: FrameSequence, hint: FrameSequence | None, width: int
) -> list[ShotFrame]:
    """Keys every frame with each file.

    Args:
        keyers: This file, and the other one if there is one.
        plate: Frames of the plate.
        hint: Frames of the hint; None if the plate contains it.
        width: Most pixels in the width of the page's pictures.

    Raises:
        OSError: A file cannot be read.
        ValueError: The shot cannot be read; the message is one line.
    """
    shot = Shot(plate, hint)
    reader = FrameReader(shot, shot.decide_hint(), {}, {}, None)
    frames = shot.frames()
    shown = {frames[i] for i in np.linspace(0, len(frames) - 1, _SHOWN).astype(int)}
    found: list[ShotFrame] = []
    before: list[Keyed] = []
    for frame in frames:
        read = reader.read(plate.path(frame), hint.path(frame) if hint else None, frame)
        keys = [keyer.start(read.planes, **read.knobs)() for keyer in keyers]
        change = [
            float(np.abs(key.matte - last.matte).mean())
            for key, last in zip(keys, before, strict=False)
            if key.matte.shape == last.matte.shape
        ]
        section = None
        if frame in shown:
            small = [Keyed(shrunk(key.foreground, width), shrunk(key.matte, width)) for key in keys]
            colors = np.moveaxis(read.planes[:3], 0, 2)
            if read.knobs["gamma_input"]:
                colors = linear_to_srgb(colors)
            section = _section(frame, shrunk(colors, width), shrunk(read.planes[3], width), small)
        apart = key_difference(*keys) if len(keys) == 2 else None
        found.append(ShotFrame(frame, change, apart, section))
        before = keys
    return found


def shrunk(pixels: Floats, width: int) -> Floats:
    """Returns a picture [H, W] or [H, W, 3] that is at most `width` wide, averaged."""
    if pixels.shape[1] <= width:
        return pixels
    size = (width, round(pixels.shape[0] * width / pixels.shape[1]))
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BOX))
        for plane in np.moveaxis(np.atleast_3d(pixels), 2, 0)
    ]
    return planes[0] if pixels.ndim == 2 else np.stack(planes, 2)


def _section(frame: int | None, plate: Floats, hint: Floats, keys: list[Keyed]) -> Section:
    name = "shot" if frame is None else f"shot-{frame}"
    title = "Your shot" if frame is None else f"Your shot, frame {frame}"
    inputs = [
        Picture("plate", "Plate", "sRGB.", data_uri(plate)),
        Picture("hint", "Hint", "", data_uri(hint.clip(0, 1))),
    ]
    if len(keys) == 2:
        section = compared_section(name, title, keys, ["", ""])
        return dataclasses.replace(section, pictures=section.pictures + inputs)
    (key,) = keys
    height, width = key.matte.shape
    pictures = [
        *inputs,
        Picture("matte", "Matte", "All knobs at their defaults.", data_uri(key.matte)),
        Picture("foreground", "Foreground", "Straight, sRGB.", data_uri(key.foreground)),
        Picture("over-gray", "Over gray", "Merged in linear light.", data_uri(composite(key))),
    ]
    return Section(name, title, "", pictures, size=(width, height))
