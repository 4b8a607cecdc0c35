"""The gizmo, evaluated by Tcl: its graph, its panel, its model file and its output."""

import json
import re
from pathlib import Path

import pytest

from export.nuke.cat_files import KIT_NAME, LIBTORCHES, QUALITIES, WEIGHTS, Libtorch
from export.nuke.scripts.gizmo.output import VIEW
from export.nuke.scripts.knob_lines import SET_BY_GIZMO
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.panel import (
    assert_like_table,
    default_text,
    evaluate,
    expression,
    metadata,
    panel,
)
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder import documented
from wrapper.knobs import KNOBS

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
"""Nodes between the plate and the straight key, along input 0."""


def test_the_main_pipe(gizmo: Script) -> None:
    above = [node.name for node in gizmo.upstream("ToWorkingSpace")]
    assert [*reversed(above), "ToWorkingSpace"] == ["Plate", *MAIN_PIPE]
    output = [node.name for node in gizmo.upstream("Output1")]
    assert output[:5] == ["Provenance", "Model", "View", "Mixed", "SourceLinear"]


def test_inputs(gizmo: Script) -> None:
    numbers = {
        int(node.knobs.get("number", "0")): node.name
        for node in gizmo.nodes.values()
        if node.kind == "Input"
    }
    assert numbers == {0: "Plate", 1: "Hint", 2: "Garbage", 3: "Core", 4: "Mask"}
    assert gizmo.one("Gizmo").knobs["inputs"] == "5"


def test_the_panel_has_the_table_of_knobs_without_those_that_the_gizmo_sets(gizmo: Script) -> None:
    shown = [knob for knob in KNOBS if knob.name not in SET_BY_GIZMO]
    assert_like_table(gizmo.one("Gizmo"), shown)
    assert panel(gizmo)["weights"]["M"] == list(WEIGHTS.values())
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
        "hint_source": "Hint",
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
def test_libtorch_follows_the_version_of_nuke(gizmo: Script, libtorch: Libtorch) -> None:
    text = expression(gizmo.one("Gizmo"), "libtorch")
    assert panel(gizmo)["libtorch"]["+INVISIBLE"]
    for version in libtorch.oldest, libtorch.newest:
        # Nuke 16.1v2 has $nuke_version 16.102.
        number = "{}.{}02".format(*version)
        assert evaluate(text, nuke_version=number) == str(libtorch.number)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("weights", ["green", "blue"])
def test_model_file_follows_quality_weights_and_libtorch(
    gizmo: Script, quality: str, weights: str
) -> None:
    code = gizmo.one("Inference").knobs["modelFile"]
    name = f"{KIT_NAME}_{weights}_{quality}_torch201.cat"
    knobs = {"weights": weights, "quality": quality, "libtorch": "201"}
    assert script_reader.text_knob(code, knobs, [name]) == f"/kit/{name}"
    assert script_reader.text_knob(code, knobs, ["CorridorKey.cat"]) == ""


def shown(gizmo: Script, model_file: str, view: str = "result", missing: int = 0) -> str:
    """Returns the node that the last Switch chooses."""
    knobs = {"parent.view": VIEW.entries.index(view), "parent.missing_model": missing}
    switch = gizmo.nodes["Model"]
    text = expression(switch, "which")
    for name, value in knobs.items():
        text = text.replace(name, str(value))
    code = f"proc value {{knob}} {{return {{{model_file}}}}}\nexpr {{{text}}}"
    return switch.inputs[int(script_reader.evaluate(code))]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("weights", WEIGHTS.values())
