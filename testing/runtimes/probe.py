"""What one libtorch makes of artefacts: do they load, are the knobs live, is the picture golden?

    probe REPORT.json ARTIFACT.pt...

Runs under any torch since 1.13, so it imports nothing that needs the one the artefacts were made
with. It reports and judges nothing: that is runtimes_test.py.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from testing.golden import golden_data
from wrapper.knobs import KNOBS, Knob, KnobKind

SIZES = ((135, 240), (257, 511), (540, 960))
REFINER_STRENGTHS = {"refiner_1": 1, "refiner_0": 0, "refiner_0_25": 0.25}
"""By golden array. The whole numbers are ints, as a host may set them for a float."""


def probe(artifact: Path) -> dict[str, Any]:
    """Loads an artefact and runs it at 256.

    Returns:
        `error`, what loading it fails with; or `moved_by`, how far each knob moves the output, and
        `difference`, the greatest from the published pipeline.
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
    """Sets a knob to each of its bounds, as its Python type, and compares the outputs."""
    kind = float if knob.kind is KnobKind.FLOAT else int
    module.despill_strength = 10.0  # else the screen's colour does not matter
    outputs = []
    for value in (knob.minimum, knob.maximum):
        setattr(module, knob.name, kind(value))
        outputs.append(module(golden_data.plate(64, 64)))
    for moved in KNOBS:
        setattr(module, moved.name, moved.default)
    return (outputs[0] - outputs[1]).abs().max().item()


def _difference(module: torch.jit.ScriptModule, height: int, width: int) -> float:
    """Compares with the golden output of one frame size at each refiner strength."""
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
    found = {artifact.stem: probe(artifact) for artifact in artifacts}
    facts = {"torch": torch.__version__.partition("+")[0], "artifacts": found}
    report.write_text(json.dumps(facts, indent=2) + "\n")
