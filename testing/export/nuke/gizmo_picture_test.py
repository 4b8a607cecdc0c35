"""The pictures inside the gizmo, evaluated by Tcl: boxes, colors, hint and matte."""

import re

import numpy as np
import pytest

from export.nuke.scripts.gizmo.color import AP1_TO_REC709, REC709_TO_AP1
from testing.export.nuke.panel import (
    evaluate,
    expression,
    panel,
)
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.boxes import Extent, extents
from testing.export.nuke.reader.script_reader import Script, ScriptNode

UHD = (3840, 2160)


# --- Boxes

OVERSCAN = Extent(UHD, (-200, -100, 4040, 2260))
LARGE_HINT = Extent((4096, 4096), (-500, -500, 5000, 5000))


@pytest.mark.parametrize(
    "plate, hint",
    [
        (Extent.whole(*UHD), Extent.whole(*UHD)),
        (OVERSCAN, Extent.whole(*UHD)),
        (Extent.whole(*UHD), LARGE_HINT),
        (OVERSCAN, LARGE_HINT),
        (OVERSCAN, Extent(UHD, (100, 100, 200, 200))),
    ],
    ids=["plain", "overscan", "oversized hint", "both", "small roto"],
)
@pytest.mark.parametrize("hint_from", range(4))
def test_inference_sees_the_box_of_the_format(
    gizmo: Script, plate: Extent, hint: Extent, hint_from: int
) -> None:
    result = extents(gizmo, {"Plate": plate, "Hint": hint}, {"hint_from": hint_from})
    assert result["Inference1"] == Extent.whole(*UHD)
    assert result["HintFrom"] == Extent.whole(*UHD)
    assert result["Output1"] == plate  # the overscan stays, unkeyed


@pytest.mark.parametrize("name", ["Garbage", "Core", "Mask"])
def test_a_matte_of_any_size_changes_no_box(gizmo: Script, name: str) -> None:
    inputs = {"Plate": OVERSCAN, "Hint": Extent.whole(*UHD), name: LARGE_HINT}
    result = extents(gizmo, inputs)
    assert result["Inference1"] == Extent.whole(*UHD)
    assert result["MatteCore"] == Extent.whole(*UHD)
    assert result["Output1"] == OVERSCAN


@pytest.mark.parametrize("view", range(7))
def test_no_view_is_larger_than_the_plate(gizmo: Script, view: int) -> None:
    inputs = {"Plate": OVERSCAN, "Hint": LARGE_HINT}
    assert extents(gizmo, inputs, {"view": view})["Output1"] in (OVERSCAN, Extent.whole(*UHD))


def test_the_message_has_the_box_of_the_format(gizmo: Script) -> None:
    inputs = {"Plate": OVERSCAN, "Hint": LARGE_HINT}
    assert extents(gizmo, inputs, model=False)["Output1"] == Extent.whole(*UHD)


def test_an_input_of_the_right_size_is_not_resampled(gizmo: Script) -> None:
    for name in "Hint", "Garbage", "Core", "Mask":
        node = gizmo.nodes[f"{name}Fit"]
        assert expression(node, "disable") == (
            "input.width == FormatBox.width && input.height == FormatBox.height"
        )
        assert expression(node, "box_width") == "FormatBox.width"
        assert expression(node, "box_height") == "FormatBox.height"


# --- Color


def test_working_space(gizmo: Script) -> None:
    assert panel(gizmo)["working_space"]["M"] == ["Rec.709", "ACEScg", "sRGB (display)"]
    disabled = {
        name: [
            evaluate(expression(gizmo.nodes[name], "disable"), working_space=i) for i in range(3)
        ]
        for name in ("ToRec709", "ToSRGB", "ToWorkingSpace", "SourceLinear")
    }
    assert disabled == {
        "ToRec709": ["1", "0", "1"],
        "ToSRGB": ["0", "0", "1"],
        "ToWorkingSpace": ["1", "0", "1"],
        "SourceLinear": ["1", "1", "0"],
    }
    assert gizmo.nodes["ToSRGB"].knobs["colorspace_out"] == "sRGB"
    assert "colorspace_in" not in gizmo.nodes["ToSRGB"].knobs  # linear, the default
    for name in "ToLinear", "SourceLinear":
        assert gizmo.nodes[name].knobs["colorspace_in"] == "sRGB"
        assert "colorspace_out" not in gizmo.nodes[name].knobs
    assert "disable" not in gizmo.nodes["ToLinear"].knobs


