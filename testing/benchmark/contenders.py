"""Makes the contenders, as eager wrappers and as files."""

import contextlib
from pathlib import Path

import torch

from export.artifact.variant import Precision, Variant
from export.tracing.shapes_only import ShapesOnly
from export.tracing.tracing import eager_wrapper, to_torchscript, trace_network
from testing.benchmark.plain import PlainNetwork
from wrapper.checkpoint.checkpoint import load_checkpoint
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

NAMES = ("plain", "ours", "fast")
"""The plain export, CorridorKey.pt and CorridorKey_fast.pt, all around the same weights."""


def on_meta(name: str, resolution: int) -> CorridorKeyNukeWrapper:
    """Makes the eager wrapper of a contender on the meta device, without weights."""
    if name == "plain":
        return CorridorKeyNukeWrapper(PlainNetwork(resolution), resolution, name).to("meta")
    network = CorridorKeyTransformer(resolution, fast=name == "fast")
    return CorridorKeyNukeWrapper(network, resolution, name).to("meta")


def eager(name: str, checkpoint: Path, resolution: int) -> CorridorKeyNukeWrapper:
    """Makes the eager wrapper of a contender with a checkpoint's weights."""
    loaded = load_checkpoint(checkpoint, resolution)
    if name != "plain":
        precision: Precision = "fast" if name == "fast" else "float32"
        return eager_wrapper(loaded, Variant(resolution, precision))
    network = PlainNetwork(resolution)
    network.load_state_dict(loaded.state_dict, assign=True)
    return CorridorKeyNukeWrapper(network, resolution, name)


def export(name: str, checkpoint: Path, resolution: int, file: Path, computing: bool) -> None:
    """Writes the file of a contender.

    Args:
        name: One of `NAMES`.
        checkpoint: File of the weights.
        resolution: Side S of the image, in pixels.
        file: File to write.
        computing: True to trace on real tensors, as other exporters do. The file is the same
            without, and takes seconds.
    """
    wrapper = eager(name, checkpoint, resolution)
    if name != "plain" and not computing:
        torch.jit.save(to_torchscript(wrapper), file)
        return
    with contextlib.nullcontext() if computing else ShapesOnly():
        network = trace_network(wrapper.network, resolution)
    traced = CorridorKeyNukeWrapper(network, resolution, name)
    torch.jit.save(torch.jit.script(traced), file)
