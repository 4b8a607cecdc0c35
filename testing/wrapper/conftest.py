"""Fixtures of the wrapper's tests: a network with stand-in weights, its trace, a saved file."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from testing.weights.untrained_weights import untrained_state_dict
from wrapper.model_ids import UNTRAINED_MODEL_ID
from wrapper.network.attention import Attention
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

RESOLUTION = 256  # the smallest with golden data

in_both_attentions = pytest.mark.parametrize("traced_network", ["fused", "chunked"], indirect=True)
"""Runs a test of `traced_network` or `saved_wrapper` with both attentions; default is fused."""


NetworkMaker = Callable[..., CorridorKeyTransformer]
"""Makes a network from a resolution and, optionally, an attention."""


@pytest.fixture(scope="session")
def untrained_network() -> NetworkMaker:
    """Makes networks with stand-in weights, one per resolution and attention."""

    @functools.cache
    def make(resolution: int, attention: Attention = "fused") -> CorridorKeyTransformer:
        network = CorridorKeyTransformer(resolution, attention)
        network.load_state_dict(untrained_state_dict(resolution), assign=True)
        return network

    return make


@pytest.fixture(scope="session")
def traced_network(
    request: pytest.FixtureRequest, untrained_network: NetworkMaker
) -> torch.jit.ScriptModule:
    """The network at 256, traced on real tensors."""
    image = torch.zeros(1, 4, RESOLUTION, RESOLUTION)
    inputs = {
        "coarse_logits": image,
        "delta_logits": (image[:, :3], image),
    }
    network = untrained_network(RESOLUTION, getattr(request, "param", "fused"))
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
