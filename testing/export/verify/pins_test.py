"""The pins are those of the stand-in weights that this repository makes today.

BUILD.bazel names the checkpoints in the environment. If this fails, a formula of the stand-ins, or
what the exporter does with weights, has changed: replace the lines of weights_pins.tsv by what
`//export/verify:pin_weights` prints for each checkpoint.
"""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from export.verify.weights.pin_weights import main
from export.verify.weights.pins import PINS_FILE

_CHECKPOINTS = [Path(path) for path in os.environ["CHECKPOINTS"].split()]
_RESOLUTIONS = os.environ["RESOLUTIONS"].split()


@pytest.mark.parametrize("checkpoint", _CHECKPOINTS, ids=lambda path: path.stem)
def test_pins_are_those_of_the_weights(checkpoint: Path) -> None:
    options = [f"--resolution={resolution}" for resolution in _RESOLUTIONS]
    result = CliRunner().invoke(main, [str(checkpoint), *options])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 2 * len(_RESOLUTIONS)  # one per precision
    assert set(lines) <= set(PINS_FILE.read_text().splitlines())
