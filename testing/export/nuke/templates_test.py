"""The gizmo and the .nk files, evaluated by Tcl: what feeds what, and every knob."""

import json
import re
from pathlib import Path

import pytest

from export.nuke.model import CHANNELS
from export.nuke.scripts.user_knobs import SET_BY_TEMPLATES
from testing.export.nuke import documented
from testing.export.nuke.conftest import GIZMO, SCRIPTS
from testing.export.nuke.nuke_script import ReadNode, ReadScript
from wrapper.knobs import KNOBS, Knob, KnobKind
from wrapper.model_ids import MODEL_ID

KEYING = (GIZMO, "comp_template.nk", "exr_passes.nk")
ENDS = {"CatFileCreator", "Gizmo", "Output", "Viewer", "Write"}

KEY = {
    "HintToAlpha": ("ToSRGB", "Read_hint"),
    "Inference1": ("HintToAlpha",),
    "Premult1": ("ToLinear",),
    "Read_hint": (),
    "Read_plate": (),
    "ToLinear": ("Inference1",),
    "ToSRGB": ("Read_plate",),
}
GRAPHS = {
    "CatFileCreator.nk": {"CatFileCreator1": ()},
    "comp_template.nk": KEY
    | {
        "Over": ("Read_background", "Premult1"),
        "Read_background": (),
        "Viewer1": ("Over",),
        "Write_comp": ("Over",),
    },
    "exr_passes.nk": KEY
    | {
        "Layers": ("Premult1", "ToLinear"),
        "Viewer1": ("Layers",),
        "Write_key": ("Layers",),
    },
    GIZMO: {
        "Gizmo": (),
        "Hint": (),
        "HintFrom": ("Hint", "RedToAlpha", "LumaToAlpha"),
        "HintToAlpha": ("ToSRGB", "HintFrom"),
        "Inference1": ("HintToAlpha",),
        "LinearOutput": ("Premult1", "ToLinear"),
        "LumaToAlpha": ("Hint",),
        "NukeVersion": ("Plate",),
        "Output1": ("LinearOutput",),
        "Plate": (),
        "Premult1": ("ToLinear",),
        "RedToAlpha": ("Hint",),
        "ToLinear": ("Inference1",),
        "ToSRGB": ("NukeVersion",),
    },
}

each_script = pytest.mark.parametrize("name", SCRIPTS)
each_that_keys = pytest.mark.parametrize("name", KEYING)


def from_table(knob: Knob) -> dict[str, object]:
    """The addUserKnob line that a knob of the table asks for."""
    line = {"name": knob.name, "l": knob.label, "t": knob.tooltip}
    if knob.kind is KnobKind.ENUMERATION:
        return line | {"kind": "4", "M": list(knob.labels)}
    return line | {"kind": "7", "R": [f"{knob.minimum:g}", f"{knob.maximum:g}"]}


def default_text(knob: Knob) -> str:
    return knob.labels[int(knob.default)] if knob.labels else f"{knob.default:g}"


def assert_like_table(node: ReadNode, knobs: list[Knob]) -> None:
    """The node has each of the knobs, as the table says, its default on a line after its own."""
    lines = {line["name"]: line for line in node.user_knobs}
    order = list(node.knobs)
    for knob in knobs:
        line = dict(lines[knob.name])
        after = line.pop("after")
        assert line == from_table(knob)
        assert node.knobs[knob.name] == default_text(knob)
        assert order.index(knob.name) >= after


def serialised(script: ReadScript) -> dict[str, str]:
    text = script.one("Inference").knobs["serialiseKnob"]
    assert text.endswith(";")
    return dict(re.findall(r"(\w+):([^;]*);", text))


def routes(node: ReadNode) -> dict[str, tuple[int, str]]:
    """For each channel that comes out of a Shuffle2, the input and channel that it comes from."""
    layers = [int(node.knobs[f"fromInput{i}"][1]) for i in (1, 2) if f"fromInput{i}" in node.knobs]
    count, *words = node.knobs["mappings"].split()
    assert len(words) == 6 * int(count)
    return {words[i + 3]: (layers[int(words[i + 1])], words[i]) for i in range(0, len(words), 6)}


@each_script
def test_graph(scripts: dict[str, ReadScript], name: str) -> None:
    assert {node.name: node.inputs for node in scripts[name].nodes.values()} == GRAPHS[name]


@each_script
def test_nothing_is_left_on_the_stack_that_something_could_take(
    scripts: dict[str, ReadScript], name: str
) -> None:
    script = scripts[name]
    assert {script.nodes[left].kind for left in script.left} <= ENDS
    assert len(script.left) == len(set(script.left))


