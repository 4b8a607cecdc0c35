"""The gizmo, evaluated by Tcl: its graph, its panel, its model file, its boxes and its colors."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from export.nuke.cat_files import KIT_NAME, LIBTORCHES, QUALITIES
from export.nuke.model import SCREEN_KNOB
from export.nuke.scripts.gizmo.color import AP1_TO_REC709, REC709_TO_AP1
from export.nuke.scripts.gizmo.output import VIEW
from export.nuke.scripts.knob_lines import SET_BY_GIZMO
from testing.export.nuke import documented, script_reader
from testing.export.nuke.boxes import Extent, extents
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.panel import assert_like_table, default_text
from testing.export.nuke.script_reader import Script, ScriptNode
from wrapper.knobs import KNOBS

UHD = (3840, 2160)
MAIN_PIPE = [
    "NukeVersion",
    "FormatBox",
    "ToRec709",
    "ToSRGB",
    "HintToAlpha",
    "CatFile",
    "Inference1",
    "ToLinear",
    "MatteClip",
    "MatteGrow",
    "MatteBlur",
    "MatteGarbage",
    "MatteCore",
    "ToWorkingSpace",
]
"""From the plate to the straight key, along input 0."""


@pytest.fixture
def gizmo(scripts: dict[str, Script]) -> Script:
    return scripts[GIZMO]


def panel(gizmo: Script) -> dict[str, dict[str, object]]:
    """Returns the addUserKnob lines by knob name."""
    return {line["name"]: line for line in gizmo.one("Gizmo").user_knobs}


def expression(node: ScriptNode, knob: str) -> str:
    """Returns the expression of a knob, as Nuke evaluates it."""
    text = node.knobs[knob]
    match = re.fullmatch(r'\{"(.*)"\}', text) or re.fullmatch(r"\{(.*)\}", text)
    assert match, text
    return re.sub(r"\\(.)", r"\1", match[1])


def evaluate(text: str, **values: float | str) -> str:
    """Evaluates an expression with values for `parent.KNOB` and $nuke_version."""
    for name, value in values.items():
        text = text.replace(f"parent.{name}", str(value)).replace(f"${name}", str(value))
    return script_reader.evaluate(f"expr {{{text}}}")


def test_the_main_pipe(gizmo: Script) -> None:
    above = [node.name for node in gizmo.upstream("ToWorkingSpace")]
    assert [*reversed(above), "ToWorkingSpace"] == ["Plate", *MAIN_PIPE]
    output = [node.name for node in gizmo.upstream("Output1")]
    assert output[:4] == ["Provenance", "View", "Mixed", "SourceLinear"]


def test_inputs(gizmo: Script) -> None:
    numbers = {
        int(node.knobs.get("number", "0")): node.name
        for node in gizmo.nodes.values()
        if node.kind == "Input"
    }
    assert numbers == {0: "Plate", 1: "Hint", 2: "Garbage", 3: "Core", 4: "Mask"}
    assert gizmo.one("Gizmo").knobs["inputs"] == "5"


def test_the_panel_has_the_table_of_knobs_without_those_that_the_gizmo_sets(gizmo: Script) -> None:
    shown = [knob for knob in KNOBS if knob.name not in {*SET_BY_GIZMO, SCREEN_KNOB}]
    assert_like_table(gizmo.one("Gizmo"), shown)
    screen = next(knob for knob in KNOBS if knob.name == SCREEN_KNOB)
    line = panel(gizmo)[SCREEN_KNOB]
    assert line["M"] == list(screen.labels)
    assert "weights" in str(line["t"])  # in the gizmo it also picks the .cat
    assert not SET_BY_GIZMO.keys() & panel(gizmo).keys()


def test_inference_follows_every_knob_of_the_panel(gizmo: Script) -> None:
    text = gizmo.one("Inference").knobs["serialiseKnob"]
    assert text.endswith(";")
    assert dict(re.findall(r"(\w+):([^;]*);", text)) == {
        knob.name: knob.labels[SET_BY_GIZMO[knob.name]]
        if knob.name in SET_BY_GIZMO
        else f"{{parent.{knob.name}}}"
        for knob in KNOBS
    }


def test_the_gizmo_sets_srgb_in_and_out() -> None:
    table = {knob.name: knob for knob in KNOBS}
    assert {name: table[name].labels[value] for name, value in SET_BY_GIZMO.items()} == {
        "gamma_input": "sRGB",
        "output_mode": "sRGB",
    }


def test_everything_that_is_followed_exists_and_every_knob_does_something(gizmo: Script) -> None:
    lines = panel(gizmo)
    followed = {
        name
        for node in gizmo.nodes.values()
        for knob, value in node.knobs.items()
        if knob != "metadata"
        for name in re.findall(r"parent\.([A-Za-z_]\w*)", value)
        if not name.startswith("input")
    }
    links = {name: line["T"] for name, line in lines.items() if line["kind"] == "41"}
    for target in links.values():
        node, knob = str(target).split(".")
        assert knob in documented.KNOBS[gizmo.nodes[node].kind]
    headings = {name for name, line in lines.items() if line["kind"] in ("20", "26")}
    assert followed == lines.keys() - links.keys() - headings


# --- The .cat


@pytest.mark.parametrize("libtorch", LIBTORCHES, ids=lambda libtorch: libtorch.version)
def test_libtorch_follows_the_version_of_nuke(gizmo: Script, libtorch: object) -> None:
    text = expression(gizmo.one("Gizmo"), "libtorch")
    assert panel(gizmo)["libtorch"]["+INVISIBLE"]
    for version in libtorch.oldest, libtorch.newest:  # type: ignore[attr-defined]
        # Nuke 16.1v2 has $nuke_version 16.102.
        number = "{}.{}02".format(*version)
        assert evaluate(text, nuke_version=number) == str(libtorch.number)  # type: ignore[attr-defined]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("screen", ["Green", "Blue"])
def test_model_file_follows_quality_screen_and_libtorch(
    gizmo: Script, quality: str, screen: str
) -> None:
    code = gizmo.one("Inference").knobs["modelFile"]
    name = f"{KIT_NAME}_{screen.lower()}_{quality}_torch201.cat"
    knobs = {"screen_color": screen, "quality": quality, "libtorch": "201"}
    assert script_reader.text_knob(code, knobs, [name]) == f"/kit/{name}"
    assert script_reader.text_knob(code, knobs, ["CorridorKey.cat"]) == ""


def test_a_missing_cat_is_named_by_the_message_on_the_node(gizmo: Script) -> None:
    node = gizmo.nodes["CatFile"]
    assert expression(node, "expression") == "[string length [value Inference1.modelFile]] > 0"
    knobs = {"screen_color": "Blue", "quality": "1024", "libtorch": "207"}
    message = script_reader.text_knob(node.knobs["message"], knobs, [])
    assert message.startswith(f"No {KIT_NAME}_blue_1024_torch207.cat on Nuke's plug-in path. ")


def test_the_version_check_and_cat_json_agree(gizmo: Script, kit_folder: Path) -> None:
    wanted = re.fullmatch(
        r"\$nuke_version >= ([\d.]+)", expression(gizmo.nodes["NukeVersion"], "expression")
    )
    assert wanted
    cat = json.loads((kit_folder / GIZMO).with_name("cat.json").read_text())
    assert float(wanted[1]) == cat["minimum_nuke_version_required"]
    assert LIBTORCHES[0].oldest == (14, 0)


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
        text = text.replace("parent.screen_color", str(blue))
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


# --- Output


def test_output_is_straight_or_premultiplied(gizmo: Script) -> None:
    switch = gizmo.nodes["LinearOutput"]
    assert switch.knobs["which"] == "{parent.linear_output}"
    entries = panel(gizmo)["linear_output"]["M"]
    assert dict(zip(entries, switch.inputs, strict=True)) == {  # type: ignore[call-overload]
        "premultiplied": "Premult1",
        "straight": "ToWorkingSpace",
    }
    assert gizmo.one("Gizmo").knobs["linear_output"] == "premultiplied"


def test_mask_and_mix(gizmo: Script) -> None:
    keymix = gizmo.one("Keymix")
    assert keymix.inputs == ("SourceLinear", "LinearOutput", "MaskEdge")  # B, A, mask
    assert keymix.knobs["mix"] == "{parent.mix}"
    assert gizmo.one("Gizmo").knobs["mix"] == "1"
    switch = gizmo.nodes["MaskFrom"]
    assert switch.inputs == ("WholeFrame", "MaskBox")
    assert expression(switch, "which") == "[exists parent.input4]"
    assert gizmo.nodes["WholeFrame"].knobs["expr3"] == "1"


def test_views(gizmo: Script) -> None:
    switch = gizmo.nodes["View"]
    assert switch.knobs["which"] == "{parent.view}"
    assert dict(zip(VIEW.entries, switch.inputs, strict=True)) == {
        "result": "Mixed",
        "matte": "ViewMatte",
        "hint": "ViewHint",
        "foreground": "ToWorkingSpace",
        "source with matte": "ViewSource",
        "over gray": "ViewGray",
        "over checker": "ViewChecker",
    }
    assert gizmo.one("Gizmo").knobs["view"] == "result"
    for name in "ViewMatte", "ViewHint":
        assert {gizmo.nodes[name].knobs[f"expr{i}"] for i in range(3)} == {"a"}
    # The hint is shown without Inference above it, so it needs no .cat.
    assert "Inference1" not in {node.name for node in gizmo.upstream("ViewHint")}
    for name in "ViewGray", "ViewChecker":
        assert gizmo.nodes[name].inputs == ("Premult1",)
        assert gizmo.nodes[name].knobs["expr3"] == "1"


def test_metadata_say_what_keyed_the_frame(gizmo: Script) -> None:
    text = gizmo.one("ModifyMetaData").knobs["metadata"]
    count = int(script_reader.evaluate(f"llength {{{text}}}"))
    items = dict(
        script_reader.evaluate(f"lrange [lindex {{{text}}} {i}] 1 2").split(" ", 1)
        for i in range(count)
    )
    assert items.pop("corridorkey/kit") == KIT_NAME
    assert items.pop("corridorkey/model_file") == "{[value Inference1.modelFile]}"
    recorded = {
        name for name, line in panel(gizmo).items() if line["kind"] not in ("20", "26", "41")
    }
    assert items == {f"corridorkey/{name}": f"{{[value parent.{name}]}}" for name in recorded}


def test_defaults_are_those_of_the_table(gizmo: Script) -> None:
    for knob in KNOBS:
        if knob.name not in SET_BY_GIZMO:
            assert gizmo.one("Gizmo").knobs[knob.name] == default_text(knob)
