"""Tests the refiner's two ways: what a GPU computes is computed on the CPU and compared."""

import pytest
import torch
from torch import Tensor

from testing.golden import golden_data
from testing.weights.untrained_weights import untrained_state_dict
from testing.wrapper.conftest import NetworkMaker
from wrapper.network import bands
from wrapper.network.network import CorridorKeyTransformer


def on_every_device(x: Tensor) -> bool:
    """Stands in for `bands.on_gpu`."""
    return x.dim() > 0


@pytest.mark.parametrize("resolution", [256, 512])
def test_a_gpus_way_gives_the_published_networks_output(
    untrained_network: NetworkMaker, resolution: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bands, "on_gpu", on_every_device)
    output = untrained_network(resolution)(golden_data.network_input(resolution))
    golden = golden_data.arrays(f"network_{resolution}")
    for name, tensor in output._asdict().items():
        if f"{name}_index" in golden:
            tensor = tensor.flatten()[torch.from_numpy(golden[f"{name}_index"])]
        # The network's tolerance. Most of what it allows for are the sums of convolutions, whose
        # inputs lack a shift here and so are larger. Measured: 1.6e-5 for delta, whose values go
        # up to 15, and 3.8e-6 for the rest. The reference itself is 9.3e-6 from float64.
        torch.testing.assert_close(tensor, torch.from_numpy(golden[name]), rtol=0, atol=2e-5)


@pytest.mark.parametrize("values", [1, bands.CPU_VALUES, bands.GPU_VALUES])
def test_a_gpus_way_gives_a_cpus_key(
    untrained_network: NetworkMaker, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, image = untrained_network(96), golden_data.network_input(96)
    of_cpu = network(image)
    monkeypatch.setattr(bands, "GPU_VALUES", values)  # bands of 32 rows, or one
    monkeypatch.setattr(bands, "on_gpu", on_every_device)
    for name, tensor in network(image)._asdict().items():
        torch.testing.assert_close(tensor, getattr(of_cpu, name), rtol=0, atol=2e-5)  # as above


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1e-6, 1000.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.half], ids=str)
def test_a_gpus_way_takes_any_weight_of_a_norm(
    factor: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_dict = untrained_state_dict(96)
    for layer in ("stem.1", "res1.gn1", "res1.gn2", "res3.gn1", "res4.gn2"):
        state_dict[f"refiner.{layer}.weight"][::3] *= factor
    network = CorridorKeyTransformer(96)
    network.load_state_dict(state_dict, assign=True)
    image = golden_data.network_input(96)
    rgb, coarse = image[:, :3], torch.cat([image[:, 3:], image[:, :3]], 1).sigmoid()
    expected = network.delta_logits(rgb, coarse)
    monkeypatch.setattr(bands, "on_gpu", on_every_device)
    found = network.to(dtype).delta_logits(rgb.to(dtype), coarse.to(dtype)).float()
    # A half has 11 bits, and 18 layers are rounded.
    limit = 5e-6 if dtype == torch.float32 else 5e-3
    assert (found - expected).abs().max() <= limit * expected.abs().max()