def test_without_its_cat_the_node_shows_the_message(
    gizmo: Script, tmp_path: Path, quality: str, weights: str
) -> None:
    """Takes each Quality and screen, with the .cat of every other one beside it."""
    code = gizmo.one("Inference").knobs["modelFile"]
    cats = {(w, q): f"{KIT_NAME}_{w}_{q}_torch201.cat" for w in WEIGHTS.values() for q in QUALITIES}
    wanted = cats.pop((weights, quality))
    knobs = {"weights": weights, "quality": quality, "libtorch": "201"}

    def model_file() -> str:
        there = [path.name for path in tmp_path.iterdir()]
        return script_reader.text_knob(code, knobs, there, folder=str(tmp_path))

    for name in cats.values():
        (tmp_path / name).touch()
    assert shown(gizmo, model_file()) == "MissingText"
    assert shown(gizmo, model_file(), missing=1) == "View"  # and so Assert fails the render
    assert shown(gizmo, model_file(), view="hint") == "View"
    (tmp_path / wanted).touch()
    for view in VIEW.entries:
        assert shown(gizmo, model_file(), view) == "View"


def test_a_chosen_file_that_is_not_there_is_missing(gizmo: Script, tmp_path: Path) -> None:
    chosen = tmp_path / "a folder" / "my.cat"
    assert shown(gizmo, str(chosen)) == "MissingText"
    chosen.parent.mkdir()
    chosen.touch()
    assert shown(gizmo, str(chosen)) == "View"


def test_the_check_before_inference_and_the_switch_agree(gizmo: Script) -> None:
    check = gizmo.nodes["CatFile"]
    assert expression(check, "expression") == script_reader.MODEL_EXISTS
    assert check.knobs["message"] == gizmo.nodes["MissingText"].knobs["message"]
    assert panel(gizmo)["missing_model"]["M"] == ["show a message", "fail the render"]
    assert gizmo.one("Gizmo").knobs["missing_model"] == "show a message"
    above = {node.name for node in gizmo.upstream("MissingText")}
    assert not above & {"CatFile", "Inference1"}


@pytest.mark.parametrize(
    "model_file, named",
    [("", f"{KIT_NAME}_blue_1024_torch207.cat"), ("/a b/my.cat", "/a b/my.cat")],
)
def test_picture_and_label_name_the_missing_file(
    gizmo: Script, model_file: str, named: str
) -> None:
    knobs = {"weights": "blue", "quality": "1024", "libtorch": "207"}
    inner = {"Inference1.modelFile": model_file}
    message = script_reader.text_knob(gizmo.nodes["MissingText"].knobs["message"], knobs, [], inner)
    assert message.splitlines()[:2] == ["Not keyed. This model file is missing:", named]
    assert gizmo.one("Gizmo").knobs["label"] == "[value MissingText.label]"
    label = gizmo.nodes["MissingText"].knobs["label"]
    inner["this.message"] = message
    assert script_reader.text_knob(label, {}, [], inner) == message
    assert script_reader.text_knob(label, {}, [], inner | {"Inference1.modelFile": "/"}) == ""


def test_the_version_check_and_cat_json_agree(gizmo: Script, kit_folder: Path) -> None:
    wanted = re.fullmatch(
        r"\$nuke_version >= ([\d.]+)", expression(gizmo.nodes["NukeVersion"], "expression")
    )
    assert wanted
    cat = json.loads((kit_folder / GIZMO).with_name("cat.json").read_text())
    assert float(wanted[1]) == cat["minimum_nuke_version_required"]
    assert LIBTORCHES[0].oldest == (14, 0)


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
    items = metadata(gizmo)
    assert items.pop("corridorkey/kit") == KIT_NAME
    keyed = items.pop("corridorkey/keyed")
    for model_file, answer in (GIZMO, "no"), ("", "no"), ("/", "yes"):
        inner = {"Inference1.modelFile": model_file}
        assert script_reader.text_knob(keyed, {}, [], inner) == answer
    assert items.pop("corridorkey/model_file") == "[value Inference1.modelFile]"
    for name in "model_id", "model_sha256", "cat_sha256":
        assert ".json" in items.pop(f"corridorkey/{name}")
    recorded = {
        name for name, line in panel(gizmo).items() if line["kind"] not in ("20", "26", "41")
    }
    assert items == {f"corridorkey/{name}": f"[value parent.{name}]" for name in recorded}


def test_defaults_are_those_of_the_table(gizmo: Script) -> None:
    for knob in KNOBS:
        if knob.name not in SET_BY_GIZMO:
            assert gizmo.one("Gizmo").knobs[knob.name] == default_text(knob)
