"""smoke_test.py judges a key in a `nuke` that has only documented names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.nuke.cat_files import KIT_NAME
from export.pictures.compositing import srgb_to_linear
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.good_key import SHOWN, default, good_key
from testing.export.nuke.recorder.nodes import Pixels
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program

CAT = f"{KIT_NAME}_green_2048_torch201.cat"
SMALL = CAT.replace("2048", "512")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, kit_folder: Path) -> Program:
    return Program(monkeypatch, kit_folder / "smoke_test.py")


def judge(
    run: Program, gizmo: Script, output: Path, pixels: Pixels, cats: list[str], *options: object
) -> tuple[int, dict[str, Any], Nuke]:
    nuke = Nuke(gizmo=gizmo, cats=cats, gpu="NVIDIA X", pixels=pixels)
    status = run(nuke, "--output", output, *options)
    return status, json.loads(output.read_text()), nuke


def test_a_good_key_passes(run: Program, scripts: dict[str, Script], tmp_path: Path) -> None:
    status, verdict, nuke = judge(run, scripts[GIZMO], tmp_path / "v.json", good_key, [CAT, SMALL])
    assert status == 0
    assert verdict["passed"] is True
    assert (verdict["kit"], verdict["nuke"], verdict["gpu"]) == (KIT_NAME, "15.1v1", "NVIDIA X")
    assert verdict["model_file"] == f"/kit/{CAT}"
    assert verdict["seconds_first_frame"] >= 0
    assert {knob["knob"] for knob in verdict["knobs"]} == {knob.name for knob in SHOWN}
    assert verdict["model_id"] == "unknown"  # no .json is beside this .cat
    assert verdict["known_answers"] == [
        {"skipped": "the answers are those of CorridorKey_demo_512, not of unknown"}
    ]
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
    assert {knob.name: key[knob.name].stored for knob in SHOWN} == {
        knob.name: default(knob) for knob in SHOWN
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
    assert not all(check.get("passed", True) for check in verdict[part])


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


@pytest.fixture
def demo_cat(tmp_path: Path) -> Path:
    """Returns a .cat with the .json that create_cat.py writes for the demo weights."""
    cat = tmp_path / "demo.cat"
    cat.write_bytes(b"cat")
    cat.with_suffix(".json").write_text('{"model_id": "CorridorKey_demo_512"}')
    return cat


def demo_key(kit_folder: Path, change: Callable[[str, float], float]) -> Pixels:
    """Returns a key that knows the answers, but for a change by channel and value."""
    table = json.loads((kit_folder / "known_answers.json").read_text())
    pixels = {tuple(pixel["nuke_xy"]): pixel for pixel in table["pixels"]}

    def key(values: dict[str, Any], channel: str, x: float, y: float) -> float:
        if values["working_space"] != "sRGB (display)":
            return good_key(values, channel, x, y)
        assert (values["hint_from"], values["linear_output"]) == ("red", "straight")
        pixel = pixels[int(x), int(y)]
        if channel == "rgba.alpha":
            return change(channel, pixel["matte"])
        colors = dict(zip("rgb", pixel["foreground_srgb"], strict=True))
        encoded = colors[channel.removeprefix("rgba.")[0]]
        return change(channel, float(srgb_to_linear(np.float32(encoded))))

    return key


def test_the_demo_weights_give_the_known_answers(
    run: Program, scripts: dict[str, Script], tmp_path: Path, kit_folder: Path, demo_cat: Path
) -> None:
    pixels = demo_key(kit_folder, lambda _, value: value)
    status, verdict, nuke = judge(
        run, scripts[GIZMO], tmp_path / "v.json", pixels, [], "--cat", demo_cat
    )
    assert status == 0, verdict
    assert verdict["model_file"] == demo_cat.as_posix()
    assert verdict["model_id"] == "CorridorKey_demo_512"
    assert len(verdict["known_answers"]) == 8
    assert verdict["qualities"] == []
    reads = [node for node in nuke.created if node.kind == "Read"]
    assert [Path(read["file"].stored).name for read in reads] == [
        "known_answers_plate.png",
        "known_answers_hint.png",
    ]
    for read in reads:
        assert Path(read["file"].stored).is_file()
        assert read["raw"].stored is True


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda channel, value: value * (channel != "rgba.blue"), id="no blue"),
        pytest.param(lambda _, value: value + 0.01, id="all a little brighter"),
        pytest.param(
            lambda channel, value: value if channel == "rgba.alpha" else value**0.4545,
            id="not linear",
        ),
    ],
)
def test_another_picture_is_not_a_known_answer(
    run: Program,
    scripts: dict[str, Script],
    tmp_path: Path,
    kit_folder: Path,
    demo_cat: Path,
    change: Callable[[str, float], float],
) -> None:
    pixels = demo_key(kit_folder, change)
    status, verdict, _ = judge(
        run, scripts[GIZMO], tmp_path / "v.json", pixels, [], "--cat", demo_cat
    )
    assert status == 1
    assert all(answer["passed"] for answer in verdict["answers"])
    assert not all(answer["passed"] for answer in verdict["known_answers"])


def test_a_cat_that_does_not_exist_is_one_clear_error(
    run: Program,
    scripts: dict[str, Script],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nuke = Nuke(gizmo=scripts[GIZMO])
    assert run(nuke, "--output", tmp_path / "v.json", "--cat", tmp_path / "none.cat") == 1
    assert "no such file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