def matrix(node: ScriptNode) -> np.ndarray:
    rows = re.findall(r"\{([^{}]*)\}", node.knobs["matrix"])
    return np.array([[float(number) for number in row.split()] for row in rows])


def test_the_matrices_are_inverse_and_keep_gray(gizmo: Script) -> None:
    there, back = matrix(gizmo.nodes["ToRec709"]), matrix(gizmo.nodes["ToWorkingSpace"])
    np.testing.assert_array_equal(there, AP1_TO_REC709)
    np.testing.assert_array_equal(back, REC709_TO_AP1)
    # Five decimals: a product of two such matrices is exact to about 2e-5.
    np.testing.assert_allclose(there @ back, np.eye(3), atol=3e-5)
    np.testing.assert_allclose(there.sum(axis=1), 1, atol=2e-5)
    np.testing.assert_allclose(back.sum(axis=1), 1, atol=2e-5)


def test_the_matrix_is_aces_to_rec709(gizmo: Script) -> None:
    """Derives the matrix from the published chromaticities, with Bradford adaptation."""

    def to_xyz(primaries: list[tuple[float, float]], white: tuple[float, float]) -> np.ndarray:
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
        x, y = white
        return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])

    aces_white, d65 = (0.32168, 0.33767), (0.3127, 0.3290)
    ap1 = to_xyz([(0.713, 0.293), (0.165, 0.830), (0.128, 0.044)], aces_white)
    rec709 = to_xyz([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], d65)
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    cones = [bradford @ [x / y, 1, (1 - x - y) / y] for x, y in (aces_white, d65)]
    adapt = np.linalg.solve(bradford, np.diag(cones[1] / cones[0]) @ bradford)
    expected = np.linalg.solve(rec709, adapt @ ap1)
    np.testing.assert_allclose(matrix(gizmo.nodes["ToRec709"]), expected, atol=2e-5)


def test_no_color_node_touches_the_matte(gizmo: Script) -> None:
    for node in gizmo.nodes.values():
        if node.kind in ("Colorspace", "ColorMatrix", "Premult"):
            assert "channels" not in node.knobs  # the default is rgb


def test_premult_comes_after_every_color_conversion(gizmo: Script) -> None:
    assert gizmo.one("Premult").inputs == ("ToWorkingSpace",)


# --- Hint and matte


def test_hint_from(gizmo: Script) -> None:
    switch = gizmo.nodes["HintFrom"]
    assert switch.knobs["which"] == "{parent.hint_from}"
    entries = panel(gizmo)["hint_from"]["M"]
    assert dict(zip(entries, switch.inputs, strict=True)) == {  # type: ignore[call-overload]
        "alpha": "HintBox",
        "red": "HintRed",
        "luminance": "HintLuminance",
        "screen": "HintScreen",
    }
    assert gizmo.nodes["HintRed"].knobs["expr3"] == "r"  # expr3 is alpha's
    luma = gizmo.nodes["HintLuminance"].knobs["expr3"]
    weights = {channel: float(weight) for weight, channel in re.findall(r"([\d.]+)\*(\w)", luma)}
    assert weights == {"r": 0.2126, "g": 0.7152, "b": 0.0722}  # Rec. 709
    assert gizmo.nodes["HintScreen"].inputs == ("ToRec709",)
    copy = gizmo.nodes["HintToAlpha"]
    assert copy.inputs == ("ToSRGB", "HintCore")
    assert (copy.knobs["from0"], copy.knobs["to0"]) == ("rgba.alpha", "rgba.alpha")


