"""smoke_test.py passes a real network: its plate shows every knob of the model."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.nuke import smoke_plate
from export.nuke.cat_files import KIT_NAME
from export.nuke.scripts.knob_lines import set_by_gizmo
from export.pictures.compositing import Floats, linear_to_srgb, premultiply, srgb_to_linear
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program
from testing.weights.demo_weights import demo_state_dict
from wrapper.knobs import KNOBS
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 128
WIDTH, HEIGHT = map(int, smoke_plate.description()["format"].split()[:2])


class Gizmo:
    """Keys the plate of the smoke test as the gizmo does: linear in, premultiplied linear out."""

    def __init__(self) -> None:
        network = CorridorKeyTransformer(RESOLUTION)
        network.load_state_dict(demo_state_dict(RESOLUTION), assign=True)
        self._wrapper = CorridorKeyNukeWrapper(network, RESOLUTION, "CorridorKey_demo")
        test = smoke_plate.description()
        plate = np.stack([picture(test["plate"][f"expr{i}"]) for i in range(3)], 2)
        rgb_hint = np.dstack([linear_to_srgb(plate), picture(test["hint"]["expr3"])])
        self._input = torch.from_numpy(rgb_hint).permute(2, 0, 1).unsqueeze(0)
        self._key = functools.cache(self._keyed)

    def __call__(self, values: dict[str, Any], channel: str, x: float, y: float) -> float:
        """Returns the value of a pixel."""
        shown = values | set_by_gizmo(KNOBS)
        numbers = (
            knob.labels.index(shown[knob.name]) if knob.labels else shown[knob.name]
            for knob in KNOBS
        )
        pixel = self._key(*numbers)[HEIGHT - 1 - int(y), int(x)]
        return float(pixel[("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha").index(channel)])

    def _keyed(self, *numbers: float) -> Floats:
        for knob, number in zip(KNOBS, numbers, strict=True):
            setattr(self._wrapper, knob.name, number)
        with torch.inference_mode():
            rgba = self._wrapper(self._input)[0].permute(1, 2, 0).numpy()
        foreground = premultiply(srgb_to_linear(rgba[..., :3]), rgba[..., 3])
        return np.dstack([foreground, rgba[..., 3]])


def picture(text: str) -> Floats:
    """Evaluates an expression of Nuke, CONDITION ? INSIDE : OUTSIDE, for every pixel."""
    condition, inside, outside = text.replace(":", "?").split("?")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    place = {"x": x, "y": HEIGHT - 1 - y}
    return np.where(*(eval(part, place) for part in (condition, inside, outside))).astype(
        np.float32
    )


def test_the_demo_weights_pass(
    monkeypatch: pytest.MonkeyPatch, kit_folder: Path, scripts: dict[str, Script], tmp_path: Path
) -> None:
    nuke = Nuke(gizmo=scripts[GIZMO], cats=[f"{KIT_NAME}_green_2048_torch201.cat"], pixels=Gizmo())
    output = tmp_path / "verdict.json"
    status = Program(monkeypatch, kit_folder / "smoke_test.py")(nuke, "--output", output)
    verdict = json.loads(output.read_text())
    assert status == 0, verdict
    seen = {knob["knob"] for knob in verdict["knobs"] if knob.get("passed")}
    not_seen = smoke_plate.description()["not_seen"].keys() | set_by_gizmo(KNOBS).keys()
    assert seen == {knob.name for knob in KNOBS} - not_seen
