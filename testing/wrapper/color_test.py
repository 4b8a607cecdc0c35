import pytest
import torch

from wrapper.color import despill, linear_to_srgb


@pytest.mark.parametrize(
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
def test_linear_to_srgb(linear: float, srgb: float) -> None:
    # Six digits are what the expected values are written with.
    assert linear_to_srgb(torch.tensor(linear)).item() == pytest.approx(srgb, abs=1e-6)


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
    torch.testing.assert_close(despill(rgb, fraction), expected, rtol=0, atol=2e-7)


def test_despill_leaves_green_below_the_mean() -> None:
    rgb = torch.tensor([0.2, 0.3, 0.6]).view(1, 3, 1, 1)
    assert torch.equal(despill(rgb, 1.0), rgb)
