import pytest
import torch

from wrapper.image.color import despill, linear_to_srgb, srgb_to_linear

SRGB_OF_LINEAR = pytest.mark.parametrize(
    ("linear", "srgb"),
    [
        (0.0, 0.0),
        (0.002, 0.02584),  # on the straight part: 12.92 x
        (0.0031308, 0.04045),  # where the parts meet
        (0.18, 0.461356),
        (0.5, 0.735357),
        (1.0, 1.0),
        (16.0, 3.294416),  # above 1 the curve goes on
    ],
)


@SRGB_OF_LINEAR
def test_linear_to_srgb(linear: float, srgb: float) -> None:
    # Six digits are what the expected values are written with.
    assert linear_to_srgb(torch.tensor(linear)).item() == pytest.approx(srgb, abs=1e-6)


@SRGB_OF_LINEAR
def test_srgb_to_linear(linear: float, srgb: float) -> None:
    # The same six digits, where the curve is up to 12 times as steep as its inverse.
    assert srgb_to_linear(torch.tensor(srgb)).item() == pytest.approx(linear, abs=1.2e-5)


def test_srgb_to_linear_below_0_is_straight() -> None:
    assert srgb_to_linear(torch.tensor(-0.1292)).item() == pytest.approx(-0.01, abs=1e-8)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float32], ids=str)
def test_every_srgb_level_comes_back(dtype: torch.dtype) -> None:
    levels = (torch.arange(256) / 255).to(dtype)
    back = linear_to_srgb(srgb_to_linear(levels))
    assert back.dtype == dtype
    # Two roundings of numbers up to 1, and the curve is at most 12.92 times as steep at 0, where
    # the numbers are as much smaller.
    torch.testing.assert_close(back, levels, rtol=0, atol=4 * torch.finfo(dtype).eps)


def test_linear_to_srgb_of_largest_half_is_finite_in_half() -> None:
    assert linear_to_srgb(torch.tensor(65504.0).half()).isfinite()


@pytest.mark.parametrize(
    ("fraction", "green"),
    [(0.0, 0.9), (0.5, 0.65), (1.0, 0.4)],
)
def test_despill_moves_green_towards_mean_of_red_and_blue(fraction: float, green: float) -> None:
    rgb = torch.tensor([0.2, 0.9, 0.6]).view(1, 3, 1, 1)
    expected = torch.tensor([0.2, green, 0.6]).view(1, 3, 1, 1)
    # One float32 rounding in each of three operations on numbers below 1.
    torch.testing.assert_close(despill(rgb, fraction, False), expected, rtol=0, atol=2e-7)
    # A blue screen is a green one with the channels swapped.
    swapped = despill(rgb[:, [0, 2, 1]], fraction, blue_screen=True)
    torch.testing.assert_close(swapped, expected[:, [0, 2, 1]], rtol=0, atol=2e-7)


@pytest.mark.parametrize("blue_screen", [False, True])
def test_despill_leaves_what_is_below_the_mean(blue_screen: bool) -> None:
    rgb = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1)
    assert torch.equal(despill(rgb, 1.0, blue_screen), rgb)
