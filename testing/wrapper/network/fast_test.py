"""Tests the fast network: what it computes on a GPU is computed on the CPU and compared."""

import pytest
import torch

from testing.golden import golden_data
from testing.weights.untrained_weights import untrained_state_dict
from testing.wrapper.conftest import NetworkMaker
from testing.wrapper.network.refiner_test import on_every_device
from wrapper.network import bands
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def fast_network(resolution: int) -> CorridorKeyTransformer:
    """Returns the fast network with stand-in weights."""
    network = CorridorKeyTransformer(resolution, fast=True)
    network.load_state_dict(untrained_state_dict(resolution), assign=True)
    return network


def test_on_a_gpu_it_gives_the_published_pipelines_output(monkeypatch: pytest.MonkeyPatch) -> None:
    keyer = CorridorKeyNukeWrapper(fast_network(256), 256, "fast")
    expected = torch.from_numpy(golden_data.arrays("wrapper_135x240")["refiner_1"])
    in_float32 = keyer(golden_data.plate(135, 240))
    monkeypatch.setattr(bands, "on_gpu", on_every_device)
    found = keyer(golden_data.plate(135, 240))
    # Matrices and activations with 11 bits. Measured: 1.2e-3.
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)
    # It is in half, and on a CPU it is not.
    assert (found - expected).abs().max() > 1e-4
    torch.testing.assert_close(in_float32, expected, rtol=0, atol=5e-5)


def test_on_a_cpu_it_is_the_main_network(untrained_network: NetworkMaker) -> None:
    image = golden_data.network_input(96)
    fast, main = fast_network(96)(image), untrained_network(96)(image)
    for name, tensor in fast._asdict().items():
        assert torch.equal(tensor, getattr(main, name))


def test_outputs_and_the_residual_stream_are_float32() -> None:
    network = CorridorKeyTransformer(96, fast=True)
    with torch.no_grad(), torch.device("meta"):
        output = network(torch.empty(1, 4, 96, 96))  # the meta device counts as a GPU
        features = network.encoder(torch.empty(1, 4, 96, 96))
    assert all(tensor.dtype == torch.float32 for tensor in [*output, *features])
