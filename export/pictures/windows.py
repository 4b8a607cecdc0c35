"""Pixel windows as in OpenEXR: position, size, and copying what two windows share."""

import dataclasses

from export.pictures.compositing import Floats


@dataclasses.dataclass(frozen=True)
class Box:
    """A window of pixels.

    Attributes:
        x: Column of the left edge; coordinates grow to the right.
        y: Row of the top edge; coordinates grow downward.
        width: Width in pixels.
        height: Height in pixels.
    """

    x: int
    y: int
    width: int
    height: int


def paste(pixels: Floats, source: Box, canvas: Floats, target: Box) -> None:
    """Copies the pixels that two windows share.

    Args:
        pixels: Pixels of `source`, [H, W, ...].
        source: Window of `pixels`.
        canvas: Pixels of `target`, changed in place.
        target: Window of `canvas`.
    """
    left, top = max(source.x, target.x), max(source.y, target.y)
    right = min(source.x + source.width, target.x + target.width)
    bottom = min(source.y + source.height, target.y + target.height)
    if left < right and top < bottom:
        canvas[top - target.y : bottom - target.y, left - target.x : right - target.x] = pixels[
            top - source.y : bottom - source.y, left - source.x : right - source.x
        ]
