"""Shared fixtures: a checkpoint of stand-in weights, and the wrappers that are made of it."""

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
    """Returns a checkpoint of stand-in weights."""
    path = tmp_path_factory.mktemp("checkpoint") / "untrained.safetensors"
    write_untrained_checkpoint(RESOLUTION, path)
    return path


@pytest.fixture(scope="session")
def eager(checkpoint_file: Path) -> CorridorKeyNukeWrapper:
    """Returns the eager wrapper with these weights. Tests must not change it."""
    return eager_wrapper(load_checkpoint(checkpoint_file, RESOLUTION), Variant(RESOLUTION))


@pytest.fixture(scope="session")
def torchscript(eager: CorridorKeyNukeWrapper) -> torch.jit.ScriptModule:
    """Returns the same wrapper, compiled. Tests must not change it."""
    return to_torchscript(eager)
