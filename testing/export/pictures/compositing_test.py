"""Transfer functions, premultiply, over and checkerboard, against values computed by hand."""

import numpy as np
import pytest

from export.pictures.compositing import (
    checkerboard,
    linear_to_srgb,
    luminance,
    over,
    premultiply,
    srgb_to_linear,
)

CURVE = pytest.mark.parametrize(
    ("linear", "srgb"),
    [
        (-0.01, -0.1292),  # Linear below 0.
        (0.0, 0.0),
        (0.002, 0.02584),
        (0.18, 0.461356),
        (0.5, 0.735357),
        (1.0, 1.0),
        (16.0, 3.294416),  # The curve continues above 1.
    ],
)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@CURVE
def test_srgb_is_decoded(linear: float, srgb: float) -> None:
    # The expected values have six digits, and the slope of the curve is up to 12.
    assert srgb_to_linear(floats(srgb)) == pytest.approx(linear, abs=1.2e-5)


@CURVE
def test_linear_light_is_encoded(linear: float, srgb: float) -> None:
    assert linear_to_srgb(floats(linear)) == pytest.approx(srgb, abs=1e-6)


def test_float32_stays_float32() -> None:
    picture, matte = np.full((2, 3, 3), 0.5, np.float32), np.full((2, 3), 0.5, np.float32)
    results = [
        srgb_to_linear(picture),
        linear_to_srgb(picture),
        premultiply(picture, matte),
        over(picture, matte, picture),
        luminance(picture),
        checkerboard(2, 3),
    ]
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_over_mixes_in_proportion_to_the_matte() -> None:
    foreground = np.broadcast_to(floats(0.8, 0.4, 0.2), (1, 5, 3))
    background = np.broadcast_to(floats(0.0, 0.2, 1.0), (1, 5, 3))
    matte = np.linspace(0, 1, 5, dtype=np.float32)[None]
    picture = over(premultiply(foreground, matte), matte, background)
    for i, share in enumerate((0, 0.25, 0.5, 0.75, 1)):
        expected = [share * f + (1 - share) * b for f, b in ((0.8, 0.0), (0.4, 0.2), (0.2, 1.0))]
        assert picture[0, i] == pytest.approx(expected, abs=1e-7)


def test_luminance_of_gray_and_of_each_primary() -> None:
    picture = floats(0.5, 0.5, 0.5, 1, 0, 0, 0, 1, 0, 0, 0, 1).reshape(1, 4, 3)
    assert luminance(picture)[0] == pytest.approx([0.5, 0.2126, 0.7152, 0.0722], abs=1e-6)


def test_checkerboard_has_squares_of_two_grays() -> None:
    board = checkerboard(5, 7, square=2)
    dark, light = board[0, 0, 0], board[0, 2, 0]
    assert 0 < dark < light < 1
    expected = [[light if (y // 2 + x // 2) % 2 else dark for x in range(7)] for y in range(5)]
    assert np.array_equal(board, np.repeat(np.array(expected)[..., None], 3, 2))