def screen_hint(gizmo: Script, rgb: tuple[float, float, float], blue: int) -> float:
    """Evaluates the Expression node with Tcl, for one pixel of the plate."""
    knobs = gizmo.nodes["HintScreen"].knobs
    r, g, b = rgb
    code = (
        "proc tcl::mathfunc::smoothstep {a b x} {"
        " set t [expr {max(0.0, min(1.0, ($x - $a) / ($b - $a)))}];"
        " expr {$t * $t * (3 - 2 * $t)} }\n"
        f"set r {r}; set g {g}; set b {b}\n"
    )

    def tcl(text: str) -> str:
        text = text.replace("parent.weights", str(blue)).replace("parent.screen_color", "0")
        return re.sub(r"\b(r|g|b|is_blue|screened|excess)\b", r"$\1", text)

    for i in range(3):
        code += f"set {knobs[f'temp_name{i}']} [expr {{{tcl(knobs[f'temp_expr{i}'])}}}]\n"
    return float(script_reader.evaluate(f"{code}expr {{{tcl(knobs['expr3'])}}}"))


@pytest.mark.parametrize(
    "rgb, blue, hint",
    [
        ((0.05, 0.4, 0.1), 0, 0.0),  # green screen
        ((0.01, 0.05, 0.02), 0, 0.0),  # its shadow
        ((0.4, 0.3, 0.2), 0, 1.0),  # skin
        ((0.0, 0.0, 0.0), 0, 1.0),  # black cloth
        ((0.18, 0.18, 0.18), 0, 1.0),  # gray
        ((0.05, 0.4, 0.1), 1, 1.0),  # green cloth before a blue screen
        ((0.02, 0.1, 0.5), 1, 0.0),  # blue screen
    ],
)
def test_hint_from_the_screen(
    gizmo: Script, rgb: tuple[float, float, float], blue: int, hint: float
) -> None:
    assert screen_hint(gizmo, rgb, blue) == hint


@pytest.mark.parametrize("prefix, source", [("Hint", "HintInvert"), ("Matte", "MatteClip")])
def test_grow_and_blur(gizmo: Script, prefix: str, source: str) -> None:
    knob = prefix.lower()
    grow, blur = gizmo.nodes[f"{prefix}Grow"], gizmo.nodes[f"{prefix}Blur"]
    assert (grow.inputs, blur.inputs) == ((source,), (grow.name,))
    assert (grow.kind, blur.kind) == ("FilterErode", "Blur")
    assert grow.knobs["channels"] == blur.knobs["channels"] == "alpha"
    assert expression(grow, "size") == f"-parent.{knob}_grow"  # a negative size grows
    assert expression(blur, "size") == f"parent.{knob}_blur"


def test_garbage_and_core_change_hint_and_matte(gizmo: Script) -> None:
    for garbage, core in ("HintGarbage", "HintCore"), ("MatteGarbage", "MatteCore"):
        nodes = gizmo.nodes[garbage], gizmo.nodes[core]
        assert [node.knobs["operation"] for node in nodes] == ["stencil", "max"]
        assert [node.inputs[1] for node in nodes] == ["GarbageBox", "CoreBox"]  # A
        assert nodes[1].inputs[0] == garbage


def test_at_their_defaults_the_controls_are_disabled(gizmo: Script) -> None:
    defaults = {
        name: value
        for name, value in gizmo.one("Gizmo").knobs.items()
        if re.fullmatch(r"-?[\d.]+", value) and name != "inputs"
    } | {"hint_invert": "0", "working_space": "0"}
    for name in "HintInvert", "HintGrow", "HintBlur", "MatteClip", "MatteGrow", "MatteBlur":
        text = expression(gizmo.nodes[name], "disable")
        assert evaluate(text, **defaults) == "1", name


def test_matte_clip(gizmo: Script) -> None:
    clip = gizmo.nodes["MatteClip"]
    assert (clip.kind, clip.knobs["channels"]) == ("Grade", "alpha")
    followed = {knob: expression(clip, knob) for knob in ("blackpoint", "whitepoint", "gamma")}
    assert followed == {
        "blackpoint": "parent.clip_black",
        "whitepoint": "parent.clip_white",
        "gamma": "parent.matte_gamma",
    }
