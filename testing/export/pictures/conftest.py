"""Provides a small, fast CorridorKey.pt: the real wrapper around a network of two layers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from export.tracing.tracing import to_torchscript
from testing.export.small_network import SmallNetwork
from wrapper.model_ids import UNTRAINED_MODEL_ID
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 64


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the file."""
    torch.manual_seed(0)
    network: Any = SmallNetwork()
    wrapper = CorridorKeyNukeWrapper(network, RESOLUTION, f"{UNTRAINED_MODEL_ID}_{RESOLUTION}")
    path = tmp_path_factory.mktemp("model") / "CorridorKey.pt"
    to_torchscript(wrapper).save(path)
    return path
