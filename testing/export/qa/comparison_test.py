"""Tests of the comparison: what it says about keys that are known to be better or worse."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from export.pictures.compositing import Floats
from export.pictures.frame_sequence import frame_sequence
from export.pictures.keyer import Keyed, Keyer
from export.pictures.picture_writer import write_png
from export.pictures.synthetic_plates import RECIPES, SPEED, synthetic_plate
from export.qa.comparison import compare_plate, flicker, tally
from export.qa.matting_errors import dtssd, edge_color_error
from export.qa.own_shot import key_shot, shrunk

HEIGHT, WIDTH = 54, 96
RECIPE = RECIPES["hair"]


class Shifted:
    """Keys by the hint, moved in value: a keyer whose errors are known."""

    def __init__(self, shift: float) -> None:
        self._shift = shift

    def key(self, plate: Floats, hint: Floats, **_: float) -> Keyed:
        """Answers the plate and the hint."""
        return Keyed(plate, (hint + np.float32(self._shift)).clip(0, 1))

    def start(self, planes: Floats, **_: float) -> Any:
        """Answers as `key` does."""
        return lambda: self.key(np.moveaxis(planes[:3], 0, 2), planes[3])


def keyer(shift: float) -> Keyer:
    return cast(Keyer, Shifted(shift))


def test_a_better_file_is_better_and_a_worse_one_is_worse() -> None:
    plate = synthetic_plate(RECIPE, HEIGHT, WIDTH)
    one = compare_plate(keyer(0.0), keyer(0.3), "hair", RECIPE, plate)
    assert one.new["sad"] < one.old["sad"]
    assert one.new["edge_color"] == one.old["edge_color"]
    assert one.difference.matte_most == pytest.approx(0.3)
    names = {"Fine hair: sad", "Fine hair: mse", "Fine hair: connectivity", "dtSSD"}
    found = tally({"Fine hair": one}, 0.1, 0.2)
    assert not names & set(found.worse)
    assert found.equal == 1  # the colors are the plate's in both
    assert found.better + found.equal + len(found.worse) == 6
    back = compare_plate(keyer(0.3), keyer(0.0), "hair", RECIPE, plate)
    assert names <= set(tally({"Fine hair": back}, 0.2, 0.1).worse)


def test_section_shows_both_files_and_their_difference() -> None:
    plate = synthetic_plate(RECIPE, HEIGHT, WIDTH)
    section = compare_plate(keyer(0.0), keyer(0.3), "hair", RECIPE, plate).section
    assert [picture.name for picture in section.pictures] == [
        *("old-matte", "new-matte", "matte-difference"),
        *("old-over-gray", "new-over-gray", "color-difference"),
    ]
    assert section.size == (WIDTH, HEIGHT)
    assert "differ by" in section.text


def test_subject_moves_and_the_first_frame_is_the_plate() -> None:
    still, again = (synthetic_plate(RECIPE, HEIGHT, WIDTH, frame) for frame in (0, 0))
    assert np.array_equal(still.plate, again.plate)
    moved = synthetic_plate(RECIPE, HEIGHT, WIDTH, 20)
    columns = np.arange(WIDTH)
    # A close-up is magnified, and its motion is not.
    centers = [(one.alpha * columns).sum() / one.alpha.sum() for one in (still, moved)]
    assert centers[1] - centers[0] == pytest.approx(20 * SPEED[0] * HEIGHT, abs=0.5)
    grain = (still.plate - moved.plate)[:8, :8]
    assert grain.std() > 0


def test_dtssd_is_about_changes_and_not_about_errors() -> None:
    alphas = [np.full((4, 4), value, np.float32) for value in (0.2, 0.4, 0.4)]
    steady = [alpha + np.float32(0.1) for alpha in alphas]
    assert dtssd(steady, alphas) == pytest.approx(0, abs=1e-6)
    assert dtssd([alphas[0], alphas[1], alphas[2] + np.float32(0.3)], alphas) == pytest.approx(0.15)


def test_flicker_of_a_keyer_that_is_the_hint_is_that_of_the_hint() -> None:
    found = flicker({"new": keyer(0.0)}, RECIPE, HEIGHT, WIDTH)
    assert found["new"] == found["hint"] > 0


def test_edge_color_counts_translucent_pixels_only() -> None:
    truth = np.zeros((1, 3, 3), np.float32)
    foreground = truth.copy()
    foreground[0, 0], foreground[0, 1], foreground[0, 2] = 0.1, 0.5, 0.9
    alpha = np.array([[0.5, 1.0, 0.0]], np.float32)
    assert edge_color_error(foreground, truth, alpha) == pytest.approx(0.1)
    assert edge_color_error(foreground, truth, np.ones_like(alpha)) == 0


def test_a_shot_of_ones_own(tmp_path: Path) -> None:
    for frame in range(4):
        plate = synthetic_plate(RECIPE, HEIGHT, WIDTH, frame)
        write_png(tmp_path / f"plate.100{frame}.png", plate.plate)
        write_png(tmp_path / f"hint.100{frame}.png", np.repeat(plate.hint[..., None], 3, 2))
    plates = frame_sequence(f"{tmp_path}/plate.####.png 1000-1003")
    hints = frame_sequence(f"{tmp_path}/hint.####.png 1000-1003")
    both = key_shot([keyer(0.0), keyer(0.2)], plates, hints, 48)
    assert [frame.frame for frame in both] == [1000, 1001, 1002, 1003]
    assert [frame.section is not None for frame in both] == [True, True, False, True]
    assert both[0].change == []
    assert all(len(frame.change) == 2 and min(frame.change) > 0 for frame in both[1:])
    assert all(frame.difference and frame.difference.matte_most > 0.19 for frame in both)
    assert both[0].section and both[0].section.size == (48, 27)
    (alone, *_) = key_shot([keyer(0.0)], plates, hints, 48)
    assert alone.difference is None
    assert alone.section
    assert [picture.name for picture in alone.section.pictures] == [
        "plate",
        "hint",
        "matte",
        "foreground",
        "over-gray",
    ]


def test_shrunk_pictures_are_averages() -> None:
    stripes = np.zeros((4, 8, 3), np.float32)
    stripes[:, ::2, 1] = 1
    small = shrunk(stripes, 4)
    assert small.shape == (2, 4, 3)
    assert np.allclose(small[..., 1], 0.5)
    assert np.allclose(small[..., 0], 0)
    assert shrunk(stripes, 8) is stripes
