"""Provides a small, fast CorridorKey.pt with stand-in weights."""

from pathlib import Path

import pytest

from export.artifact.variant import Variant
from export.tracing.tracing import eager_wrapper, to_torchscript
from testing.weights.untrained_weights import write_untrained_checkpoint
from wrapper.checkpoint.checkpoint import load_checkpoint

RESOLUTION = 64


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the file, exported at a resolution that the exporter does not offer."""
    folder = tmp_path_factory.mktemp("model")
    write_untrained_checkpoint(RESOLUTION, folder / "untrained.safetensors")
    checkpoint = load_checkpoint(folder / "untrained.safetensors", RESOLUTION)
    path = folder / "CorridorKey.pt"
    to_torchscript(eager_wrapper(checkpoint, Variant(RESOLUTION))).save(path)
    return path
