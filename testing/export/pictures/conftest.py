"""What the tests that key share: a CorridorKey.pt with stand-in weights, small and fast."""

from pathlib import Path

import pytest

from export.artifact.variant import Variant
from export.tracing.tracing import eager_wrapper, to_torchscript
from testing.weights.untrained_weights import write_untrained_checkpoint
from wrapper.checkpoint.checkpoint import load_checkpoint

RESOLUTION = 64


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, as the export binary makes it but for a resolution that it does not offer."""
    folder = tmp_path_factory.mktemp("model")
    write_untrained_checkpoint(RESOLUTION, folder / "untrained.safetensors")
    checkpoint = load_checkpoint(folder / "untrained.safetensors", RESOLUTION)
    path = folder / "CorridorKey.pt"
    to_torchscript(eager_wrapper(checkpoint, Variant(RESOLUTION))).save(path)
    return path
