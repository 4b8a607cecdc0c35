import numpy as np
import pytest
import torch
from torch import Tensor

from export.pictures.synthetic_plates import RECIPES, synthetic_plate
from wrapper.image.hint import screen_hint
from wrapper.image.resize import resize


def hint_of(plate: Tensor, blue_screen: bool = False) -> Tensor:
    return screen_hint(resize(plate, 256, 256), blue_screen, plate.size(2), plate.size(3))


@pytest.mark.parametrize("name", RECIPES)
def test_hint_is_near_the_one_that_the_true_matte_gives(name: str) -> None:
    recipe = RECIPES[name]
    filmed = synthetic_plate(recipe, 90, 160)
    plate = torch.from_numpy(filmed.plate).permute(2, 0, 1)[None]
    hint = resize(hint_of(plate, recipe.screen == "blue"), 90, 160)[0, 0].numpy()
    # Measured 0.004 to 0.02. A hint is meant to be coarse; its outline is off by a few pixels.
    assert np.abs(hint - filmed.hint).mean() < 0.04
    assert hint[filmed.alpha < 0.01].mean() < 0.03
    assert hint[filmed.hint > 0.99].min() > 0.3


def test_hint_does_not_flicker() -> None:
    filmed = synthetic_plate(RECIPES["noise"], 180, 320)
    plate = torch.from_numpy(filmed.plate).permute(2, 0, 1)[None]
    dice = torch.Generator().manual_seed(1)
    hints = [
        hint_of((plate + 0.02 * torch.randn(plate.shape, generator=dice)).clamp(0, 1))
        for _ in range(3)
    ]
    assert max((one - hints[0]).abs().max() for one in hints[1:]) < 0.15
    # Light that falls off by a fifth moves the outline by less than a pixel.
    assert (hint_of(0.9 * plate) - hint_of(plate)).abs().mean() < 0.002


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 100.0])
def test_a_frame_without_a_screen_is_all_subject(level: float) -> None:
    hint = screen_hint(torch.full((1, 3, 64, 64), level), False, 1, 4000)
    assert torch.equal(hint, torch.ones(1, 1, 64, 64))


def test_a_blue_screen_is_a_green_one_swapped() -> None:
    plate = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    swapped = plate[:, [0, 2, 1]]
    assert torch.equal(screen_hint(swapped, True, 9, 16), screen_hint(plate, False, 9, 16))
