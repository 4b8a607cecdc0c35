"""Converts linear colors between primaries, with OpenColorIO's built-in configuration."""

import functools
from collections.abc import Sequence

import numpy as np
from OpenImageIO import FLOAT, ColorConfig, ImageBuf, ImageBufAlgo

from export.pictures.compositing import Floats

_CONFIG = "ocio://default"
"""OpenColorIO's built-in configuration; $OCIO is not read, so a key is the same everywhere."""
_TOLERANCE = 2e-4
"""Largest difference between chromaticities that are the same; files round them to 4 digits."""


def rec709() -> str:
    """Returns the name of the linear color space with the primaries of Rec.709 and sRGB."""
    return _linear_spaces()["lin_rec709_scene"]


def aces() -> str:
    """Returns the name of ACES2065-1, the linear color space with the primaries AP0."""
    return _linear_spaces()["lin_ap0_scene"]


def space_of(chromaticities: Sequence[float]) -> str | None:
    """Returns the name of the linear color space with these chromaticities.

    Args:
        chromaticities: x and y of red, green, blue and white.

    Returns:
        The name, or None if no linear color space has these chromaticities.
    """
    for name, known in _chromaticities().items():
        if np.abs(np.subtract(known, chromaticities)).max() <= _TOLERANCE:
            return name
    return None


def convert(rgb: Floats, source: str, target: str) -> Floats:
    """Converts linear colors.

    Args:
        rgb: Colors [3, H, W].
        source: Name of their color space.
        target: Name of the wanted color space.

    Returns:
        Colors [3, H, W], float32.
    """
    if source == target:
        return rgb
    matrix = _matrix(source, target)
    return np.tensordot(matrix, rgb, 1).astype(np.float32)


@functools.cache
def _linear_spaces() -> dict[str, str]:
    """Returns the names of the scene-linear color spaces by their interchange id."""
    config = ColorConfig(_CONFIG)
    names = {config.get_color_interop_id(name): name for name in config.getColorSpaceNames()}
    return {interop_id: name for interop_id, name in names.items() if interop_id[:4] == "lin_"}


@functools.cache
def _chromaticities() -> dict[str, list[float]]:
    """Returns the chromaticities of the scene-linear color spaces by name."""
    config = ColorConfig(_CONFIG)
    spaces = {name: config.get_chromaticities(name) for name in _linear_spaces().values()}
    return {name: values for name, values in spaces.items() if values}


@functools.cache
def _matrix(source: str, target: str) -> Floats:
    """Returns the matrix [3, 3] of a conversion, from the images of the three primaries."""
    primaries = ImageBuf(np.eye(3, dtype=np.float32)[None])
    images = ImageBufAlgo.colorconvert(primaries, source, target, False, "", "", _CONFIG)
    if images.has_error:
        raise ValueError(f"cannot convert {source} to {target}: {images.geterror()}")
    return np.ascontiguousarray(images.get_pixels(FLOAT)[0].T)
