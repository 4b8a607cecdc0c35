"""The gizmo and the .nk files, evaluated by Tcl: graphs, documented knobs, templates."""

import pytest

from export.nuke.cat_files import KIT_NAME
from export.nuke.model import CHANNELS
from testing.export.nuke.conftest import GIZMO, SCRIPTS
from testing.export.nuke.panel import assert_like_table
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder import documented
from wrapper.knobs import KNOBS
from wrapper.model_ids import MODEL_ID

ENDS = {"CatFileCreator", "Gizmo", "Output", "Viewer", "Write"}
KEY = {"Key": ("Read_plate", "Read_hint"), "Read_hint": (), "Read_plate": ()}
GRAPHS = {
    "CatFileCreator.nk": {"CatFileCreator1": ()},
    "comp_template.nk": KEY
    | {
        "Over": ("Read_background", "Key"),
        "Read_background": (),
        "Viewer1": ("Over",),
        "Write_comp": ("Over",),
    },
    "exr_passes.nk": KEY
    | {
        "Layers": ("Premult1", "Key"),
        "OnlyTheKey": ("Layers",),
        "Premult1": ("Key",),
        "Viewer1": ("OnlyTheKey",),
        "Write_key": ("OnlyTheKey",),
    },
}

each_script = pytest.mark.parametrize("name", SCRIPTS)


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(scripts: dict[str, Script], name: str) -> None:
    assert {node.name: node.inputs for node in scripts[name].nodes.values()} == GRAPHS[name]


@each_script
def test_only_ends_are_left_on_the_stack(scripts: dict[str, Script], name: str) -> None:
    script = scripts[name]
    assert {script.nodes[left].kind for left in script.left} <= ENDS
    assert len(script.left) == len(set(script.left))


@each_script
def test_every_knob_is_documented(scripts: dict[str, Script], name: str) -> None:
    for node in scripts[name].nodes.values():
        added = [knob["name"] for knob in node.user_knobs]
        assert len(added) == len(set(added))
        known = documented.KNOBS[node.kind] | documented.COMMON | set(added)
        assert set(node.knobs) <= known, node
        assert len(node.inputs) in documented.INPUTS.get(node.kind, {1}), node
        for (kind, knob), values in documented.VALUES.items():
            if kind == node.kind and knob in node.knobs:
                assert node.knobs[knob] in values, node
        for line in node.user_knobs:
            assert line["kind"] in documented.USER_KNOB_CLASSES
            if line["kind"] == "4":
                assert node.knobs[line["name"]] in line["M"]


@each_script
def test_it_opens_in_the_oldest_nuke(scripts: dict[str, Script], name: str) -> None:
    assert scripts[name].version == "14.0 v1"


@each_script
def test_no_merge_takes_the_union_of_boxes(scripts: dict[str, Script], name: str) -> None:
    for node in scripts[name].nodes.values():
        if node.kind in ("ChannelMerge", "Copy", "Keymix", "Merge2"):
            assert node.knobs["bbox"] == "B", node


def test_cat_file_creator_has_every_field_and_the_table_of_knobs(
    scripts: dict[str, Script],
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


@pytest.mark.parametrize("name", ["comp_template.nk", "exr_passes.nk"])
def test_the_gizmo_gets_plate_and_hint(scripts: dict[str, Script], name: str) -> None:
    script = scripts[name]
    key = script.one(KIT_NAME)
    inputs = {
        int(node.knobs.get("number", "0")): node.name
        for node in scripts[GIZMO].nodes.values()
        if node.kind == "Input"
    }
    assert (inputs[0], inputs[1]) == ("Plate", "Hint")
    assert key.inputs == ("Read_plate", "Read_hint")
    assert script.nodes["Read_hint"].knobs["raw"] == "true"
    assert "raw" not in script.nodes["Read_plate"].knobs


@pytest.mark.parametrize("name", ["comp_template.nk", "exr_passes.nk"])
def test_the_write_makes_its_folder_and_keeps_the_metadata(
    scripts: dict[str, Script], name: str
) -> None:
    write = scripts[name].one("Write")
    assert write.knobs["create_directories"] == "true"
    assert write.knobs["metadata"] == "all metadata"
    assert write.knobs["file_type"] == "exr"
    assert "/" in write.knobs["file"]


def test_merge_puts_the_key_over_the_background(scripts: dict[str, Script]) -> None:
    script = scripts["comp_template.nk"]
    merge = script.one("Merge2")
    assert merge.knobs["operation"] == "over"
    assert merge.inputs == ("Read_background", "Key")  # B, A
    assert "linear_output" not in script.one(KIT_NAME).knobs  # premultiplied, the default
    assert script.one("Write").knobs["channels"] == "rgba"


def test_passes_are_layers_of_one_exr(scripts: dict[str, Script]) -> None:
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
    assert script.one(KIT_NAME).knobs["linear_output"] == "straight"
    assert copy.inputs == ("Premult1", "Key")  # rgba is premultiplied, FG straight


def test_the_passes_have_no_other_layer_of_the_plate(scripts: dict[str, Script]) -> None:
    script = scripts["exr_passes.nk"]
    remove = script.one("Remove")
    assert remove.knobs["operation"] == "keep"
    kept = {value for knob, value in remove.knobs.items() if knob.startswith("channels")}
    assert kept == {"rgba", *script.layers}
    assert script.one("Write").inputs == (remove.name,)
    assert script.one("Write").knobs["channels"] == "all"
