"""That a trace without computing is the trace, and costs next to nothing.

TorchScript numbers the classes it meets in a process, so each trace has a process of its own.
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


def export(checkpoint_file: Path, path: Path, honestly: bool) -> list[str]:
    """Saves a checkpoint as TorchScript; returns the graphs, with what they call and inlined."""
    checkpoint = load_checkpoint(checkpoint_file, RESOLUTION)
    eager = tracing.eager_wrapper(checkpoint, Variant(RESOLUTION))
    mode = contextlib.nullcontext if honestly else ShapesOnly
    with mock.patch.object(tracing, "ShapesOnly", mode):
        module = tracing.to_torchscript(eager)
    archive.save(module, path, {})
    methods = [getattr(module.network, name) for name in METHODS]
    return [
        graph.str(False)  # without the lines of Python that made it
        for method in methods
        for graph in (method.graph, method.inlined_graph)
    ]


def test_trace_without_computing_is_the_honest_one(checkpoint_file: Path, tmp_path: Path) -> None:
    honest, fast = tmp_path / "honest.pt", tmp_path / "fast.pt"
    honest_graphs = in_new_process(export, checkpoint_file, honest, True)
    fast_graphs = in_new_process(export, checkpoint_file, fast, False)

    # The stride of a dimension of size 1 means nothing, and kernels fill it in as they like.
    strides = re.compile(r", strides=\[[\d, ]*\]")
    for honest_graph, fast_graph in zip(honest_graphs, fast_graphs, strict=True):
        assert strides.sub("", fast_graph) == strides.sub("", honest_graph)
    assert fast.read_bytes() == honest.read_bytes()


def peak_growth_of_trace_at_2048() -> int:
    """Bytes that tracing adds to the peak memory of a process."""
    network = CorridorKeyTransformer(2048).to_empty(device="cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ShapesOnly():
        tracing.trace_network(network, 2048)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def test_trace_at_2048_touches_no_image() -> None:
    # 20 MB measured, for the graph. A single channel of the refiner would be 17 MB, its 64
    # channels 1.1 GB.
    assert in_new_process(peak_growth_of_trace_at_2048) < 100e6
