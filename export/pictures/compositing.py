"""What a compositor does with a key, in NumPy: transfer functions, premultiply, over, checkerboard.

Light adds up only where it is linear. So whatever blends pictures here takes and gives linear
light, and sRGB is decoded first and encoded last.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
"""Pictures [H, W, 3], mattes [H, W]."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""How much of each primary of sRGB is in luminance (ITU-R BT.709)."""


def srgb_to_linear(srgb: Floats) -> Floats:
    """Decodes the piecewise sRGB curve (IEC 61966-2-1); below 0 and above 1 it goes on."""
    power = ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, srgb / 12.92, power).astype(np.float32)


def linear_to_srgb(linear: Floats) -> Floats:
    """Encodes with the piecewise sRGB curve (IEC 61966-2-1); below 0 and above 1 it goes on."""
    power = 1.055 * np.maximum(linear, 0.0) ** (1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, power).astype(np.float32)


def premultiply(foreground: Floats, matte: Floats) -> Floats:
    """Multiplies a straight linear foreground [H, W, 3] by its matte [H, W]."""
    return foreground * matte[..., None]


def over(premultiplied: Floats, matte: Floats, background: Floats) -> Floats:
    """Puts a premultiplied linear foreground over a background, both [H, W, 3] (Porter, Duff)."""
    return premultiplied + (1.0 - matte[..., None]) * background


def luminance(linear: Floats) -> Floats:
    """Luminance [H, W] of a picture [H, W, 3]."""
    return linear @ LUMINANCE


def checkerboard(height: int, width: int, square: int = 48) -> Floats:
    """The background that stands for transparency: squares of two greys, linear [H, W, 3].

    The greys are near to each other, else the squares outshine fine hair.

    Args:
        height: In pixels.
        width: In pixels.
        square: Side of a square, in pixels.
    """
    y, x = np.ogrid[:height, :width]
    grey = srgb_to_linear(np.array([0.4, 0.5], np.float32))[(y // square + x // square) % 2]
    return np.repeat(grey[..., None], 3, 2)
