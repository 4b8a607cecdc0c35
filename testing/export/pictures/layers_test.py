"""Layers: the table of layouts that programs write, and the choice that each must give."""

import pytest

from export.pictures.layers import (
    HintChannel,
    LayerError,
    Part,
    choose_colors,
    choose_hint,
    hint_channels,
    list_layers,
)


def parts(*texts: str) -> list[Part]:
    """Reads parts: "name: R G B" with an optional name, "name@view: R" with a view."""
    result = []
    for text in texts:
        title, _, channels = text.rpartition(":")
        name, _, views = title.partition("@")
        result.append(Part(name, tuple(views.split("+")) if views else (), tuple(channels.split())))
    return result


def names(layout: list[Part], channels: list) -> list[str]:
    """Returns "part/channel" of channels; the part's name only if there are several."""
    return [
        (f"{layout[part].name}/" if len(layout) > 1 else "") + layout[part].channels[index]
        for part, index in channels
    ]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (["R G B"], "R G B"),
        (["A B G R"], "R G B"),
        (["r g b a"], "r g b"),
        (["red green blue"], "red green blue"),
        (["Y"], "Y Y Y"),
        (["Y A"], "Y Y Y"),
        (["R G B Z depth.Z AO.Y"], "R G B"),
        (["R G B diffuse.R diffuse.G diffuse.B"], "R G B"),
        (["plate.R plate.G plate.B"], "plate.R plate.G plate.B"),
        (["ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B ViewLayer.Combined.A"],
         "ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B"),
        (["V.Combined.R V.Combined.G V.Combined.B V.DiffCol.R V.DiffCol.G V.DiffCol.B V.Depth.Z"],
         "V.Combined.R V.Combined.G V.Combined.B"),
        (["depth: Z", "rgba: R G B A"], "rgba/R rgba/G rgba/B"),
        (["depth: depth.Z", "beauty: R G B", "spec: spec.R spec.G spec.B"],
         "beauty/R beauty/G beauty/B"),
        (["rgb: R G B", "alpha: A"], "rgb/R rgb/G rgb/B"),
        (["rgba: R G B", "normals: R G B"], "rgba/R rgba/G rgba/B"),
        (["R: R", "G: G", "B: B"], None),
    ],
)  # fmt: skip
def test_colors_are_found(layout: list[str], expected: str | None) -> None:
    file = parts(*layout)
    if expected is None:
        with pytest.raises(LayerError):
            choose_colors(list_layers(file))
        return
    assert names(file, choose_colors(list_layers(file)).colors() or []) == expected.split()


@pytest.mark.parametrize(
    ("layout", "layer", "expected"),
    [
        (["R G B bg.R bg.G bg.B"], "bg", "bg.R bg.G bg.B"),
        (["a.R a.G a.B b.R b.G b.B"], "B", "b.R b.G b.B"),
        (["one: R G B", "two: R G B"], "two", "two/R two/G two/B"),
        (["R G B AO.Y"], "AO", "AO.Y AO.Y AO.Y"),
    ],
)
def test_colors_of_a_named_layer(layout: list[str], layer: str, expected: str) -> None:
    file = parts(*layout)
    assert names(file, choose_colors(list_layers(file), layer).colors() or []) == expected.split()


@pytest.mark.parametrize(
    ("layout", "layer", "message"),
    [
        (["a.R a.G a.B b.R b.G b.B"], None,
         "several layers that qualify: a (RGB); b (RGB). Choose one with --plate-layer"),
        (["one: R G B", "two: R G B"], None, "one (RGB); two (RGB)"),
        (["R G"], None, "has the channels R, G; expected R, G and B, or Y"),
        (["Z"], None, "has the channels Z; expected"),
        (["Y RY BY"], None, "has the channels Y, RY, BY; expected R, G and B"),
        (["A"], None, "has the channels A; expected R, G and B"),
        (["R G B"], "bg", "has no layer 'bg'; it has the channels RGB"),
        (["R G B depth.Z"], "depth", "has no R, G and B, or Y, in the layer depth (Z)"),
        (["\x1b[31m.Q"], None, r"\x1b[31m (Q)"),
    ],
)  # fmt: skip
def test_colors_that_cannot_be_chosen(layout: list[str], layer: str | None, message: str) -> None:
    with pytest.raises(LayerError) as caught:
        choose_colors(list_layers(parts(*layout)), layer)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "view", "expected"),
    [
        (["@left+right: R G B right.R right.G right.B"], "left", "R G B"),
        (["@left+right: R G B right.R right.G right.B"], "right", "right.R right.G right.B"),
        (["@l+r: a.R a.G a.B a.r.R a.r.G a.r.B"], "r", "a.r.R a.r.G a.r.B"),
        (["x@left: R G B", "y@right: R G B"], "right", "y/R y/G y/B"),
        (["rgba.left@left: R G B", "rgba.right@right: R G B", "z: Z"], "left",
         "rgba.left/R rgba.left/G rgba.left/B"),
        (["R G B"], "left", "R G B"),
        (["@left: R G B"], None, "R G B"),
    ],
)  # fmt: skip
def test_view(layout: list[str], view: str | None, expected: str) -> None:
    file = parts(*layout)
    assert names(file, choose_colors(list_layers(file, view)).colors() or []) == expected.split()


