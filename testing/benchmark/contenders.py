"""The two contenders, as eager networks and as files."""

import contextlib
from pathlib import Path
from typing import Any

import torch

from export.artifact import archive
from export.artifact.variant import Variant
from export.tracing.shapes_only import ShapesOnly
from export.tracing.tracing import eager_wrapper, to_torchscript, trace_network
from testing.benchmark.plain import PlainNetwork
from wrapper.checkpoint.checkpoint import load_checkpoint
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

NAMES = ("plain", "ours")


def eager(name: str, checkpoint: Path, resolution: int) -> CorridorKeyNukeWrapper:
    """Makes the eager wrapper of a contender, with a checkpoint's weights."""
    loaded = load_checkpoint(checkpoint, resolution)
    if name == "ours":
        return eager_wrapper(loaded, Variant(resolution))
    network: Any = PlainNetwork(resolution)
    network.load_state_dict(loaded.state_dict, assign=True)
    return CorridorKeyNukeWrapper(network, resolution, name).eval()


def export(name: str, checkpoint: Path, resolution: int, file: Path, computing: bool) -> None:
    """Writes the file of a contender.

    Args:
        name: One of `NAMES`.
        checkpoint: The weights.
        resolution: Side S of the image, in pixels.
        file: What to write.
        computing: Whether to trace the plain network on real tensors, as exporters do. The file is
            the same without, and takes seconds.
    """
    wrapper = eager(name, checkpoint, resolution)
    if name == "ours":
        archive.save(to_torchscript(wrapper), file, {})
        return
    with contextlib.nullcontext() if computing else ShapesOnly():
        network = trace_network(wrapper.network, resolution)
    traced = CorridorKeyNukeWrapper(network, resolution, name).eval()
    torch.jit.save(torch.jit.script(traced), file)
