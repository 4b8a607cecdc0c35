"""Computes the gizmo's graph with a stand-in for the network that keeps its input.

Such a network takes the hint for the matte and the plate for the foreground, so every expected
picture is a short formula.
"""

import re
from typing import Any

import numpy as np
import pytest

from export.nuke.scripts.gizmo.output import VIEW
from testing.export.nuke.panel import panel
from testing.export.nuke.reader.pictures import (
    Network,
    Picture,
    Renderer,
    linear_to_srgb,
    srgb_to_linear,
)
from testing.export.nuke.reader.script_reader import Script

SHAPE = (40, 72)
EXACT = {"rtol": 0, "atol": 1e-9}
MATRICES = {"rtol": 0, "atol": 1e-4}
"""The matrices have five decimals, and their product differs from 1 by about 1e-5."""


def keep(picture: Picture) -> Picture:
    """Stands in for the network."""
    return picture.copy()


@pytest.fixture
def plate() -> Picture:
    picture = np.random.default_rng(1).uniform(0.05, 0.9, (*SHAPE, 4))
    picture[..., 3] = 0.25  # the plate's own alpha, which the key replaces
    return picture


@pytest.fixture
def hint() -> Picture:
    return np.random.default_rng(2).uniform(0, 1, (*SHAPE, 4))


def flat(alpha: float) -> Picture:
    picture = np.zeros((*SHAPE, 4))
    picture[..., 3] = alpha
    return picture


def render(
    gizmo: Script,
    inputs: dict[str, Picture],
    network: Network = keep,
    node: str = "Output1",
    model: bool = True,
    **knobs: float | str,
) -> Picture:
    """Renders a node of the gizmo, with the other knobs at their defaults."""
    lines = panel(gizmo)

    def number(name: str, value: float | str | None) -> float:
        entries: Any = lines[name].get("M")
        if entries:
            return entries.index(value)
        return {"true": 1.0, "false": 0.0}.get(str(value)) or float(value or 0)

    defaults = gizmo.one("Gizmo").knobs
    values = {
        name: number(name, knobs.get(name, defaults.get(name, "0")))
        for name, line in lines.items()
        if line["kind"] in ("4", "6", "7") and defaults.get(name) not in ("true", "false")
    }
    values |= {
        name: float(knobs.get(name, defaults[name] == "true"))
        for name, line in lines.items()
        if line["kind"] == "6"
    }
    return Renderer(gizmo, inputs, values, network, model).render(node)


def premultiplied(rgb: np.ndarray, alpha: np.ndarray) -> Picture:
    return np.concatenate([rgb * alpha, alpha], axis=-1)


def test_the_network_gets_srgb_and_the_hint(gizmo: Script, plate: Picture, hint: Picture) -> None:
    picture = render(gizmo, {"Plate": plate, "Hint": hint}, node="HintToAlpha")
    np.testing.assert_allclose(picture[..., :3], linear_to_srgb(plate[..., :3]), **EXACT)
    np.testing.assert_allclose(picture[..., 3], hint[..., 3], **EXACT)


@pytest.mark.parametrize("space", ["Rec.709", "ACEScg", "sRGB (display)"])
@pytest.mark.parametrize("output", ["premultiplied", "straight"])
def test_the_key_comes_out_in_the_working_space(
    gizmo: Script, plate: Picture, hint: Picture, space: str, output: str
) -> None:
    key = render(gizmo, {"Plate": plate, "Hint": hint}, working_space=space, linear_output=output)
    rgb, alpha = plate[..., :3], hint[..., 3:]
    rgb = srgb_to_linear(rgb) if space == "sRGB (display)" else rgb
    expected = premultiplied(rgb, alpha)
    if output == "straight":
        expected[..., :3] = rgb
    np.testing.assert_allclose(key, expected, **(MATRICES if space == "ACEScg" else EXACT))


