import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.qa.matting_errors import MattingErrors, matting_errors, mean_errors

SIDES = st.integers(1, 12)


@st.composite
def pairs_of_mattes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two mattes of the same size, of whole eighths so that sums are exact."""
    shape = draw(SIDES), draw(SIDES)
    numbers = draw(st.binary(min_size=2 * shape[0] * shape[1], max_size=2 * shape[0] * shape[1]))
    eighths = np.frombuffer(numbers, np.uint8).astype(np.float32) % 9 / 8
    return tuple(eighths.reshape(2, *shape))


def square(side: int, size: int = 40) -> np.ndarray:
    """A solid square in the middle of a matte."""
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
    # Far from the border, correlating a ramp of slope s with the derivative gives s·Σx·d(x), and
    # with the Gaussian Σg: so each of the n² pixels of a centre square adds (s·Σx·d·Σg)².
    x = np.arange(-4, 5)
    gaussian = np.exp(-(x**2) / (2 * 1.4**2))
    derivative = x * gaussian
    slope, size = 0.01, 60
    length = slope * (x @ derivative) * gaussian.sum()
    length /= np.linalg.norm(gaussian) * np.linalg.norm(derivative)
    ramp = np.tile(slope * np.arange(size, dtype=np.float32), (size, 1))
    whole = matting_errors(ramp, np.zeros_like(ramp)).gradient
    # Four columns at either side see the border, where the ramp stops: half of a kernel less.
    centre = (size - 8) * size * length**2 / 1000
    assert centre < whole < centre * size / (size - 8)


def test_gradient_is_the_same_in_either_direction_and_not_of_constants() -> None:
    half = np.zeros((30, 30), np.float32)
    half[:, 15:] = 1
    nothing = np.zeros_like(half)
    upright, level = (matting_errors(edge, nothing).gradient for edge in (half, half.T))
    assert upright == pytest.approx(level, rel=1e-12)  # sums in another order
    assert upright > 0
    assert matting_errors(nothing + 1, nothing).gradient == pytest.approx(0, abs=1e-20)


def test_a_loose_piece_costs_connectivity() -> None:
    alpha, matte = square(20), square(20)
    matte[2:4, 2:4] = 0.5
    assert matting_errors(matte, alpha).connectivity == 4 * 0.5 / 1000


def test_connectivity_by_hand() -> None:
    alpha = np.float32([[1, 1, 1, 0, 0, 0]])
    # At 0.8, two pixels are left of the region; the third keeps the level 0.7 in both mattes. It
    # has 0.05 above that, less than theta, and 0.3: a difference of 0.3. The fourth was never in,
    # and has 0.5 and 0 above a level of 0. The fifth has less than theta.
    matte = np.float32([[1, 1, 0.75, 0.5, 0.1, 0]])
    assert matting_errors(matte, alpha).connectivity == pytest.approx((0.3 + 0.5) / 1000, rel=1e-6)


def test_connectivity_asks_for_neighbours_along_the_axes() -> None:
    alpha = np.ones((4, 4), np.float32)
    touching_at_a_corner = np.float32([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    # Four pixels are connected. The eleven that were lost differ by 1; the twelfth is white in
    # both mattes, so it differs by nothing however loose it is.
    errors = matting_errors(touching_at_a_corner, alpha)
    assert errors.connectivity == 11 / 1000


def test_a_pixel_that_drops_out_stays_out() -> None:
    # At 0.1 to 0.5 the region is the three on the left. Above, it is the two on the right, which
    # were never part of it: their level stays 0, and they have 1 and 0.6 above it.
    alpha = np.float32([[0.5, 0.5, 0.5, 0, 1, 1]])
    matte = np.float32([[0.5, 0.5, 0.5, 0, 0.6, 0.6]])
    assert matting_errors(matte, alpha).connectivity == pytest.approx(0.8 / 1000, rel=1e-6)


def test_mattes_with_nothing_in_common_are_measured() -> None:
    alpha = np.float32([[1, 0]])
    errors = matting_errors(1 - alpha, alpha)
    assert (errors.sad, errors.mse, errors.connectivity) == (2 / 1000, 1.0, 2 / 1000)
    assert errors.gradient == pytest.approx(0, abs=1e-20)  # two slopes of the same length


@settings(deadline=None)  # tests here are not timed
@given(pairs_of_mattes())
def test_errors_are_metrics_of_some_kind(pair: tuple[np.ndarray, np.ndarray]) -> None:
    matte, alpha = pair
    forth, back = matting_errors(matte, alpha), matting_errors(alpha, matte)
    assert forth == back
    assert all(error >= 0 for error in dataclasses.astuple(forth))
    assert matting_errors(alpha, alpha) == MattingErrors(0, 0, 0, 0)
    assert (forth.sad > 0) == (forth.mse > 0) == bool((matte != alpha).any())
    # Each pixel is between 0 and 1: no squared difference exceeds the difference.
    assert forth.mse * matte.size <= 1000 * forth.sad
    # A difference in connectedness is one in alpha, or one that theta hides, or hides in one only.
    assert 1000 * forth.connectivity <= 1000 * forth.sad + 0.15 * (matte != alpha).sum() + 1e-9


@settings(deadline=None)  # tests here are not timed
@given(pairs_of_mattes(), st.sampled_from([np.fliplr, np.flipud, np.transpose]))
def test_errors_do_not_depend_on_which_way_is_up(
    pair: tuple[np.ndarray, np.ndarray], turned: np.ufunc
) -> None:
    matte, alpha = pair
    as_it_is, otherwise = matting_errors(matte, alpha), matting_errors(turned(matte), turned(alpha))
    assert (as_it_is.sad, as_it_is.mse) == (otherwise.sad, otherwise.mse)
    assert as_it_is.gradient == pytest.approx(otherwise.gradient, rel=1e-9, abs=1e-12)


def test_doubling_a_picture_doubles_sums_and_not_the_mean() -> None:
    alpha, matte = square(20), square(17)
    pair = np.concatenate([alpha, alpha]), np.concatenate([matte, matte])
    once, twice = matting_errors(matte, alpha), matting_errors(*reversed(pair))
    assert twice.mse == once.mse
    assert twice.sad == 2 * once.sad
    assert twice.gradient == pytest.approx(2 * once.gradient, rel=1e-12)


def test_mean_is_of_each_measure() -> None:
    assert mean_errors([MattingErrors(1, 2, 3, 4), MattingErrors(3, 6, 5, 0)]) == MattingErrors(
        2, 4, 4, 2
    )


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (0, 2)])
def test_pictures_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be measured against"):
        matting_errors(np.zeros(shape, np.float32), np.zeros((0, 2) if 0 in shape else (3, 2)))
