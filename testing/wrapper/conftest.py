"""What the tests of the wrapper share: a network with stand-in weights, its trace, a saved file."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from testing.untrained_weights import untrained_state_dict
from wrapper.checkpoint import UNTRAINED_MODEL_ID
from wrapper.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 256  # The smallest that has golden data.


@pytest.fixture(scope="session")
def untrained_network() -> Callable[[int], CorridorKeyTransformer]:
    """Makes the network with stand-in weights for a resolution, once."""

    @functools.cache
    def make(resolution: int) -> CorridorKeyTransformer:
        network = CorridorKeyTransformer(resolution)
        network.load_state_dict(untrained_state_dict(resolution), assign=True)
        return network

    return make


@pytest.fixture(scope="session")
def traced_network(
    untrained_network: Callable[[int], CorridorKeyTransformer],
) -> torch.jit.ScriptModule:
    """The network at 256, traced on real tensors."""
    image = torch.zeros(1, 4, RESOLUTION, RESOLUTION)
    inputs = {
        "coarse_logits": image,
        "delta_logits": (image[:, :3], image[:, :1], image[:, :3]),
    }
    network = untrained_network(RESOLUTION)
    return torch.jit.trace_module(network, inputs, strict=False, check_trace=False)


@pytest.fixture(scope="session")
def saved_wrapper(
    traced_network: torch.jit.ScriptModule, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The scripted wrapper around the traced network, as a file."""
    path = tmp_path_factory.mktemp("saved") / "CorridorKey.pt"
    wrapper = CorridorKeyNukeWrapper(traced_network, RESOLUTION, UNTRAINED_MODEL_ID)
    torch.jit.script(wrapper).save(path)
    return path
