"""What the tests of the export share: a checkpoint of stand-in weights, and what becomes of it."""

from pathlib import Path

import pytest
import torch

from export.artifact.variant import Variant
from export.tracing.tracing import eager_wrapper, to_torchscript
from testing.weights.untrained_weights import write_untrained_checkpoint
from wrapper.checkpoint.checkpoint import load_checkpoint
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 256  # the smallest the exporter takes


@pytest.fixture(scope="session")
def checkpoint_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of stand-in weights."""
    path = tmp_path_factory.mktemp("checkpoint") / "untrained.safetensors"
    write_untrained_checkpoint(RESOLUTION, path)
    return path


@pytest.fixture(scope="session")
def eager(checkpoint_file: Path) -> CorridorKeyNukeWrapper:
    """The eager wrapper with these weights. Tests leave it as it is."""
    return eager_wrapper(load_checkpoint(checkpoint_file, RESOLUTION), Variant(RESOLUTION))


@pytest.fixture(scope="session")
def torchscript(eager: CorridorKeyNukeWrapper) -> torch.jit.ScriptModule:
    """The same, compiled. Tests leave it as it is."""
    return to_torchscript(eager)
