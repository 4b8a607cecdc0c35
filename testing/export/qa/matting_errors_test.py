"""The four metrics: computed by hand on small mattes, and by property."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.qa.matting_errors import MattingErrors, matting_errors, mean_errors

SIDES = st.integers(1, 12)


@st.composite
def pairs_of_mattes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draws two mattes of one size, in multiples of 1/8 so that sums are exact."""
    shape = draw(SIDES), draw(SIDES)
    numbers = draw(st.binary(min_size=2 * shape[0] * shape[1], max_size=2 * shape[0] * shape[1]))
    eighths = np.frombuffer(numbers, np.uint8).astype(np.float32) % 9 / 8
    return tuple(eighths.reshape(2, *shape))


def square(side: int, size: int = 40) -> np.ndarray:
    """Returns a matte with a solid square in its center."""
    matte = np.zeros((size, size), np.float32)
    matte[(start := (size - side) // 2) : start + side, start : start + side] = 1
    return matte


def test_sad_and_mse_by_hand() -> None:
    alpha = np.float32([[0, 0.5], [1, 1]])
    matte = np.float32([[0.25, 0.5], [1, 0.5]])
    errors = matting_errors(matte, alpha)
    assert errors.sad == 0.75 / 1000
    assert errors.mse == (1 / 16 + 1 / 4) / 4


def test_gradient_of_a_ramp_by_hand() -> None:
    # Away from the border, a ramp of slope s correlated with the derivative is s·Σx·d(x), and with
    # the Gaussian a factor Σg: each pixel there adds (s·Σx·d·Σg)².
    x = np.arange(-4, 5)
    gaussian = np.exp(-(x**2) / (2 * 1.4**2))
    derivative = x * gaussian
    slope, size = 0.01, 60
    length = slope * (x @ derivative) * gaussian.sum()
    length /= np.linalg.norm(gaussian) * np.linalg.norm(derivative)
    ramp = np.tile(slope * np.arange(size, dtype=np.float32), (size, 1))
    whole = matting_errors(ramp, np.zeros_like(ramp)).gradient
    # In the four columns at each side the kernel crosses the border, where the slope is 0.
    center = (size - 8) * size * length**2 / 1000
    assert center < whole < center * size / (size - 8)


def test_gradient_is_the_same_in_both_directions_and_0_for_constants() -> None:
    half = np.zeros((30, 30), np.float32)
    half[:, 15:] = 1
    nothing = np.zeros_like(half)
    upright, level = (matting_errors(edge, nothing).gradient for edge in (half, half.T))
    assert upright == pytest.approx(level, rel=1e-12)  # The order of summation differs.
    assert upright > 0
    assert matting_errors(nothing + 1, nothing).gradient == pytest.approx(0, abs=1e-20)


def test_disconnected_piece_adds_to_the_connectivity_error() -> None:
    alpha, matte = square(20), square(20)
    matte[2:4, 2:4] = 0.5
    assert matting_errors(matte, alpha).connectivity == 4 * 0.5 / 1000


def test_connectivity_by_hand() -> None:
    alpha = np.float32([[1, 1, 1, 0, 0, 0]])
    # At 0.8 the region has two pixels. The third pixel's level is 0.7; its excess is 0.05 in one
    # matte, below theta, and 0.3 in the other: a difference of 0.3. The fourth pixel is never in
    # the region, so its level is 0; its excess is 0.5 and 0. The fifth's excess is below theta.
    matte = np.float32([[1, 1, 0.75, 0.5, 0.1, 0]])
    assert matting_errors(matte, alpha).connectivity == pytest.approx((0.3 + 0.5) / 1000, rel=1e-6)


def test_diagonal_neighbors_are_not_connected() -> None:
    alpha = np.ones((4, 4), np.float32)
    touching_at_a_corner = np.float32([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    # Four pixels are connected. Eleven are lost and differ by 1. The twelfth is white in both
    # mattes, so its connectedness does not differ.
    errors = matting_errors(touching_at_a_corner, alpha)
    assert errors.connectivity == 11 / 1000


def test_pixel_that_leaves_the_region_does_not_return() -> None:
    # From 0.1 to 0.5 the region is the three pixels on the left. Above that, the largest component
    # is the two on the right, which were not in the region: their level stays 0, and their excess
    # is 1 and 0.6.
    alpha = np.float32([[0.5, 0.5, 0.5, 0, 1, 1]])
    matte = np.float32([[0.5, 0.5, 0.5, 0, 0.6, 0.6]])
    assert matting_errors(matte, alpha).connectivity == pytest.approx(0.8 / 1000, rel=1e-6)


def test_mattes_without_overlap() -> None:
    alpha = np.float32([[1, 0]])
    errors = matting_errors(1 - alpha, alpha)
    assert (errors.sad, errors.mse, errors.connectivity) == (2 / 1000, 1.0, 2 / 1000)
    assert errors.gradient == pytest.approx(0, abs=1e-20)  # Both slopes have the same magnitude.


@settings(deadline=None)  # Examples are not timed.
@given(pairs_of_mattes())
def test_errors_are_symmetric_nonnegative_and_0_only_for_equal_mattes(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    matte, alpha = pair
    forward, backward = matting_errors(matte, alpha), matting_errors(alpha, matte)
    assert forward == backward
    assert all(error >= 0 for error in dataclasses.astuple(forward))
    assert matting_errors(alpha, alpha) == MattingErrors(0, 0, 0, 0)
    assert (forward.sad > 0) == (forward.mse > 0) == bool((matte != alpha).any())
    # A difference in [0, 1] is at least its square.
    assert forward.mse * matte.size <= 1000 * forward.sad
    # Connectedness differs by at most the difference of the mattes, plus theta where theta hides an
    # excess in one matte only.
    assert 1000 * forward.connectivity <= 1000 * forward.sad + 0.15 * (matte != alpha).sum() + 1e-9


@settings(deadline=None)  # Examples are not timed.
@given(pairs_of_mattes(), st.sampled_from([np.fliplr, np.flipud, np.transpose]))
def test_errors_do_not_depend_on_orientation(
    pair: tuple[np.ndarray, np.ndarray], flip: np.ufunc
) -> None:
    matte, alpha = pair
    upright, flipped = matting_errors(matte, alpha), matting_errors(flip(matte), flip(alpha))
    assert (upright.sad, upright.mse) == (flipped.sad, flipped.mse)
    assert upright.gradient == pytest.approx(flipped.gradient, rel=1e-9, abs=1e-12)


def test_doubling_a_picture_doubles_the_sums_but_not_the_mean() -> None:
    alpha, matte = square(20), square(17)
    pair = np.concatenate([alpha, alpha]), np.concatenate([matte, matte])
    once, twice = matting_errors(matte, alpha), matting_errors(*reversed(pair))
    assert twice.mse == once.mse
    assert twice.sad == 2 * once.sad
    assert twice.gradient == pytest.approx(2 * once.gradient, rel=1e-12)


def test_mean_of_each_metric() -> None:
    assert mean_errors([MattingErrors(1, 2, 3, 4), MattingErrors(3, 6, 5, 0)]) == MattingErrors(
        2, 4, 4, 2
    )


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (0, 2)])
def test_mattes_of_different_or_invalid_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be measured against"):
        matting_errors(np.zeros(shape, np.float32), np.zeros((0, 2) if 0 in shape else (3, 2)))
