"""Says what a key means: one check for each statement that a compositor would make about it."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from export.pictures.compositing import Floats, srgb_to_linear
from export.pictures.keyer import Keyed
from testing.export.semantics.card import draw_card, patch


class Key(Protocol):
    """Keys one picture, with knobs by name; as `Keyer.key`."""

    def __call__(self, plate: Floats, hint: Floats, **knobs: float) -> Keyed:
        """Keys a plate [H, W, 3] with a hint [H, W]."""


def subject_is_opaque_and_screen_is_clear(key: Key) -> None:
    """Checks that the matte is near 1 on the subject and near 0 on the screen."""
    card = draw_card()
    matte = key(card.plate, card.hint).matte
    assert matte[card.alpha > 0.999].min() > 0.95
    assert matte[card.alpha < 0.001].max() < 0.05


def matte_lies_where_the_subject_does(key: Key) -> None:
    """Checks that the matte is upright, not mirrored, and not moved by half a pixel."""
    card = draw_card()
    matte = key(card.plate, card.hint).matte
    # A quarter of a pixel: a frame moved by half a pixel is found, a soft edge is not.
    assert np.abs(center(matte) - center(card.alpha)).max() < 0.25
    assert np.abs(matte - card.alpha).mean() < 0.01


def colors_keep_their_places(key: Key) -> None:
    """Checks that the foreground has the plate's colors where the subject is opaque."""
    card = draw_card()
    foreground = key(card.plate, card.hint).foreground
    for name in ("red", "skin", "white"):
        expected = card.plate[patch(name)].mean((0, 1))
        assert np.abs(foreground[patch(name)].mean((0, 1)) - expected).max() < 0.03, name


def key_moves_with_plate_and_hint(key: Key) -> None:
    """Checks that moving plate and hint moves the matte by as much."""
    card = draw_card()
    still = key(card.plate, card.hint).matte
    moved = card.moved(9, -6)
    matte = key(moved.plate, moved.hint).matte
    assert np.abs(matte - np.roll(still, (9, -6), (0, 1))).mean() < 0.005
    assert np.abs(matte - still).mean() > 0.02


def hint_keeps_a_green_prop(key: Key) -> None:
    """Checks that the hint decides whether a green prop on the subject is opaque."""
    rows, columns = slice(118, 130), slice(76, 90)
    prop = draw_card().painted(rows, columns, (0.05, 0.38, 0.085)).hinted(rows, columns, 1.0)
    inner = slice(121, 127), slice(80, 86)
    assert key(prop.plate, prop.hint).matte[inner].min() > 0.9
    open_hint = prop.hinted(slice(112, 136), slice(70, 96), 0.0)
    assert key(open_hint.plate, open_hint.hint).matte[inner].max() < 0.1


def hint_clears_a_hole_in_the_screen(key: Key) -> None:
    """Checks that the hint decides whether a gray rig beside the screen is opaque."""
    rows, columns = slice(4, 24), slice(160, 186)
    rig = draw_card().painted(rows, columns, (0.2, 0.2, 0.2))
    inner = slice(8, 20), slice(165, 181)
    assert key(rig.plate, rig.hint).matte[inner].max() < 0.1
    claimed = rig.hinted(rows, columns, 1.0)
    assert key(claimed.plate, claimed.hint).matte[inner].min() > 0.9


def linear_plate_is_keyed_as_its_srgb_twin(key: Key) -> None:
    """Checks that `gamma_input` undoes the encoding, and that the wrong setting shows."""
    card = draw_card()
    encoded = key(card.plate, card.hint)
    linear = key(card.light, card.hint, gamma_input=1)
    # The picture differs by the rounding of the curve alone.
    assert np.abs(linear.matte - encoded.matte).max() < 0.002
    assert np.abs(linear.foreground - encoded.foreground).max() < 0.002
    mistaken = key(card.light, card.hint)
    assert np.abs(mistaken.foreground - encoded.foreground).mean() > 0.05


def refiner_sharpens(key: Key) -> None:
    """Checks that the refined matte is steeper than the coarse one, and nearer to the truth."""
    card = draw_card()
    coarse = key(card.plate, card.hint, refiner_strength=0.0).matte
    fine = key(card.plate, card.hint).matte
    assert np.abs(fine - card.alpha).sum() < 0.9 * np.abs(coarse - card.alpha).sum()
    assert steepness(fine) > 1.1 * steepness(coarse)


def despill_removes_the_screen_from_the_edges(key: Key) -> None:
    """Checks that the edges are green without despill and not with it."""
    card = draw_card()
    edge = (card.alpha > 0.2) & (card.alpha < 0.8)
    before = key(card.plate, card.hint).foreground[edge]
    after = key(card.plate, card.hint, despill_strength=10.0).foreground[edge]
    assert excess(before).max() > 0.02
    assert excess(after).max() < 0.001


def output_modes_are_one_picture(key: Key) -> None:
    """Checks that every output mode writes the same foreground."""
    card = draw_card()
    encoded = key(card.plate, card.hint)
    linear = key(card.plate, card.hint, output_mode=1)
    premultiplied = key(card.plate, card.hint, output_mode=2)
    expected = srgb_to_linear(encoded.foreground)
    assert np.abs(linear.foreground - expected).max() < 1e-5
    expected = expected * encoded.matte[..., None]
    assert np.abs(premultiplied.foreground - expected).max() < 1e-5
    for other in (linear, premultiplied):
        assert np.array_equal(other.matte, encoded.matte)


def blue_weights_key_a_blue_screen(key: Key) -> None:
    """Checks that the matte before a blue screen is near the truth."""
    card = draw_card("blue")
    matte = key(card.plate, card.hint).matte
    assert np.abs(matte - card.alpha).mean() < 0.01


def center(matte: Floats) -> np.ndarray:
    """Returns the center of mass, row and column."""
    rows, columns = np.indices(matte.shape)
    return np.array([(rows * matte).sum(), (columns * matte).sum()]) / matte.sum()


def steepness(matte: Floats) -> float:
    """Returns the mean square of the differences between neighbors."""
    return float(np.square(np.diff(matte, axis=0)).mean() + np.square(np.diff(matte)).mean())


def excess(foreground: Floats) -> np.ndarray:
    """Returns how much more green there is than the mean of red and blue."""
    return foreground[..., 1] - (foreground[..., 0] + foreground[..., 2]) / 2


CHECKS: tuple[Callable[[Key], None], ...] = (
    subject_is_opaque_and_screen_is_clear,
    matte_lies_where_the_subject_does,
    colors_keep_their_places,
    key_moves_with_plate_and_hint,
    hint_keeps_a_green_prop,
    hint_clears_a_hole_in_the_screen,
    linear_plate_is_keyed_as_its_srgb_twin,
    refiner_sharpens,
    despill_removes_the_screen_from_the_edges,
    output_modes_are_one_picture,
)
"""Checks that the green weights must pass."""
