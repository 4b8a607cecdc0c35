"""Pixel windows as in OpenEXR: position, size, and copying what two windows share."""

import dataclasses
from collections.abc import Iterable

from export.pictures.compositing import Floats

MAXIMUM_PIXELS = 2**27
"""Most pixels in a window: 16384 x 8192."""
MAXIMUM_SIDE = 2**16
"""Longest side of a window, in pixels."""


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

    def at_origin(self) -> "Box":
        """Returns a window of the same size at the origin."""
        return Box(0, 0, self.width, self.height)

    def moved(self, x: int, y: int) -> "Box":
        """Returns the window moved by `x` columns and `y` rows."""
        return Box(self.x + x, self.y + y, self.width, self.height)


def union(boxes: Iterable[Box]) -> Box:
    """Returns the smallest window that contains all of `boxes`; there must be at least one."""
    corners = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    lefts, tops, rights, bottoms = zip(*corners, strict=True)
    left, top = min(lefts), min(tops)
    return Box(left, top, max(rights) - left, max(bottoms) - top)


def intersection(one: Box, other: Box) -> Box:
    """Returns the window that two windows share; its width or height is 0 if they share none."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Box(left, top, max(right - left, 0), max(bottom - top, 0))


def paste(pixels: Floats, source: Box, canvas: Floats, target: Box) -> None:
    """Copies the pixels that two windows share.

    Args:
        pixels: Pixels of `source`, [H, W, ...].
        source: Window of `pixels`.
        canvas: Pixels of `target`, changed in place.
        target: Window of `canvas`.
    """
    box = intersection(source, target)
    if box.width and box.height:
        canvas[_slices(box, target)] = pixels[_slices(box, source)]


def _slices(box: Box, window: Box) -> tuple[slice, slice]:
    """Returns the rows and columns of `box` in the pixels of `window`."""
    top, left = box.y - window.y, box.x - window.x
    return slice(top, top + box.height), slice(left, left + box.width)
