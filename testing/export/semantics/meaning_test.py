"""The saved file means what it should; and each check fails when its mistake is put in."""

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import wrapper.nuke_wrapper as nuke_wrapper
from export.pictures.compositing import Floats
from export.pictures.keyer import Keyed, Keyer
from testing.export.semantics import meaning
from testing.export.semantics.card import draw_card
from testing.export.semantics.meaning import CHECKS, Key
from testing.weights.demo_weights import demo_state_dict
from wrapper.image.resize import resize
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 256


@pytest.fixture(scope="module")
def saved() -> Keyer:
    """The file that the exporter wrote of the demo weights."""
    return Keyer(os.environ["ARTIFACT"])


@pytest.fixture
def eager() -> CorridorKeyNukeWrapper:
    """The eager wrapper, to put a mistake into."""
    network = CorridorKeyTransformer(RESOLUTION)
    network.load_state_dict(demo_state_dict(RESOLUTION), assign=True)
    return CorridorKeyNukeWrapper(network, RESOLUTION, "CorridorKey_demo")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_saved_file(check: Callable[[Key], None], saved: Keyer) -> None:
    check(saved.key)


def test_blue_weights_key_a_blue_screen_and_green_ones_do_not(saved: Keyer) -> None:
    meaning.blue_weights_key_a_blue_screen(Keyer(os.environ["BLUE_ARTIFACT"]).key)
    with pytest.raises(AssertionError):
        meaning.blue_weights_key_a_blue_screen(saved.key)


def test_green_weights_key_a_blue_screen_when_they_are_told(saved: Keyer) -> None:
    def told(plate: Floats, hint: Floats, **knobs: float) -> Keyed:
        return saved.key(plate, hint, screen_color=2, **knobs)

    meaning.blue_weights_key_a_blue_screen(told)


def test_half_agrees_with_float32(saved: Keyer) -> None:
    half = Keyer(os.environ["HALF_ARTIFACT"])
    card = draw_card()
    expected, actual = saved.key(card.plate, card.hint), half.key(card.plate, card.hint)
    # A weight in half is off by 2^-12 of itself; steep curves make more of it near an edge.
    assert np.abs(actual.matte - expected.matte).max() < 0.05
    assert np.abs(actual.matte - expected.matte).mean() < 0.002
    opaque = card.alpha > 0.999
    assert np.abs(actual.foreground - expected.foreground)[opaque].max() < 0.03


def test_network_computes_in_half(eager: CorridorKeyNukeWrapper) -> None:
    card = draw_card()
    frame = torch.from_numpy(np.concatenate([card.plate, card.hint[..., None]], 2))
    # The CPU has no antialiased resize in half, so the frame has the size of the network.
    x = resize(frame.permute(2, 0, 1).unsqueeze(0), RESOLUTION, RESOLUTION)
    with torch.inference_mode():
        expected, actual = eager(x), eager.half()(x.half()).float()
    # Logits near an edge are differences of steep curves, which rounding to 11 bits moves most.
    assert (actual - expected)[:, 3].abs().max() < 0.15
    assert (actual - expected)[:, 3].abs().mean() < 0.01


def on_input(change: Callable[[Tensor], Tensor]) -> Callable[..., None]:
    def put_in(eager: CorridorKeyNukeWrapper, _: pytest.MonkeyPatch) -> None:
        eager.register_forward_pre_hook(lambda _, inputs: (change(inputs[0]),))

    return put_in


def on_output(change: Callable[[Tensor], Tensor]) -> Callable[..., None]:
    def put_in(eager: CorridorKeyNukeWrapper, _: pytest.MonkeyPatch) -> None:
        eager.register_forward_hook(lambda *arguments: change(arguments[2]))

    return put_in


def in_place_of(name: str, replacement: Callable[..., Tensor]) -> Callable[..., None]:
    def put_in(_: CorridorKeyNukeWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nuke_wrapper, name, replacement)

    return put_in