def test_view_that_cannot_be_chosen() -> None:
    stereo = parts("@left+right: R G B right.R right.G right.B")
    with pytest.raises(LayerError, match=r"^has the views left, right; choose one with --view$"):
        list_layers(stereo)
    with pytest.raises(LayerError, match=r"^has no view 'up'; its views are left, right$"):
        list_layers(stereo, "up")


@pytest.mark.parametrize(
    ("layout", "layer", "channel", "expected", "text"),
    [
        # One channel is the hint, whatever its name.
        (["A"], None, None, "A", "alpha"),
        (["R"], None, None, "R", "red"),
        (["Y"], None, None, "Y", "Y"),
        (["mask"], None, None, "mask", "MASK"),
        (["matte.A"], None, None, "matte.A", "matte.alpha"),
        (["mask.R"], None, None, "mask.R", "mask.red"),
        (["depth: Z", "hint: R"], None, None, "hint/R", "hint.red"),
        # Beside colors: the alpha, a matte by its name, the luminance.
        (["R G B A"], None, None, "A", "alpha"),
        (["R G B A matte.A"], None, None, "A", "alpha"),
        (["Y A"], None, None, "A", "alpha"),
        (["R G B matte.A"], None, None, "matte.A", "matte.alpha"),
        (["R G B mask"], None, None, "mask", "MASK"),
        (["R G B mask.Y"], None, None, "mask.Y", "mask.Y"),
        (["R G B"], None, None, "R G B", "luminance"),
        (["R G B Z AO.Y"], None, None, "R G B", "luminance"),
        (["Y Z"], None, None, "Y Y Y", "luminance"),
        (["rgb: R G B", "alpha: A"], None, None, "alpha/A", "alpha.alpha"),
        (["a.R a.G a.B"], None, None, "a.R a.G a.B", "a.luminance"),
        # As the options say.
        (["R G B A"], None, "red", "R", "red"),
        (["R G B A"], None, "luminance", "R G B", "luminance"),
        (["R G B A"], None, "alpha", "A", "alpha"),
        (["R G B A m.R m.G m.B"], "m", None, "m.R m.G m.B", "m.luminance"),
        (["R G B A m.R m.G m.B"], "m", "red", "m.R", "m.red"),
        (["R mask"], "mask", None, "mask", "MASK"),
        (["a.A b.A"], "b", None, "b.A", "b.alpha"),
        (["a.A b.A"], "b.A", None, "b.A", "b.alpha"),
        (["id.X id.Y id.Z"], "id.y", None, "id.Y", "id.Y"),
    ],
)  # fmt: skip
def test_hint(
    layout: list[str], layer: str | None, channel: HintChannel | None, expected: str, text: str
) -> None:
    file = parts(*layout)
    layers = list_layers(file)
    hint = choose_hint(layers, layer, channel, needs_alpha=False)
    assert names(file, hint_channels(layers, hint)) == expected.split()
    assert str(hint) == text


@pytest.mark.parametrize(
    ("layout", "layer", "channel", "needs_alpha", "message"),
    [
        (["a.A b.A"], None, None, False, "a (A); b (A). Choose one with --hint-layer"),
        (["R X"], None, None, False, "expected a hint. Name it with --hint-layer"),
        (["Z"], None, None, False, "has the channels Z; expected a hint"),
        (["a.R a.G a.B b.R b.G b.B"], None, None, False, "Choose one with --hint-layer"),
        (["R G B"], None, "alpha", False, "has the channels RGB; expected a channel alpha"),
        (["A"], None, "luminance", False, "expected R, G and B, or Y"),
        (["A"], "b", None, False, "has no layer 'b'"),
        (["m.R m.G m.B"], "m", "alpha", False, "has no alpha in the layer m (RGB)"),
        (["R G B"], None, None, True, "and no alpha. Give a hint with --hint"),
        (["rgb: R G B", "a: A", "b: A"], None, None, True, "a (A); b (A). Choose one with"),
    ],
)
def test_hint_that_cannot_be_chosen(
    layout: list[str],
    layer: str | None,
    channel: HintChannel | None,
    needs_alpha: bool,
    message: str,
) -> None:
    with pytest.raises(LayerError) as caught:
        choose_hint(list_layers(parts(*layout)), layer, channel, needs_alpha)
    assert message in str(caught.value)


def test_hint_that_one_frame_does_not_have() -> None:
    hint = choose_hint(list_layers(parts("R G B A")), None, None, needs_alpha=False)
    with pytest.raises(LayerError, match="has the channels RGB; expected alpha as in the other"):
        hint_channels(list_layers(parts("R G B")), hint)
