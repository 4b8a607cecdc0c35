"""Windows of pixels, as EXR has them: where they lie, and what two of them share."""

import dataclasses

from export.pictures.compositing import Floats


@dataclasses.dataclass(frozen=True)
class Box:
    """A window of pixels: left upper corner, in coordinates that go right and down, and size."""

    x: int
    y: int
    width: int
    height: int


def paste(pixels: Floats, source: Box, canvas: Floats, target: Box) -> None:
    """Copies what two windows share from one's pixels [H, W, ...] into the other's."""
    left, top = max(source.x, target.x), max(source.y, target.y)
    right = min(source.x + source.width, target.x + target.width)
    bottom = min(source.y + source.height, target.y + target.height)
    if left < right and top < bottom:
        canvas[top - target.y : bottom - target.y, left - target.x : right - target.x] = pixels[
            top - source.y : bottom - source.y, left - source.x : right - source.x
        ]
