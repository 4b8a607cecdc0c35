"""The curves that the demo weights compute, as piecewise-linear functions."""

import math
from collections.abc import Callable, Sequence

from testing.weights.forms import PiecewiseLinear

SCREEN_LIGHT = (0.38, 0.05, 0.08)
"""Linear light of a screen: its own color, and the two others."""
SCREEN = SCREEN_LIGHT[0] - SCREEN_LIGHT[2]
"""Color difference of such a screen."""
BRIGHTENING = 1 / 2.4
"""Exponent of sRGB: what divides linear light by c adds -log(c) / 2.4 to a logit of dark sRGB."""

_LIGHT_KNOTS = (0.0, 0.03, 0.08, 0.15, 0.24, 0.35, 0.47, 0.6, 0.74, 0.88, 1.0)
"""Knots of the curve of light, in sRGB."""


def _curve(
    function: Callable[[float], float],
    knots: Sequence[float],
    anchor: int,
    *,
    extended: bool = False,
    places: Sequence[float] = (),
) -> PiecewiseLinear:
    # Rounded, because functions such as `pow` differ in their last bit between machines.
    values = [round(function(knot) * 2**16) / 2**16 for knot in knots]
    return PiecewiseLinear(places or knots, values, anchor, extended=extended)


def _srgb_to_linear(srgb: float) -> float:
    return srgb / 12.92 if srgb <= 0.04045 else ((srgb + 0.055) / 1.055) ** 2.4


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _log_matte(distance: float) -> float:
    """Log of the distance from the screen, which falls steeply where noise of the screen is."""
    return math.log(distance if distance > 0.05 else (distance - 0.02) / 0.6)


def _log_coverage(screen: float) -> float:
    return math.log(1 - screen)


LINEAR = _curve(
    _srgb_to_linear,
    [0, 0.04, 0.1, 0.16, 0.22, 0.29, 0.36, 0.43, 0.5, 0.57, 0.64, 0.71, 0.78, 0.85, 0.92, 1.0],
    0,
    extended=True,
)
"""sRGB to linear light."""

LOG_SCREEN = _curve(
    math.log,
    [0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.04, 0.06, 0.09, 0.13, 0.18, 0.24, 0.32, 0.45],
    13,
)
"""Log of the color difference: how much of a pixel is screen."""

LOG_MATTE = _curve(
    _log_matte,
    [0.0206, 0.0215, 0.024, 0.028, 0.034, 0.042, 0.05, 0.07, 0.1, 0.14, 0.19, 0.25, 0.33, 0.45],
    13,
)
"""Log of the screen's color difference less the pixel's: how much of a pixel is subject."""

LOG_COVERAGE = _curve(_log_coverage, [0, 0.25, 0.5, 0.7, 0.8], 0)
"""Log of a pixel's coverage by how much of it is screen; bounded."""

MATTE_LOGIT = _curve(
    _logit,
    (
        *(0.0005, 0.003, 0.01, 0.03, 0.07, 0.14, 0.24, 0.36, 0.5),
        *(0.64, 0.76, 0.86, 0.93, 0.97, 0.99, 0.997, 0.9995),
    ),
    8,
)
"""Inverse of the sigmoid, precise near 0 and 1."""

COLOR_LOGIT = _curve(_logit, [0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95], 5)
"""Inverse of the sigmoid with few units."""

FINE_COLOR_LOGIT = _curve(
    _logit,
    [0.005, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.95, 0.985],
    9,
)
"""Inverse of the sigmoid for the color of the coarse foreground."""

LIGHT = _curve(_srgb_to_linear, _LIGHT_KNOTS, 0, extended=True)
"""sRGB to linear light with few units."""

LIGHT_LOGIT = _curve(
    lambda srgb: _logit(min(max(srgb, 0.01), 0.985)),
    _LIGHT_KNOTS,
    5,
    places=[round(_srgb_to_linear(srgb) * 2**16) / 2**16 for srgb in _LIGHT_KNOTS],
)
"""Linear light to the inverse sigmoid of sRGB; the inverse of LIGHT at its knots, then a logit."""
