"""Reports how one libtorch runs artifacts: whether they load, live knobs, golden differences.

    probe REPORT.json ARTIFACT.pt...

Runs under any torch since 1.13, so it imports nothing that needs the exporter's torch.
runtimes_test.py judges the report.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from testing.golden import golden_data
from wrapper.knobs import COMPANIONS, KNOBS, Knob, KnobKind

SIZES = ((135, 240), (257, 511), (540, 960))
REFINER_STRENGTHS = {"refiner_1": 1, "refiner_0": 0, "refiner_0_25": 0.25}
"""Refiner strength by golden array. Two are ints, because a host may set an int for a float."""


def probe(artifact: Path) -> dict[str, Any]:
    """Loads an artifact and runs it at 256.

    Returns:
        `error`, the message if it does not load; otherwise `moved_by`, the greatest change that
        each knob makes to the output, and `difference`, the greatest from the published pipeline.
    """
    try:
        module = torch.jit.load(str(artifact))
    except RuntimeError as error:
        return {"error": str(error).strip().splitlines()[0]}
    return {
        "moved_by": {knob.name: _moved_by(module, knob) for knob in KNOBS},
        "difference": max(_difference(module, height, width) for height, width in SIZES),
    }


def _moved_by(module: torch.jit.ScriptModule, knob: Knob) -> float:
    """Returns the greatest difference between the outputs at a knob's two bounds."""
    kind = float if knob.kind is KnobKind.FLOAT else int
    for name, value in COMPANIONS.get(knob.name, {}).items():
        setattr(module, name, value)
    # With highlights, and wider than the network's image; otherwise it has no detail to add.
    plate = 2 * golden_data.plate(64, 300)
    outputs = []
    for value in (knob.minimum, knob.maximum):
        setattr(module, knob.name, kind(value))
        outputs.append(module(plate))
    for other in KNOBS:
        setattr(module, other.name, other.default)
    return (outputs[0] - outputs[1]).abs().max().item()


def _difference(module: torch.jit.ScriptModule, height: int, width: int) -> float:
    """Returns the greatest difference from the golden outputs of one frame size."""
    step = 3 if height * width >= 40000 else 1
    golden = golden_data.arrays(f"wrapper_{height}x{width}")
    greatest = 0.0
    for name, strength in REFINER_STRENGTHS.items():
        module.refiner_strength = strength
        output = module(golden_data.plate(height, width))[..., ::step, ::step]
        greatest = max(greatest, (output - torch.from_numpy(golden[name])).abs().max().item())
    return greatest


if __name__ == "__main__":
    report, *artifacts = map(Path, sys.argv[1:])
    results = {artifact.stem: probe(artifact) for artifact in artifacts}
    facts = {"torch": torch.__version__.partition("+")[0], "artifacts": results}
    report.write_text(json.dumps(facts, indent=2) + "\n")