@each_script
def test_every_knob_is_documented(scripts: dict[str, ReadScript], name: str) -> None:
    for node in scripts[name].nodes.values():
        added = [knob["name"] for knob in node.user_knobs]
        assert len(added) == len(set(added))
        known = documented.KNOBS[node.kind] | documented.COMMON | set(added)
        assert set(node.knobs) <= known
        assert len(node.inputs) in documented.INPUTS[node.kind]
        for (kind, knob), values in documented.VALUES.items():
            if kind == node.kind and knob in node.knobs:
                assert node.knobs[knob] in values
        for line in node.user_knobs:
            assert line["kind"] in documented.USER_KNOB_KINDS
            if line["kind"] == "4":
                assert node.knobs[line["name"]] in line["M"]


@each_script
def test_it_opens_in_the_oldest_nuke(scripts: dict[str, ReadScript], name: str) -> None:
    assert scripts[name].version == "14.0 v1"


def test_cat_file_creator_has_every_field_and_the_table_of_knobs(
    scripts: dict[str, ReadScript],
) -> None:
    node = scripts["CatFileCreator.nk"].one("CatFileCreator")
    assert set(documented.KNOBS["CatFileCreator"]) <= set(node.knobs)
    assert node.knobs["channelsIn"] == node.knobs["channelsOut"] == ", ".join(CHANNELS)
    assert node.knobs["modelId"] == MODEL_ID
    assert node.knobs["outputScale"] == "1"
    assert_like_table(node, list(KNOBS))
    assert [knob["name"] for knob in node.user_knobs if knob["kind"] != "20"] == [
        knob.name for knob in KNOBS
    ]


def test_gizmo_shows_the_table_of_knobs_but_what_it_sets_itself(
    scripts: dict[str, ReadScript],
) -> None:
    gizmo = scripts[GIZMO].one("Gizmo")
    shown = [knob for knob in KNOBS if knob.name not in SET_BY_TEMPLATES]
    assert_like_table(gizmo, shown)
    assert not SET_BY_TEMPLATES.keys() & {knob["name"] for knob in gizmo.user_knobs}


def test_inference_in_the_gizmo_follows_every_knob_that_is_shown(
    scripts: dict[str, ReadScript],
) -> None:
    assert serialised(scripts[GIZMO]) == {
        knob.name: knob.labels[SET_BY_TEMPLATES[knob.name]]
        if knob.name in SET_BY_TEMPLATES
        else f"{{parent.{knob.name}}}"
        for knob in KNOBS
    }


@pytest.mark.parametrize("name", ["comp_template.nk", "exr_passes.nk"])
def test_inference_in_the_templates_has_every_knob_at_its_default(
    scripts: dict[str, ReadScript], name: str
) -> None:
    assert serialised(scripts[name]) == {
        knob.name: knob.labels[SET_BY_TEMPLATES[knob.name]]
        if knob.name in SET_BY_TEMPLATES
        else default_text(knob)
        for knob in KNOBS
    }


def test_what_the_templates_set_is_srgb_in_and_out() -> None:
    table = {knob.name: knob for knob in KNOBS}
    assert {name: table[name].labels[value] for name, value in SET_BY_TEMPLATES.items()} == {
        "gamma_input": "sRGB",
        "output_mode": "sRGB",
    }


@each_that_keys
def test_premult_multiplies_linear_light(scripts: dict[str, ReadScript], name: str) -> None:
    script = scripts[name]
    (colorspace, inference, *above) = script.upstream(script.one("Premult").name)
    assert (colorspace.kind, inference.kind) == ("Colorspace", "Inference")
    assert colorspace.knobs["colorspace_in"] == "sRGB"  # and out by default, linear
    assert "colorspace_out" not in colorspace.knobs
    before = [node for node in above if node.kind == "Colorspace"]
    assert [node.knobs["colorspace_out"] for node in before] == ["sRGB"]
    assert "colorspace_in" not in before[0].knobs


@each_that_keys
def test_no_colorspace_touches_the_matte(scripts: dict[str, ReadScript], name: str) -> None:
    for node in scripts[name].nodes.values():
        if node.kind == "Colorspace":
            assert "channels" not in node.knobs  # the default is rgb


@pytest.mark.parametrize("name", ["comp_template.nk", "exr_passes.nk"])
def test_templates_put_the_hint_in_alpha(scripts: dict[str, ReadScript], name: str) -> None:
    script = scripts[name]
    node = script.nodes["HintToAlpha"]
    assert routes(node) == {
        "rgba.red": (0, "rgba.red"),
        "rgba.green": (0, "rgba.green"),
        "rgba.blue": (0, "rgba.blue"),
        "rgba.alpha": (1, "rgba.alpha"),
    }
    assert node.knobs["in2"] == "alpha"
    assert script.nodes["Read_hint"].knobs["raw"] == "true"
    assert "raw" not in script.nodes["Read_plate"].knobs


