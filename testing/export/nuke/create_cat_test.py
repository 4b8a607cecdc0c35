"""create_cat.py against a `nuke` that has only the documented names."""

import ast
import dataclasses
import json
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from export.nuke.model import CHANNELS
from testing.export.nuke.recorder import CatFileCreator, DoubleKnob, EnumerationKnob, Nuke
from wrapper.knobs import KNOBS

WITHOUT_WORDS = [
    {
        key: value
        for key, value in (dataclasses.asdict(knob) | {"kind": knob.kind.value}).items()
        if key not in ("label", "tooltip")
    }
    for knob in KNOBS
]


def write_pt(path: Path, **changes: object) -> Path:
    """What the script reads of a .pt: a zip with the manifest where the exporter puts it."""
    manifest = {"model_id": "CorridorKey_test", "runtime": "nuke17", "knobs": WITHOUT_WORDS}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CorridorKey/extra/corridorkey.json", json.dumps(manifest | changes))
    return path


def in_plain_python(kit: Path, pt: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the script with the standard library alone."""
    command = [sys.executable, "-I", str(kit / "create_cat.py"), f"--pt={pt}"]
    cat = f"--cat={pt.with_suffix('.cat')}"
    return subprocess.run([*command, cat, *options], capture_output=True, text=True, check=False)


@pytest.fixture
def pt(tmp_path: Path) -> Path:
    return write_pt(tmp_path / "CorridorKey.pt")


@dataclasses.dataclass
class Run:
    """One run of the script in a Nuke."""

    monkeypatch: pytest.MonkeyPatch
    script: Path

    def __call__(self, nuke: Nuke, *arguments: object) -> int:
        self.monkeypatch.setitem(sys.modules, "nuke", nuke)
        self.monkeypatch.setattr(sys, "argv", ["create_cat.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            runpy.run_path(str(self.script), run_name="__main__")
        return int(exit_.value.code or 0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, kit_folder: Path) -> Run:
    return Run(monkeypatch, kit_folder / "create_cat.py")


def test_sets_every_field_and_knob(run: Run, pt: Path, tmp_path: Path) -> None:
    nuke = Nuke()
    assert run(nuke, "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 0
    (node,) = nuke.created
    assert isinstance(node, CatFileCreator)
    assert node.presses == 1
    values = {name: knob.value for name, knob in node.fields.items()}
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
            assert added.value == knob.labels[int(knob.default)]
        else:
            assert isinstance(added, DoubleKnob)
            assert added.span == (knob.minimum, knob.maximum)
            assert added.value == knob.default


def test_the_cat_appears_whole_and_alone(
    run: Run, pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cat = tmp_path / "CorridorKey.cat"
    assert run(Nuke(writes=b"whole"), "--pt", pt, "--cat", cat) == 0
    assert cat.read_bytes() == b"whole"
    assert sorted(tmp_path.iterdir()) == [cat, pt]
    said = capsys.readouterr().out
    assert "CorridorKey_test, 5 bytes" in said
    assert "Nuke 15.1 and later" in said


def test_overwrites_if_told(run: Run, pt: Path, tmp_path: Path) -> None:
    cat = tmp_path / "CorridorKey.cat"
    cat.write_bytes(b"old")
    assert run(Nuke(writes=b"new"), "--pt", pt, "--cat", cat, "--overwrite") == 0
    assert cat.read_bytes() == b"new"


def test_dry_run_says_everything_and_needs_no_nuke(kit_folder: Path, pt: Path) -> None:
    result = in_plain_python(kit_folder, pt, "--dry-run")
    assert result.returncode == 0
    said = {line.split()[0]: line for line in result.stdout.splitlines() if line.startswith("  ")}
    assert said["channelsIn"].endswith(" rgba.red, rgba.green, rgba.blue, rgba.alpha")
    assert said["catFile"].endswith("/CorridorKey.cat")
    assert said["modelId"].endswith(" CorridorKey_test")
    assert set(said) >= {knob.name for knob in KNOBS}
    assert "Nuke 15.1 or later" in result.stdout
    assert list(pt.parent.iterdir()) == [pt]


@pytest.mark.parametrize(
    "nuke, problem",
    [
        (Nuke(version=(15, 0)), "for Nuke 15.1 and later, and this is Nuke 15.0"),
        (Nuke(nukex=False), "start Nuke with --nukex"),
        (Nuke(writes=None), "wrote no file"),
        (Nuke(writes=b""), "wrote no file"),
    ],
    ids=["old nuke", "no NukeX", "nothing written", "empty"],
)
def test_what_nuke_cannot_do(
    run: Run,
    pt: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    nuke: Nuke,
    problem: str,
) -> None:
    assert run(nuke, "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 1
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [pt]


def test_the_older_file_loads_in_nuke_14(run: Run, tmp_path: Path) -> None:
    pt = write_pt(tmp_path / "CorridorKey_nuke14.pt", runtime="nuke14")
    assert run(Nuke(version=(14, 0)), "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 0


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"default": 0.5}, "has other knobs than this script: despill_strength"),
        ({"name": "despill"}, "other knobs than this script: despill_strength, despill"),
    ],
)
def test_a_file_with_other_knobs_is_refused(
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    problem: str,
) -> None:
    pt = write_pt(tmp_path / "Other.pt", knobs=[WITHOUT_WORDS[0] | change, *WITHOUT_WORDS[1:]])
    assert run(Nuke(), "--pt", pt, "--cat", tmp_path / "CorridorKey.cat") == 1
    assert problem in capsys.readouterr().err


def test_bad_input_is_one_clear_error(
    run: Run, pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(pt.read_bytes()[:40])
    foreign = tmp_path / "foreign.pt"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    there = tmp_path / "there.cat"
    there.write_bytes(b"old")
    cat = tmp_path / "CorridorKey.cat"
    before = sorted(tmp_path.iterdir())
    for given_pt, given_cat, problem in [
        (tmp_path / "none.pt", cat, "no such file: "),
        (damaged, cat, "damaged.pt is damaged: "),
        (foreign, cat, "foreign.pt has no manifest"),
        (pt, tmp_path / "CorridorKey.pt2", "--cat must end in .cat"),
        (pt, tmp_path / "none" / "CorridorKey.cat", "no such folder: "),
        (pt, there, "there.cat is there already; --overwrite replaces it"),
    ]:
        assert run(Nuke(), "--pt", given_pt, "--cat", given_cat) == 1
        said = capsys.readouterr()
        assert re.fullmatch(rf"create_cat.py: error: .*{re.escape(problem)}.*\n", said.err)
        assert said.out == ""
    assert sorted(tmp_path.iterdir()) == before
    assert there.read_bytes() == b"old"


def test_without_nuke_it_says_so(kit_folder: Path, pt: Path) -> None:
    result = in_plain_python(kit_folder, pt)
    assert result.returncode == 1
    assert "this Python is not Nuke's" in result.stderr
    assert list(pt.parent.iterdir()) == [pt]


@pytest.mark.parametrize("name", ["create_cat.py", "init.py", "menu.py"])
def test_the_grammar_is_that_of_python_3_7(kit_folder: Path, name: str) -> None:
    ast.parse((kit_folder / name).read_text(), feature_version=(3, 7))


def test_the_recorder_refuses_other_names() -> None:
    nuke = Nuke()
    for thing, name in [
        (nuke, "allNodes"),
        (nuke.createNode("CatFileCreator"), "setInput"),
        (nuke.Double_Knob("a", "b"), "setFlag"),
    ]:
        with pytest.raises(AttributeError):
            getattr(thing, name)
    with pytest.raises(KeyError):
        nuke.createNode("CatFileCreator")["modelFile"]
