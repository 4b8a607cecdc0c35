import pytest
import torch

from wrapper.image.color import linear_to_srgb, srgb_to_linear

SRGB_OF_LINEAR = pytest.mark.parametrize(
    ("linear", "srgb"),
    [
        (0.0, 0.0),
        (0.002, 0.02584),  # on the straight part: 12.92 x
        (0.0031308, 0.04045),  # where the parts meet
        (0.18, 0.461356),
        (0.5, 0.735357),
        (1.0, 1.0),
        (16.0, 3.294416),  # the curve continues above 1
    ],
)


@SRGB_OF_LINEAR
def test_linear_to_srgb(linear: float, srgb: float) -> None:
    # The expected values are written with six digits.
    assert linear_to_srgb(torch.tensor(linear)).item() == pytest.approx(srgb, abs=1e-6)


@SRGB_OF_LINEAR
def test_srgb_to_linear(linear: float, srgb: float) -> None:
    # Six digits, times the curve's greatest slope of about 12 relative to its inverse.
    assert srgb_to_linear(torch.tensor(srgb)).item() == pytest.approx(linear, abs=1.2e-5)


def test_srgb_to_linear_below_0_is_straight() -> None:
    assert srgb_to_linear(torch.tensor(-0.1292)).item() == pytest.approx(-0.01, abs=1e-8)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float32], ids=str)
def test_every_srgb_level_comes_back(dtype: torch.dtype) -> None:
    levels = (torch.arange(256) / 255).to(dtype)
    back = linear_to_srgb(srgb_to_linear(levels))
    assert back.dtype == dtype
    # Two roundings of numbers up to 1. Near 0 the curve is 12.92 times as steep, but the numbers
    # are smaller by the same factor.
    torch.testing.assert_close(back, levels, rtol=0, atol=4 * torch.finfo(dtype).eps)


def test_linear_to_srgb_of_largest_half_is_finite_in_half() -> None:
    assert linear_to_srgb(torch.tensor(65504.0).half()).isfinite()