def test_acescg_reaches_the_network_as_rec709(gizmo: Script, hint: Picture) -> None:
    """A gray and a saturated color: the gray stays, the color leaves the Rec.709 gamut."""
    plate = np.full((*SHAPE, 4), 0.18)
    plate[0, 0, :3] = (0.1, 0.5, 0.1)
    inputs = {"Plate": plate, "Hint": hint}
    seen = render(gizmo, inputs, node="ToRec709", working_space="ACEScg")
    np.testing.assert_allclose(seen[1, 1, :3], 0.18, atol=1e-5)
    assert seen[0, 0, 1] > 0.5 > 0.1 > seen[0, 0, 0]


def test_without_a_hint_the_key_is_empty(gizmo: Script, plate: Picture) -> None:
    np.testing.assert_array_equal(render(gizmo, {"Plate": plate}), np.zeros((*SHAPE, 4)))


@pytest.mark.parametrize(
    "source, weights", [("red", [1, 0, 0, 0]), ("luminance", [0.2126, 0.7152, 0.0722, 0])]
)
def test_hint_from_a_channel(
    gizmo: Script, plate: Picture, hint: Picture, source: str, weights: list[float]
) -> None:
    key = render(gizmo, {"Plate": plate, "Hint": hint}, hint_from=source)
    np.testing.assert_allclose(key[..., 3], (hint @ weights).clip(0, 1), **EXACT)


def test_hint_from_the_screen(gizmo: Script) -> None:
    plate = np.zeros((*SHAPE, 4))
    plate[..., :3] = (0.05, 0.4, 0.1)
    plate[10:20, 10:20, :3] = (0.4, 0.3, 0.2)
    alpha = render(gizmo, {"Plate": plate}, hint_from="screen")[..., 3]
    expected = np.zeros(SHAPE)
    expected[10:20, 10:20] = 1
    np.testing.assert_array_equal(alpha, expected)


def test_invert(gizmo: Script, plate: Picture, hint: Picture) -> None:
    key = render(gizmo, {"Plate": plate, "Hint": hint}, hint_invert=1.0)
    np.testing.assert_allclose(key[..., 3], 1 - hint[..., 3], **EXACT)


def test_garbage_is_gone_and_core_is_solid(gizmo: Script, plate: Picture, hint: Picture) -> None:
    garbage, core = flat(0), flat(0)
    garbage[:10, :, 3] = 1
    core[30:, :, 3] = 1
    seen = {}

    def network(picture: Picture) -> Picture:
        """Answers half everywhere: only the mattes after it can make 0 and 1."""
        seen["hint"] = picture[..., 3]
        return np.concatenate([picture[..., :3], np.full((*SHAPE, 1), 0.5)], axis=-1)

    inputs = {"Plate": plate, "Hint": hint, "Garbage": garbage, "Core": core}
    alpha = render(gizmo, inputs, network)[..., 3]
    for picture in seen["hint"], alpha:
        assert (picture[:10] == 0).all()
        assert (picture[30:] == 1).all()
    assert (alpha[10:30] == 0.5).all()


def test_clip_and_gamma(gizmo: Script, plate: Picture, hint: Picture) -> None:
    key = render(
        gizmo,
        {"Plate": plate, "Hint": hint},
        clip_black=0.2,
        clip_white=0.7,
        matte_gamma=2.0,
        linear_output="straight",
    )
    expected = ((hint[..., 3] - 0.2) / 0.5).clip(0, 1) ** 0.5
    np.testing.assert_allclose(key[..., 3], expected, **EXACT)
    np.testing.assert_allclose(key[..., :3], plate[..., :3], **EXACT)


@pytest.mark.parametrize("mix", [0.0, 0.25, 1.0])
def test_mix(gizmo: Script, plate: Picture, hint: Picture, mix: float) -> None:
    inputs = {"Plate": plate, "Hint": hint}
    expected = (1 - mix) * plate + mix * premultiplied(plate[..., :3], hint[..., 3:])
    np.testing.assert_allclose(render(gizmo, inputs, mix=mix), expected, **EXACT)


