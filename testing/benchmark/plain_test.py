"""Tests that the baseline of the benchmark computes the published network's outputs."""

import torch

from testing.benchmark.plain import PlainNetwork
from testing.golden import golden_data
from testing.weights.untrained_weights import untrained_state_dict


def test_output_is_the_published_networks() -> None:
    network = PlainNetwork(256)
    network.load_state_dict(untrained_state_dict(256), assign=True)
    image = golden_data.network_input(256)
    logits = network.coarse_logits(image)
    coarse = logits.sigmoid()
    delta = network.delta_logits(image[:, :3], coarse)
    fine = (logits + delta).sigmoid()

    golden = golden_data.arrays("network_256")
    for name, tensor in (
        ("coarse_alpha", coarse[:, :1]),
        ("coarse_fg", coarse[:, 1:]),
        ("delta", delta),
        ("fine_alpha", fine[:, :1]),
        ("fine_fg", fine[:, 1:]),
    ):
        # The operators are the published implementation's; another CPU may order sums differently.
        torch.testing.assert_close(tensor, torch.from_numpy(golden[name]), rtol=0, atol=2e-5)
