import dataclasses
from pathlib import Path

import pytest
import torch

from export.artifact import archive
from export.artifact.variant import Variant
from export.tracing.half_storage import stored_in_half
from export.tracing.plate import green_screen_plate
from export.tracing.tracing import eager_wrapper, to_torchscript
from testing.export.conftest import RESOLUTION
from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


@pytest.fixture(scope="module")
def half_file(checkpoint_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the file with its weights in float16."""
    checkpoint = load_checkpoint(checkpoint_file, RESOLUTION)
    path = tmp_path_factory.mktemp("half") / "CorridorKey.pt"
    module = to_torchscript(eager_wrapper(checkpoint, Variant(RESOLUTION, "float16")))
    archive.save(module, path, {})
    return path


def test_file_is_half_the_size(half_file: Path, checkpoint_file: Path) -> None:
    # 0.5 % over measured: the code, and the vectors, which stay in float32.
    assert half_file.stat().st_size < 1.015 * checkpoint_file.stat().st_size / 2


def test_vectors_and_counters_keep_their_dtype(half_file: Path) -> None:
    dtypes = {
        (tensor.dim() > 1, tensor.dtype)
        for key, tensor in torch.jit.load(half_file).network.state_dict().items()
    }
    assert dtypes == {(True, torch.half), (False, torch.float32), (False, torch.int64)}


def test_float32_plate_is_keyed_in_float32(half_file: Path, eager: CorridorKeyNukeWrapper) -> None:
    plate = green_screen_plate(135, 240)
    stored, computed = torch.jit.load(half_file), torch.jit.load(half_file).half()
    expected, key = eager(plate), stored(plate)
    assert key.dtype == torch.float32
    # Rounding the weights alone: 2e-3 at most and 2e-4 in the mean measured; computing in half as
    # well: 5e-3 and 4e-4.
    assert (key - expected).abs().mean() < 3e-4
    assert (key - expected).abs().mean() < 0.7 * (computed(plate) - expected).abs().mean()


def test_weight_too_large_for_half_is_named(checkpoint_file: Path) -> None:
    checkpoint = load_checkpoint(checkpoint_file, RESOLUTION)
    key = "refiner.final.weight"
    large = checkpoint.state_dict | {key: torch.full_like(checkpoint.state_dict[key], 65520.0)}
    with pytest.raises(CheckpointError, match=key):
        stored_in_half(dataclasses.replace(checkpoint, state_dict=large))
