"""A trace without computing equals the real trace, and costs next to nothing.

TorchScript numbers classes per process, so each trace runs in a new process.
"""

import contextlib
import multiprocessing
import re
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

from export.artifact import archive
from export.artifact.variant import Variant
from export.tracing import tracing
from export.tracing.shapes_only import ShapesOnly
from testing.export.conftest import RESOLUTION
from wrapper.checkpoint.checkpoint import load_checkpoint
from wrapper.network.network import CorridorKeyTransformer

METHODS = ("coarse_logits", "delta_logits")


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def export(checkpoint_file: Path, path: Path, computing: bool) -> list[str]:
    """Saves a checkpoint as TorchScript; returns its graphs, plain and inlined."""
    checkpoint = load_checkpoint(checkpoint_file, RESOLUTION)
    eager = tracing.eager_wrapper(checkpoint, Variant(RESOLUTION))
    mode = contextlib.nullcontext if computing else ShapesOnly
    with mock.patch.object(tracing, "ShapesOnly", mode):
        module = tracing.to_torchscript(eager)
    archive.save(module, path, {})
    methods = [getattr(module.network, name) for name in METHODS]
    return [
        graph.str(False)  # False: without the Python lines that made it
        for method in methods
        for graph in (method.graph, method.inlined_graph)
    ]


def test_trace_without_computing_equals_the_real_one(checkpoint_file: Path, tmp_path: Path) -> None:
    real, fast = tmp_path / "real.pt", tmp_path / "fast.pt"
    real_graphs = in_new_process(export, checkpoint_file, real, True)
    fast_graphs = in_new_process(export, checkpoint_file, fast, False)

    # The stride of a dimension of size 1 has no meaning; kernels set it differently.
    strides = re.compile(r", strides=\[[\d, ]*\]")
    for real_graph, fast_graph in zip(real_graphs, fast_graphs, strict=True):
        assert strides.sub("", fast_graph) == strides.sub("", real_graph)
    assert fast.read_bytes() == real.read_bytes()


def peak_growth_of_trace_at_2048() -> int:
    """Returns the bytes that tracing adds to the peak memory of a process."""
    network = CorridorKeyTransformer(2048).to_empty(device="cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ShapesOnly():
        tracing.trace_network(network, 2048)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def test_trace_at_2048_touches_no_image() -> None:
    # 20 MB measured, for the graph. A single channel of the refiner would be 17 MB, its 64
    # channels 1.1 GB.
    assert in_new_process(peak_growth_of_trace_at_2048) < 100e6