def test_mask(gizmo: Script, plate: Picture, hint: Picture) -> None:
    mask = flat(0)
    mask[:, 36:, 3] = 1
    key = render(gizmo, {"Plate": plate, "Hint": hint, "Mask": mask})
    np.testing.assert_allclose(key[:, :36], plate[:, :36], **EXACT)
    expected = premultiplied(plate[..., :3], hint[..., 3:])
    np.testing.assert_allclose(key[:, 36:], expected[:, 36:], **EXACT)


def test_no_bad_pixel_of_the_plate_is_in_the_key(
    gizmo: Script, plate: Picture, hint: Picture
) -> None:
    plate[3, 4, :3] = np.nan
    plate[5, 6, :3] = np.inf

    def network(picture: Picture) -> Picture:
        """Answers finite values, as CorridorKey.pt does."""
        return np.nan_to_num(picture, nan=0.0, posinf=1.0)

    assert np.isfinite(render(gizmo, {"Plate": plate, "Hint": hint}, network)).all()


def test_mix_is_in_one_space_when_the_plate_is_srgb(
    gizmo: Script, plate: Picture, hint: Picture
) -> None:
    inputs = {"Plate": plate, "Hint": hint}
    key = render(gizmo, inputs, mix=0.0, working_space="sRGB (display)")
    np.testing.assert_allclose(key[..., :3], srgb_to_linear(plate[..., :3]), **EXACT)


def test_views(gizmo: Script, plate: Picture, hint: Picture) -> None:
    rgb, alpha = plate[..., :3], hint[..., 3:]
    over = rgb * alpha
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    checker = np.where((x // 32 + y // 32) % 2 == 0, 0.1, 0.5)[..., None]
    expected = {
        "result": over,
        "matte": np.repeat(alpha, 3, axis=-1),
        "hint": np.repeat(alpha, 3, axis=-1),
        "foreground": rgb,
        "source with matte": rgb,
        "over gray": over + 0.18 * (1 - alpha),
        "over checker": over + checker * (1 - alpha),
    }
    assert list(expected) == panel(gizmo)["view"]["M"]
    for view, picture in expected.items():
        shown = render(gizmo, {"Plate": plate, "Hint": hint}, view=view)
        np.testing.assert_allclose(shown[..., :3], picture, err_msg=view, **EXACT)
        opaque = re.match("over", view) is not None
        np.testing.assert_allclose(
            shown[..., 3:], np.ones_like(alpha) if opaque else alpha, err_msg=view, **EXACT
        )


def no_network(_: Picture) -> Picture:
    """Stands in for an Inference node that nothing may ask."""
    raise AssertionError


@pytest.mark.parametrize("view", [view for view in VIEW.entries if view != "hint"])
@pytest.mark.parametrize("mix", [0.0, 1.0])
def test_without_the_cat_stripes_come_out(
    gizmo: Script, plate: Picture, hint: Picture, view: str, mix: float
) -> None:
    inputs = {"Plate": plate, "Hint": hint, "Mask": flat(0)}
    picture = render(gizmo, inputs, no_network, model=False, view=view, mix=mix)
    alpha = picture[..., 3]
    assert set(np.unique(alpha)) == {0, 1}
    assert 0.4 < alpha.mean() < 0.6
    np.testing.assert_array_equal(picture[..., 0], 0.3 * alpha)  # a Premult changes nothing
    assert not picture[..., 1:3].any()


def test_the_hint_is_viewed_without_a_network(gizmo: Script, plate: Picture, hint: Picture) -> None:
    picture = render(gizmo, {"Plate": plate, "Hint": hint}, no_network, view="hint", model=False)
    np.testing.assert_array_equal(picture[..., 0], hint[..., 3])
