import pytest
import torch

from wrapper.image.despill import despill


@pytest.mark.parametrize(
    ("fraction", "green"),
    [(0.0, 0.9), (0.5, 0.65), (1.0, 0.4)],
)
def test_despill_moves_green_towards_mean_of_red_and_blue(fraction: float, green: float) -> None:
    rgb = torch.tensor([0.2, 0.9, 0.6]).view(1, 3, 1, 1)
    expected = torch.tensor([0.2, green, 0.6]).view(1, 3, 1, 1)
    # Three operations on numbers below 1, one float32 rounding each.
    torch.testing.assert_close(despill(rgb, fraction, False), expected, rtol=0, atol=2e-7)
    # A blue screen is a green one with the channels swapped.
    swapped = despill(rgb[:, [0, 2, 1]], fraction, blue_screen=True)
    torch.testing.assert_close(swapped, expected[:, [0, 2, 1]], rtol=0, atol=2e-7)


@pytest.mark.parametrize("blue_screen", [False, True])
def test_despill_leaves_what_is_below_the_mean(blue_screen: bool) -> None:
    rgb = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1)
    assert torch.equal(despill(rgb, 1.0, blue_screen), rgb)


def test_despill_gives_half_of_what_it_removes_to_each_other_channel() -> None:
    rgb = torch.tensor([0.30, 0.45, 0.28]).view(1, 3, 1, 1)
    preserved = despill(rgb, 1.0, False, preserve_light=True)
    # The published pipeline's answer.
    expected = torch.tensor([0.38, 0.29, 0.36]).view(1, 3, 1, 1)
    torch.testing.assert_close(preserved, expected, rtol=0, atol=2e-7)
    swapped = despill(rgb[:, [0, 2, 1]], 1.0, True, preserve_light=True)
    torch.testing.assert_close(swapped, expected[:, [0, 2, 1]], rtol=0, atol=2e-7)
    assert torch.equal(despill(rgb, 0.0, False, preserve_light=True), rgb)
