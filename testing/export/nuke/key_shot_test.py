"""key_shot.py builds and renders the shot in a `nuke` that has only documented names."""

import subprocess
import sys
from pathlib import Path

import pytest

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program

CAT = f"{KIT_NAME}_green_2048_torch201.cat"
SHOT = ("--plate=p.####.exr", "--hint=h.####.exr", "--output=key/k.####.exr", "--frames=1001-1003")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, kit_folder: Path) -> Program:
    return Program(monkeypatch, kit_folder / "key_shot.py")


@pytest.fixture
def nuke(scripts: dict[str, Script]) -> Nuke:
    return Nuke(gizmo=scripts[GIZMO], cats=[CAT], gpu="NVIDIA X")


def test_it_builds_and_renders_the_shot(
    run: Program, nuke: Nuke, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(nuke, *SHOT, "--set=despill_strength=5", "--require-gpu") == 0
    assert nuke.calls == [
        "createNode Read",
        "createNode Read",
        f"createNode {KIT_NAME}",
        f"toNode {KIT_NAME}1.Inference1",
        "createNode Write",
        "execute key/k.####.exr 1001 1003",
    ]
    plate, hint, key, write = nuke.created
    assert key.inputs == {0: plate, 1: hint}
    assert write.inputs == {0: key}
    assert plate["file"].stored == "p.####.exr"
    assert [hint[name].stored for name in ("first", "last", "raw")] == [1001, 1003, True]
    assert plate["raw"].stored is None
    assert key["despill_strength"].stored == 5
    assert key["missing_model"].stored == "fail the render"
    assert {name: write[name].stored for name in ("channels", "file_type", "metadata")} == {
        "channels": "rgba",
        "file_type": "exr",
        "metadata": "all metadata",
    }
    assert write["create_directories"].stored is True
    assert f"/kit/{CAT} on NVIDIA X" in capsys.readouterr().out


@pytest.mark.parametrize(
    "assignment, name, value",
    [
        ("quality=1024", "quality", "1024"),
        ("view=matte", "view", "matte"),
        ("hint_invert=true", "hint_invert", True),
        ("mix=0.5", "mix", 0.5),
    ],
)
def test_set_takes_every_class_of_knob(
    run: Program, scripts: dict[str, Script], assignment: str, name: str, value: object
) -> None:
    cats = [CAT, CAT.replace("2048", "1024")]
    nuke = Nuke(gizmo=scripts[GIZMO], cats=cats)
    assert run(nuke, *SHOT, f"--set={assignment}") == 0
    assert nuke.created[2][name].stored == value


@pytest.mark.parametrize(
    "options, cats, problem",
    [
        (["--require-gpu"], [CAT], "Nuke has no GPU"),
        ([], [], "the .cat for these knobs and this Nuke is not on the plug-in path"),
        (["--set=quality=512"], [CAT], "is not on the plug-in path"),
        (["--set=missing_model=show a message"], [], "is not on the plug-in path"),
        (["--set=quality=4096"], [CAT], "quality does not take '4096'"),
        (["--set=sharpness=1"], [CAT], "the node has no knob sharpness"),
        (["--set=mix=half"], [CAT], "mix does not take 'half'"),
    ],
)
def test_bad_input_renders_nothing(
    run: Program,
    scripts: dict[str, Script],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    cats: list[str],
    problem: str,
) -> None:
    nuke = Nuke(gizmo=scripts[GIZMO], cats=cats)
    assert run(nuke, *SHOT, *options) == 1
    assert problem in capsys.readouterr().err
    assert not any(call.startswith("execute") for call in nuke.calls)


def test_off_the_path_it_names_the_folder(
    run: Program, kit_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Nuke(), *SHOT) == 1
    folder = (kit_folder / "corridorkey_v1_nuke.py").resolve().parent
    assert f"Add {folder} to NUKE_PATH" in capsys.readouterr().err


@pytest.mark.parametrize("frames", ["a", "10-1", "1-2-3"])
def test_bad_frames(run: Program, capsys: pytest.CaptureFixture[str], frames: str) -> None:
    assert run(Nuke(), *SHOT[:3], f"--frames={frames}") == 2
    assert repr(frames) in capsys.readouterr().err


def test_without_nuke_it_says_so(kit_folder: Path) -> None:
    command = [sys.executable, "-I", "-B", str(kit_folder / "key_shot.py"), *SHOT]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "this Python is not Nuke's" in result.stderr
