"""The plates: physics of their light, exact truth, and the same bits on every machine."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.pictures.compositing import premultiply, srgb_to_linear
from export.pictures.synthetic_plates import RECIPES, Recipe, SyntheticPlate, synthetic_plate

HEIGHT, WIDTH = 90, 160
PLAIN = Recipe(title="", look_for="", spill=0, noise=0)
MODULE = "testing.export.pictures.synthetic_plates_test"
"""Name of this module from the top of the repository. pytest's own name for it depends on which
folders above have an __init__.py, so a child process cannot use `__name__`."""
GOLDEN_DIGEST = Path(__file__).with_name("synthetic_plates.sha256").absolute()


def render(**changes: Any) -> SyntheticPlate:
    """Renders the plain recipe with changes."""
    return synthetic_plate(dataclasses.replace(PLAIN, **changes), HEIGHT, WIDTH)


def partial(alpha: np.ndarray) -> np.ndarray:
    """Returns a mask of the pixels that are neither subject nor screen."""
    return (alpha > 0.05) & (alpha < 0.95)


@pytest.mark.parametrize("screen", ["green", "blue"])
@pytest.mark.parametrize("changes", [{}, {"defocus": 0.03}, {"motion": 0.2}], ids=str)
def test_plate_is_its_foreground_over_a_screen_in_linear_light(
    screen: str, changes: dict[str, float]
) -> None:
    shot = render(screen=screen, **changes)
    plate = srgb_to_linear(shot.plate)
    # The plate without its foreground is screen, weighted by 1 − alpha: it has one color and a
    # brightness of 0.9 to 1, that of an even screen. Composited in sRGB it would have neither.
    rest = plate - premultiply(srgb_to_linear(shot.foreground), shot.alpha)
    seen = shot.alpha < 0.95
    screen_only = rest[seen] / (1 - shot.alpha[seen, None])
    color = plate[0, 0]
    # Ten bits are 0.002 of linear light at these levels; divided by 1 − alpha, at most 0.04. The
    # noise adds 0.0003.
    assert (
        np.abs(
            screen_only / np.linalg.norm(screen_only, axis=1, keepdims=True)
            - color / np.linalg.norm(color)
        ).max()
        < 0.15
    )
    light = screen_only @ color / (color @ color)
    assert light.min() > 0.85
    assert light.max() < 1.2
    assert partial(shot.alpha).mean() > 0.02


def test_alpha_has_core_screen_and_fine_steps_between() -> None:
    alpha = render().alpha
    assert (alpha == 1).mean() > 0.15
    assert (alpha == 0).mean() > 0.4
    assert len(np.unique(alpha)) > 100


def test_hair_is_finer_than_a_pixel() -> None:
    close_up = synthetic_plate(RECIPES["hair"], HEIGHT, WIDTH).alpha
    assert partial(close_up).mean() > 2 * partial(render().alpha).mean()


def test_the_same_subject_at_any_size() -> None:
    small = synthetic_plate(PLAIN, HEIGHT, WIDTH).alpha
    large = synthetic_plate(PLAIN, 2 * HEIGHT, 2 * WIDTH).alpha
    halved = large.reshape(HEIGHT, 2, WIDTH, 2).mean((1, 3))
    # They differ in hair, which is at least one subpixel thick, and in the lens blur of two pixels.
    assert np.abs(small - halved).mean() < 0.02


def test_spill_is_light_of_the_screen_on_the_subject_and_nothing_else() -> None:
    without, spilt = render(), render(spill=1.0)
    assert np.array_equal(spilt.alpha, without.alpha)
    assert np.array_equal(spilt.foreground, without.foreground)
    added = srgb_to_linear(spilt.plate) - srgb_to_linear(without.plate)
    assert np.abs(added[without.alpha == 0]).max() == 0
    red, green, blue = added[without.alpha == 1].mean(0)
    assert green > 0.005
    assert green > 4 * red > 0
    assert green > 4 * blue > 0


def test_noise_grows_with_light_and_leaves_the_truth_alone() -> None:
    without, noisy = render(), render(noise=4e-3)
    assert np.array_equal(noisy.alpha, without.alpha)
    noise = srgb_to_linear(noisy.plate) - srgb_to_linear(without.plate)
    screen = without.alpha == 0
    red, green, _ = noise[screen].std(0)
    light = srgb_to_linear(without.plate)[screen].mean(0)
    # The variance of shot noise is proportional to the light. Clipping at 0 reduces that of red.
    assert green**2 == pytest.approx(4e-3 * light[1], rel=0.1)
    assert red**2 == pytest.approx(4e-3 * light[0], rel=0.2)


@pytest.mark.parametrize("changes", [{"uneven": 0.6}, {"shadow": 0.75}], ids=str)
def test_light_and_shadow_on_the_screen_do_not_change_the_alpha(changes: dict[str, float]) -> None:
    even, changed = render(), render(**changes)
    assert np.array_equal(changed.alpha, even.alpha)
    assert np.array_equal(changed.foreground, even.foreground)
    subject, screen = even.alpha == 1, even.alpha == 0
    assert np.array_equal(changed.plate[subject], even.plate[subject])
    darkest = (srgb_to_linear(changed.plate) / srgb_to_linear(even.plate))[screen][:, 1].min()
    assert darkest < 0.6


def test_shadow_falls_beside_the_subject() -> None:
    lost = srgb_to_linear(render().plate) - srgb_to_linear(render(shadow=0.75).plate)
    left, right = lost[:, : WIDTH // 4, 1], lost[:, WIDTH // 2 :, 1]
    assert np.abs(left).max() < 0.01
    assert right.max() > 0.2


@pytest.mark.parametrize("changes", [{"defocus": 0.03}, {"motion": 0.2}], ids=str)
def test_blur_makes_edges_wider_and_keeps_the_light(changes: dict[str, float]) -> None:
    sharp, blurred = render(**dict.fromkeys(changes, 1e-6)), render(**changes)
    assert partial(blurred.alpha).mean() > 1.5 * partial(sharp.alpha).mean()
    # Only light that leaves the frame at its lower edge and sides may be lost.
    assert blurred.alpha.sum() == pytest.approx(sharp.alpha.sum(), rel=0.02)


def test_motion_is_of_the_hand_alone() -> None:
    still, moving = render().alpha, render(motion=0.2).alpha
    assert np.array_equal(moving[:, : WIDTH // 2], still[:, : WIDTH // 2])
    assert (moving[:, 3 * WIDTH // 5 :] - still[:, 3 * WIDTH // 5 :]).sum() > 100


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_films_a_subject_before_its_screen_with_a_rough_hint(name: str) -> None:
    recipe = RECIPES[name]
    shot = synthetic_plate(recipe, HEIGHT, WIDTH)
    channel = {"green": 1, "blue": 2}[recipe.screen]
    assert (shot.plate[shot.alpha == 0].mean(0).argmax()) == channel
    assert shot.hint[shot.alpha == 0].mean() < 0.02
    assert shot.hint[shot.alpha == 1].mean() > 0.9
    assert 0.01 < np.abs(shot.hint - shot.alpha).mean() < 0.2
    assert np.abs(np.diff(shot.hint, axis=0)).max() < 0.5  # blurred
    assert shot.hint.sum() < shot.alpha.sum()  # eroded


@settings(deadline=None)  # Examples are not timed.
@given(st.sampled_from(list(RECIPES)), st.integers(1, 40), st.integers(1, 40))
def test_any_size_gives_finite_pictures_of_it(name: str, height: int, width: int) -> None:
    shot = synthetic_plate(RECIPES[name], height, width)
    for field, channels in (("plate", (3,)), ("alpha", ()), ("foreground", (3,)), ("hint", ())):
        picture = getattr(shot, field)
        assert picture.shape == (height, width, *channels)
        assert picture.dtype == np.float32
        assert ((picture >= 0) & (picture <= 1)).all()  # NaN is neither
    assert (shot.foreground[shot.alpha == 0] == 0).all()


def digest_of_every_plate() -> str:
    digest = hashlib.sha256()
    for recipe in RECIPES.values():
        for picture in dataclasses.astuple(synthetic_plate(recipe, HEIGHT, WIDTH)):
            digest.update(picture.tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("disabled", ["", "X86_V3 X86_V4"], ids=["fast", "plain"])
def test_bits_are_the_committed_ones_whatever_the_processor(disabled: str) -> None:
    command = f"from {MODULE} import digest_of_every_plate; print(digest_of_every_plate())"
    environment = {
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        "NPY_DISABLE_CPU_FEATURES": disabled,
    }
    digest = subprocess.run(
        [sys.executable, "-c", command],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    assert digest == GOLDEN_DIGEST.read_text().strip(), (
        f"The plates' bits differ from {GOLDEN_DIGEST.name}. If the change is intended and both "
        "tests show the same digest, write it to that file."
    )
