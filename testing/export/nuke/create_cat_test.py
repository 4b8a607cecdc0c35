"""create_cat.py makes the .cat in a `nuke` that has only documented names."""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from export.nuke.cat_files import KIT_NAME
from export.nuke.model import CHANNELS
from testing.export.nuke.panel import metadata
from testing.export.nuke.pt_file import WITHOUT_WORDS, write_pt
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.knobs import EnumerationKnob, Knob, NumberKnob
from testing.export.nuke.recorder.nodes import CatFileCreator, Node
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program
from wrapper.knobs import KNOBS
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID


def in_plain_python(kit: Path, pt: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the script with the standard library alone."""
    command = [sys.executable, "-I", "-B", str(kit / "create_cat.py"), f"--pt={pt}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


@pytest.fixture
def pt(tmp_path: Path) -> Path:
    return write_pt(tmp_path / "CorridorKey.pt")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, kit_folder: Path) -> Program:
    return Program(monkeypatch, kit_folder / "create_cat.py")


def test_sets_every_field_and_knob(run: Program, pt: Path, tmp_path: Path) -> None:
    nuke = Nuke()
    assert run(nuke, "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 0
    (node,) = nuke.created
    assert isinstance(node, CatFileCreator)
    assert node.presses == 1
    values = {name: knob.stored for name, knob in node.knobs.items()}
    assert values.pop("catFile").endswith("/CorridorKey.cat")
    assert values == {
        "torchScriptFile": pt.as_posix(),
        "channelsIn": ", ".join(CHANNELS),
        "channelsOut": ", ".join(CHANNELS),
        "modelId": "CorridorKey_test",
        "outputScale": 1,
    }
    assert list(node.added) == [knob.name for knob in KNOBS]
    for knob in KNOBS:
        added = node.added[knob.name]
        assert (added.label, added.tooltip) == (knob.label, knob.tooltip)
        if knob.labels:
            assert isinstance(added, EnumerationKnob)
            assert added.entries == knob.labels
            assert added.stored == knob.labels[int(knob.default)]
        else:
            assert isinstance(added, NumberKnob)
            assert added.span == (knob.minimum, knob.maximum)
            assert added.stored == knob.default


def test_the_cat_appears_whole_and_alone(
    run: Program, pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cat = tmp_path / "CorridorKey.cat"
    assert run(Nuke(writes=b"whole"), "--pt", pt, "--cat", cat) == 0
    assert cat.read_bytes() == b"whole"
    record = cat.with_suffix(".json")
    assert sorted(tmp_path.iterdir()) == [cat, record, pt]
    assert json.loads(record.read_text()) == {
        "kit": KIT_NAME,
        "nuke": "15.1v1",
        "model_id": "CorridorKey_test",
        "cat": {
            "name": "CorridorKey.cat",
            "sha256": hashlib.sha256(b"whole").hexdigest(),
            "bytes": 5,
        },
        "pt": {
            "name": pt.name,
            "sha256": hashlib.sha256(pt.read_bytes()).hexdigest(),
            "bytes": pt.stat().st_size,
        },
    }
    assert "CorridorKey_test, 5 bytes" in capsys.readouterr().out


def test_the_frame_says_what_keyed_it(
    run: Program, pt: Path, tmp_path: Path, gizmo: Script
) -> None:
    cat = tmp_path / "a folder" / "CorridorKey.cat"
    cat.parent.mkdir()
    assert run(Nuke(writes=b"whole"), "--pt", pt, "--cat", cat) == 0
    keys = ("model_id", "model_sha256", "cat_sha256")
    text = "\n".join(metadata(gizmo)[f"corridorkey/{key}"] for key in keys)
    sha256 = [hashlib.sha256(content).hexdigest() for content in (pt.read_bytes(), b"whole")]
    evaluated = script_reader.text_knob(text, {}, [], inner={"Inference1.modelFile": str(cat)})
    assert evaluated.split("\n") == ["CorridorKey_test", *sha256]
    # Without the .json, nothing is known about the file.
    cat.with_suffix(".json").unlink()
    evaluated = script_reader.text_knob(text, {}, [], inner={"Inference1.modelFile": str(cat)})
    assert evaluated.split("\n") == ["unknown"] * 3


def test_the_buttons_inference_node_is_deleted_while_the_file_is_in_its_first_place(
    run: Program, pt: Path, tmp_path: Path
) -> None:
    nuke = Nuke()
    artists = Node("Inference", "Inference7", [Knob("modelFile")])
    nuke.add(artists)
    assert run(nuke, "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 0
    assert nuke.allNodes("Inference") == [artists]
    assert nuke.allNodes("CatFileCreator") == []
    assert nuke.open_files == []


@pytest.mark.parametrize(
    "version, runtime, model_id, variant, name",
    [
        ((14, 0), "nuke14", MODEL_ID + "_nuke14", {}, "green_2048_torch112.cat"),
        ((15, 1), "nuke17", MODEL_ID, {}, "green_2048_torch201.cat"),
        (
            (15, 1),
            "nuke17",
            MODEL_ID + "_fast",
            {"precision": "fast"},
            "green_2048_fast_torch201.cat",
        ),
        ((16, 0), "nuke17", MODEL_ID + "_1024", {"resolution": 1024}, "green_1024_torch201.cat"),
        ((17, 0), "nuke17", BLUE_MODEL_ID, {}, "blue_2048_torch207.cat"),
    ],
)
def test_without_cat_the_file_goes_where_the_gizmo_looks(
    monkeypatch: pytest.MonkeyPatch,
    kit_folder: Path,
    tmp_path: Path,
    version: tuple[int, int],
    runtime: str,
    model_id: str,
    variant: dict[str, object],
    name: str,
) -> None:
    copy = tmp_path / "kit"
    shutil.copytree(kit_folder, copy, copy_function=shutil.copyfile)
    copy.chmod(0o755)
    cats = copy / "Cattery" / KIT_NAME
    cats.chmod(0o755)
    pt = write_pt(tmp_path / "A.pt", runtime=runtime, model_id=model_id, **variant)
    run = Program(monkeypatch, copy / "create_cat.py")
    assert run(Nuke(version=version), "--pt", pt) == 0
    assert [path.name for path in cats.glob("*.cat")] == [f"{KIT_NAME}_{name}"]


def test_weights_of_ones_own_need_a_name(
    run: Program, pt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Nuke(), "--pt", pt) == 1
    assert "Name the .cat with --cat" in capsys.readouterr().err


def test_overwrites_if_told(run: Program, pt: Path, tmp_path: Path) -> None:
    cat = tmp_path / "CorridorKey.cat"
    cat.write_bytes(b"old")
    assert run(Nuke(writes=b"new"), "--pt", pt, "--cat", cat, "--overwrite") == 0
    assert cat.read_bytes() == b"new"


def test_dry_run_says_everything_and_needs_no_nuke(kit_folder: Path, pt: Path) -> None:
    cat = f"--cat={pt.with_suffix('.cat')}"
    result = in_plain_python(kit_folder, pt, cat, "--dry-run")
    assert result.returncode == 0, result.stderr
    printed = {
        line.split()[0]: line for line in result.stdout.splitlines() if line.startswith("  ")
    }
    assert printed["channelsIn"].endswith(" rgba.red, rgba.green, rgba.blue, rgba.alpha")
    assert printed["catFile"].endswith("/CorridorKey.cat")
    assert printed["modelId"].endswith(" CorridorKey_test")
    assert set(printed) >= {knob.name for knob in KNOBS}
    assert "in Nuke 15.1 to 16.0" in result.stdout
    assert list(pt.parent.iterdir()) == [pt]


@pytest.mark.parametrize(
    "nuke, problem",
    [
        (
            Nuke(version=(15, 0)),
            "for Nuke 15.1 to 17.0; this is Nuke 15.0. Use CorridorKey_nuke14.pt",
        ),
        (Nuke(nukex=False), "Start Nuke with --nukex"),
        (Nuke(writes=None), "wrote no file"),
        (Nuke(writes=b""), "wrote no file"),
    ],
    ids=["old nuke", "no NukeX", "nothing written", "empty"],
)
def test_an_error_in_nuke_leaves_no_file(
    run: Program,
    pt: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    nuke: Nuke,
    problem: str,
) -> None:
    assert run(nuke, "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 1
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [pt]


def test_the_older_file_loads_in_nuke_14(run: Program, tmp_path: Path) -> None:
    pt = write_pt(tmp_path / "CorridorKey_nuke14.pt", runtime="nuke14")
    assert run(Nuke(version=(14, 0)), "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 0


def test_the_older_file_is_refused_by_a_newer_nuke(
    run: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pt = write_pt(tmp_path / "CorridorKey_nuke14.pt", runtime="nuke14")
    assert run(Nuke(version=(17, 0)), "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 1
    message = "for Nuke 14.0 to 15.0; this is Nuke 17.0. Use CorridorKey.pt"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"default": 0.5}, "differ in the knobs despill_strength. "),
        ({"name": "despill"}, "differ in the knobs despill_strength, despill. "),
    ],
)
def test_a_file_with_other_knobs_is_refused(
    run: Program,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    problem: str,
) -> None:
    pt = write_pt(tmp_path / "Other.pt", knobs=[WITHOUT_WORDS[0] | change, *WITHOUT_WORDS[1:]])
    assert run(Nuke(), "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 1
    assert problem in capsys.readouterr().err


def test_bad_input_is_one_clear_error(
    run: Program, pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(pt.read_bytes()[:40])
    foreign = tmp_path / "foreign.pt"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    poor = write_pt(tmp_path / "poor.pt", runtime="nuke17")
    with zipfile.ZipFile(poor, "w") as archive:
        archive.writestr("CorridorKey/extra/corridorkey.json", '{"knobs": []}')
    there = tmp_path / "there.cat"
    there.write_bytes(b"old")
    cat = tmp_path / "CorridorKey.cat"
    before = sorted(tmp_path.iterdir())
    for given_pt, given_cat, problem in [
        (tmp_path / "none.pt", cat, "no such file: "),
        (damaged, cat, "damaged.pt is damaged: "),
        (foreign, cat, "foreign.pt has no manifest"),
        (poor, cat, "poor.pt has no model_id, precision, resolution, runtime. "),
        (pt, tmp_path / "CorridorKey.pt2", "does not end in .cat"),
        (pt, tmp_path / "none" / "CorridorKey.cat", "no such folder: "),
        (pt, there, "there.cat exists already. Replace it with --overwrite"),
    ]:
        assert run(Nuke(), "--pt", given_pt, "--cat", given_cat) == 1
        output = capsys.readouterr()
        assert re.fullmatch(rf"create_cat.py: error: .*{re.escape(problem)}.*\n", output.err)
        assert output.out == ""
    assert sorted(tmp_path.iterdir()) == before
    assert there.read_bytes() == b"old"


def test_without_nuke_it_says_so(kit_folder: Path, pt: Path) -> None:
    result = in_plain_python(kit_folder, pt)
    assert result.returncode == 1
    assert "this Python is not Nuke's" in result.stderr
    assert list(pt.parent.iterdir()) == [pt]


def test_the_grammar_is_that_of_python_3_7(kit_folder: Path) -> None:
    files = sorted(kit_folder.glob("*.py"))
    assert files
    for file in files:
        ast.parse(file.read_text(), feature_version=(3, 7))


def test_the_recorder_refuses_other_names() -> None:
    nuke = Nuke()
    for thing, name in [
        (nuke, "selectedNodes"),
        (nuke.createNode("CatFileCreator"), "showControlPanel"),
        (nuke.Double_Knob("a", "b"), "setFlag"),
    ]:
        with pytest.raises(AttributeError):
            getattr(thing, name)
    with pytest.raises(KeyError):
        nuke.createNode("CatFileCreator")["modelFile"]