def test_merge_puts_the_key_over_the_background(scripts: dict[str, ReadScript]) -> None:
    merge = scripts["comp_template.nk"].one("Merge2")
    assert merge.knobs["operation"] == "over"
    assert merge.inputs == ("Read_background", "Premult1")  # B, A


def test_gizmo_takes_the_hint_from_where_its_knob_says(scripts: dict[str, ReadScript]) -> None:
    script = scripts[GIZMO]
    (knob,) = (knob for knob in script.one("Gizmo").user_knobs if knob["name"] == "hint_from")
    switch = script.nodes["HintFrom"]
    assert switch.knobs["which"] == "{parent.hint_from}"
    assert dict(zip(knob["M"], switch.inputs, strict=True)) == {
        "alpha": "Hint",
        "red": "RedToAlpha",
        "luminance": "LumaToAlpha",
    }
    assert routes(script.nodes["RedToAlpha"])["rgba.alpha"] == (0, "rgba.red")
    luma = script.nodes["LumaToAlpha"].knobs["expr3"]  # expr3 is alpha's
    weights = {channel: float(weight) for weight, channel in re.findall(r"([\d.]+)\*(\w)", luma)}
    assert weights == {"r": 0.2126, "g": 0.7152, "b": 0.0722}  # Rec. 709
    copy = script.nodes["HintToAlpha"]
    assert (copy.knobs["from0"], copy.knobs["to0"]) == ("rgba.alpha", "rgba.alpha")


def test_gizmo_has_its_output_straight_or_premultiplied(scripts: dict[str, ReadScript]) -> None:
    script = scripts[GIZMO]
    (knob,) = (knob for knob in script.one("Gizmo").user_knobs if knob["name"] == "linear_output")
    switch = script.nodes["LinearOutput"]
    assert switch.knobs["which"] == "{parent.linear_output}"
    assert dict(zip(knob["M"], switch.inputs, strict=True)) == {
        "premultiplied": "Premult1",
        "straight": "ToLinear",
    }
    assert script.one("Gizmo").knobs["linear_output"] == "premultiplied"


def test_gizmo_checks_the_version_that_cat_json_names(
    scripts: dict[str, ReadScript], kit_folder: Path
) -> None:
    expression = scripts[GIZMO].one("Assert").knobs["expression"]
    wanted = re.fullmatch(r'\{"\\\$nuke_version >= ([\d.]+)"\}', expression)
    assert wanted
    cat = json.loads((kit_folder / GIZMO).with_name("cat.json").read_text())
    assert float(wanted[1]) == cat["minimum_nuke_version_required"]


def test_whatever_the_gizmo_follows_is_there(scripts: dict[str, ReadScript]) -> None:
    script = scripts[GIZMO]
    gizmo = script.one("Gizmo")
    shown = {knob["name"] for knob in gizmo.user_knobs}
    followed = {
        name
        for node in script.nodes.values()
        for value in node.knobs.values()
        for name in re.findall(r"parent\.(\w+)", value)
    }
    assert followed <= shown
    links = {
        knob["name"]: knob["T"].split(".") for knob in gizmo.user_knobs if knob["kind"] == "41"
    }
    for node, knob in links.values():
        assert knob in documented.KNOBS[script.nodes[node].kind]
    heading = {knob["name"] for knob in gizmo.user_knobs if knob["kind"] == "20"}
    assert shown == followed | set(links) | heading


def test_gizmo_has_a_plate_and_a_hint(scripts: dict[str, ReadScript]) -> None:
    script = scripts[GIZMO]
    numbers = {
        node.name: node.knobs.get("number", "0")
        for node in script.nodes.values()
        if node.kind == "Input"
    }
    assert numbers == {"Plate": "0", "Hint": "1"}
    assert script.one("Gizmo").knobs["inputs"] == "2"


def test_passes_are_layers_of_one_exr(scripts: dict[str, ReadScript]) -> None:
    script = scripts["exr_passes.nk"]
    copy = script.one("Copy")
    copied = {copy.knobs[f"from{i}"]: copy.knobs[f"to{i}"] for i in range(4)}
    assert copied == {
        "rgba.red": "FG.red",
        "rgba.green": "FG.green",
        "rgba.blue": "FG.blue",
        "rgba.alpha": "matte.alpha",
    }
    assert sorted(copied.values()) == sorted(
        channel for channels in script.layers.values() for channel in channels
    )
    assert copy.inputs == ("Premult1", "ToLinear")  # rgba is premultiplied, FG straight
    assert script.one("Write").knobs["channels"] == "all"
    assert script.one("Write").knobs["file_type"] == "exr"