def without_refiner(eager: CorridorKeyNukeWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eager.network, "delta_logits", lambda _, coarse: torch.zeros_like(coarse))


def without_normalization(eager: CorridorKeyNukeWrapper, _: pytest.MonkeyPatch) -> None:
    eager.mean.zero_()
    eager.std.fill_(1)


def with_hint(value: float) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([x[:, :3], torch.full_like(x[:, 3:], value)], 1)


MISTAKES = {
    "red and blue swapped on the way in": (
        on_input(lambda x: x[:, [2, 1, 0, 3]]),
        meaning.colors_keep_their_places,
    ),
    "red and blue swapped on the way out": (
        on_output(lambda y: y[:, [2, 1, 0, 3]]),
        meaning.colors_keep_their_places,
    ),
    "red and green swapped on the way in": (
        on_input(lambda x: x[:, [1, 0, 2, 3]]),
        meaning.subject_is_opaque_and_screen_is_clear,
    ),
    "matte before the foreground": (
        on_output(lambda y: y[:, [3, 0, 1, 2]]),
        meaning.subject_is_opaque_and_screen_is_clear,
    ),
    "left and right flipped": (
        on_output(lambda y: y.flip(3)),
        meaning.matte_lies_where_the_subject_does,
    ),
    "top and bottom flipped": (
        on_output(lambda y: y.flip(2)),
        meaning.matte_lies_where_the_subject_does,
    ),
    "rows and columns swapped": (
        on_output(lambda y: y.transpose(2, 3)),
        meaning.matte_lies_where_the_subject_does,
    ),
    "moved by half a pixel": (
        on_input(lambda x: (x + x.roll(1, 3)) / 2),
        meaning.matte_lies_where_the_subject_does,
    ),
    "key stays where it was": (
        on_output(lambda y: y.roll(-int(y[0, 3].sum(0).argmax()), 3)),
        meaning.key_moves_with_plate_and_hint,
    ),
    "hint dropped": (on_input(with_hint(0.0)), meaning.subject_is_opaque_and_screen_is_clear),
    "hint ignored inside": (on_input(with_hint(0.5)), meaning.hint_keeps_a_green_prop),
    "hint ignored outside": (on_input(with_hint(0.5)), meaning.hint_clears_a_hole_in_the_screen),
    "curve left out": (
        in_place_of("linear_to_srgb", lambda x: x),
        meaning.linear_plate_is_keyed_as_its_srgb_twin,
    ),
    "refiner left out": (without_refiner, meaning.refiner_sharpens),
    "normalization left out": (without_normalization, meaning.colors_keep_their_places),
    "despill left out": (
        in_place_of("despill", lambda rgb, *_, **__: rgb),
        meaning.despill_removes_the_screen_from_the_edges,
    ),
    "foreground never linear": (
        in_place_of("srgb_to_linear", lambda x: x),
        meaning.output_modes_are_one_picture,
    ),
}
"""Each mistake, and the check that must find it."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_fails_on_its_mistake(
    mistake: str, eager: CorridorKeyNukeWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in, check = MISTAKES[mistake]
    put_in(eager, monkeypatch)
    with pytest.raises(AssertionError):
        check(key_with(eager))


def test_no_check_fails_without_a_mistake(eager: CorridorKeyNukeWrapper) -> None:
    # The others ran on the saved file.
    meaning.subject_is_opaque_and_screen_is_clear(key_with(eager))


def key_with(eager: CorridorKeyNukeWrapper) -> Key:
    def key(plate: Floats, hint: Floats, **knobs: float) -> Keyed:
        for name in ("despill_strength", "refiner_strength", "gamma_input", "output_mode"):
            default = 1.0 if name == "refiner_strength" else 0
            setattr(eager, name, knobs.get(name, default))
        x = torch.from_numpy(np.concatenate([plate, hint[..., None]], 2))
        with torch.inference_mode():
            y = eager(x.permute(2, 0, 1).unsqueeze(0))[0].permute(1, 2, 0).numpy()
        return Keyed(y[..., :3], y[..., 3])

    return key
