"""smoke_test.py judges a key in a `nuke` that has only documented names."""

import json
from pathlib import Path
from typing import Any

import pytest

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.nodes import Pixels
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program
from wrapper.knobs import KNOBS, KnobKind

CAT = f"{KIT_NAME}_green_2048_torch201.cat"
SMALL = CAT.replace("2048", "512")

_FLOATS = [knob for knob in KNOBS if knob.kind is KnobKind.FLOAT]
_HINT_SOURCES = next(knob for knob in KNOBS if knob.name == "hint_source").labels


def good_key(values: dict[str, Any], channel: str, x: float, y: float) -> float:
    """Keys the disc of the plate. Its edge is soft if any knob of the model is moved."""
    distance = ((x - 128) ** 2 + (y - 72) ** 2) ** 0.5
    moved = any(values[knob.name] != knob.default for knob in _FLOATS)
    moved = moved or values["hint_source"] not in (0, _HINT_SOURCES[0])
    alpha = 1.0 if distance < 40 else 0.5 * moved if distance < 42 else 0.0
    return alpha if channel == "rgba.alpha" else 0.28 * alpha


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, kit_folder: Path) -> Program:
    return Program(monkeypatch, kit_folder / "smoke_test.py")


def judge(
    run: Program, gizmo: Script, output: Path, pixels: Pixels, cats: list[str]
) -> tuple[int, dict[str, Any], Nuke]:
    nuke = Nuke(gizmo=gizmo, cats=cats, gpu="NVIDIA X", pixels=pixels)
    status = run(nuke, "--output", output)
    return status, json.loads(output.read_text()), nuke


def test_a_good_key_passes(run: Program, scripts: dict[str, Script], tmp_path: Path) -> None:
    status, verdict, nuke = judge(run, scripts[GIZMO], tmp_path / "v.json", good_key, [CAT, SMALL])
    assert status == 0
    assert verdict["passed"] is True
    assert (verdict["kit"], verdict["nuke"], verdict["gpu"]) == (KIT_NAME, "15.1v1", "NVIDIA X")
    assert verdict["model_file"] == f"/kit/{CAT}"
    assert verdict["seconds_first_frame"] >= 0
    assert {knob["knob"]: knob.get("skipped") for knob in verdict["knobs"]} == {
        **{knob.name: None for knob in _FLOATS},
        "detail": "the plate is smaller than the network's image",
        "despill_mode": "Despill Strength is 0",
        "highlights": "the plate has none",
        "despeckle": "the plate has no specks",
        "hint_source": None,
        "screen_color": "no .cat for these weights",
    }
    assert [quality.get("skipped") for quality in verdict["qualities"]] == [
        None,
        "no .cat",
        "no .cat",
        "no .cat",
        None,
    ]
    assert nuke.root().format.stored.startswith("256 144 ")
    *_, key = nuke.created
    assert {number: node.kind for number, node in key.inputs.items()} == {
        0: "Expression",
        1: "Expression",
    }
    # Every knob is back at its default.
    assert {knob.name: key[knob.name].stored for knob in _FLOATS} == {
        knob.name: knob.default for knob in _FLOATS
    }


def keys_nothing(*_: object) -> float:
    """Answers 0 everywhere."""
    return 0.0


def dead_despill(values: dict[str, Any], channel: str, x: float, y: float) -> float:
    """Keys well, but ignores a knob."""
    return good_key(values | {"despill_strength": 0}, channel, x, y)


def fails_in_small(values: dict[str, Any], channel: str, x: float, y: float) -> float:
    """Keys well in one quality only."""
    return good_key(values, channel, x, y) if values["quality"] == "2048" else 0.0


def raises(*_: object) -> float:
    """Fails as a node with an error does."""
    raise RuntimeError("Inference1: out of memory")


@pytest.mark.parametrize(
    "pixels, part",
    [(keys_nothing, "answers"), (dead_despill, "knobs"), (fails_in_small, "qualities")],
)
def test_a_bad_key_fails(
    run: Program, scripts: dict[str, Script], tmp_path: Path, pixels: Pixels, part: str
) -> None:
    status, verdict, _ = judge(run, scripts[GIZMO], tmp_path / "v.json", pixels, [CAT, SMALL])
    assert status == 1
    assert verdict["passed"] is False
    assert not all(check["passed"] for check in verdict[part])


@pytest.mark.parametrize(
    "cats, problem", [([CAT], "Inference1: out of memory"), ([], "the .cat is not on the plug-in")]
)
def test_an_error_is_in_the_verdict(
    run: Program, scripts: dict[str, Script], tmp_path: Path, cats: list[str], problem: str
) -> None:
    status, verdict, _ = judge(run, scripts[GIZMO], tmp_path / "v.json", raises, cats)
    assert status == 1
    assert verdict["passed"] is False
    assert problem in verdict["error"]


def test_the_plate_is_a_disc_on_a_screen(kit_folder: Path, tclsh: None) -> None:  # noqa: ARG001
    test = json.loads((kit_folder / "kit.json").read_text())["smoke_test"]

    def pixel(text: str, x: int, y: int) -> float:
        code = text.replace("(x-", "($x-").replace("(y-", "($y-")
        return float(script_reader.evaluate(f"set x {x}; set y {y}; expr {{{code}}}"))

    assert [pixel(test["plate"][f"expr{i}"], 128, 72) for i in range(3)] == [0.30, 0.28, 0.10]
    assert [pixel(test["plate"][f"expr{i}"], 16, 16) for i in range(3)] == [0.05, 0.40, 0.10]
    assert [pixel(test["hint"]["expr3"], x, 72) for x in (128, 167, 169)] == [1, 1, 0]
