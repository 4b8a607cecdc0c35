"""Composites a key in NumPy: transfer functions, premultiply, over, checkerboard.

Light adds up only in linear light. Every function that blends pictures takes and returns linear
light; callers decode sRGB first and encode it last.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
"""A picture [H, W, 3] or a matte [H, W]."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weight of each sRGB primary in the luminance (ITU-R BT.709)."""


def srgb_to_linear(srgb: Floats) -> Floats:
    """Decodes the piecewise sRGB curve (IEC 61966-2-1), extended below 0 and above 1."""
    power = ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, srgb / 12.92, power).astype(np.float32)


def linear_to_srgb(linear: Floats) -> Floats:
    """Encodes with the piecewise sRGB curve (IEC 61966-2-1), extended below 0 and above 1."""
    power = 1.055 * np.maximum(linear, 0.0) ** (1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, power).astype(np.float32)


def premultiply(foreground: Floats, matte: Floats) -> Floats:
    """Multiplies a straight linear foreground [H, W, 3] by its matte [H, W]."""
    return foreground * matte[..., None]


def over(premultiplied: Floats, matte: Floats, background: Floats) -> Floats:
    """Merges a premultiplied linear foreground over a background, both [H, W, 3] (Porter, Duff)."""
    return premultiplied + (1.0 - matte[..., None]) * background


def luminance(linear: Floats) -> Floats:
    """Returns the luminance [H, W] of a linear picture [H, W, 3]."""
    return linear @ LUMINANCE


def checkerboard(height: int, width: int, square: int = 48) -> Floats:
    """Returns the usual background for transparency: squares of two grays, linear [H, W, 3].

    The two grays are close to each other; with more contrast the squares would hide fine hair.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        square: Side of a square in pixels.
    """
    y, x = np.ogrid[:height, :width]
    gray = srgb_to_linear(np.array([0.4, 0.5], np.float32))[(y // square + x // square) % 2]
    return np.repeat(gray[..., None], 3, 2)
