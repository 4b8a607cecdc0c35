"""Tests that bands do not change the picture, and that a trace keeps their loops."""

import pytest
import torch
from torch import Tensor

from testing.golden import golden_data
from testing.wrapper.conftest import NetworkMaker
from wrapper.network import bands
from wrapper.network.bands import banded, largest_part, rows_of, rows_on


@pytest.mark.parametrize(
    ("count", "values", "part"),
    [
        (64, 250, 4),
        (64, 249, 4),
        (64, 251, 2),
        (47, 250, 1),  # a prime
        (64, 2000, 1),
        (8, 1, 8),
    ],
)
def test_largest_part_fits_and_divides(count: int, values: int, part: int) -> None:
    assert largest_part(count, values, 1000) == part


def test_bands_of_the_refiner_at_2048_are_larger_on_a_gpu() -> None:
    rows = rows_of(2048, 2048 * 64, unit=32)
    assert rows == [32, 2048 * bands.GPU_VALUES // (2048 * 2048 * 64)]
    assert rows_on(torch.empty(1), rows) == rows[0]
    # Every device that is not a CPU has a GPU's bands; this one needs no hardware.
    assert rows_on(torch.empty(1, device="meta"), rows) == rows[1]


@pytest.mark.parametrize("resolution", [96, 256])
def test_output_does_not_depend_on_the_size_of_bands(
    untrained_network: NetworkMaker, resolution: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, image = untrained_network(resolution), golden_data.network_input(resolution)
    whole = network(image)
    # Less than any row, so each band is as small as possible and has margins on both sides.
    monkeypatch.setattr(bands, "CPU_VALUES", 1)
    for name, tensor in network(image)._asdict().items():
        # The sums have different orders, as in network_test.py.
        torch.testing.assert_close(tensor, getattr(whole, name), rtol=0, atol=2e-5)


@banded
def double_rows(x: Tensor, rows: int) -> Tensor:
    """Doubles a tensor, part by part."""
    parts: list[Tensor] = []
    for part in x.split(rows):
        parts.append(part + part)
    return torch.cat(parts)


def test_trace_keeps_the_loop_of_a_banded_function() -> None:
    x = torch.ones(64, 2)
    traced = torch.jit.trace(lambda x: double_rows(x, 1), (x,))
    graph = traced.inlined_graph
    assert len(graph.findAllNodes("prim::Loop")) == 1
    assert len(graph.findAllNodes("aten::add")) == 1
    assert torch.equal(traced(x), double_rows(x, 1))
