"""Turns weights into an eager wrapper, and that into TorchScript.

The network is traced and the wrapper around it is scripted, because a trace would freeze the knobs.
"""

import contextlib

import torch
from torch import Tensor, nn

from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Variant
from export.tracing.half_storage import CastToInput, stored_in_half
from export.tracing.shapes_only import ShapesOnly
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.network.network import CorridorKeyTransformer, Network
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def eager_wrapper(checkpoint: Checkpoint, variant: Variant) -> CorridorKeyNukeWrapper:
    """Builds the eager wrapper. It shares the checkpoint's weight tensors.

    Args:
        checkpoint: Weights for the variant's resolution.
        variant: Variant to build. With weights in float16, the result can be traced as it is;
            call `.float()` before you run it.

    Raises:
        CheckpointError: The weights cannot be stored in the variant's precision.
    """
    if variant.precision == "float16":
        checkpoint = stored_in_half(checkpoint)
    attention = RUNTIMES[variant.runtime].attention
    network = CorridorKeyTransformer(
        variant.resolution, attention, fast=variant.precision == "fast"
    )
    network.load_state_dict(checkpoint.state_dict, assign=True)
    model_id = variant.model_id(checkpoint.model_id)
    return CorridorKeyNukeWrapper(network, variant.resolution, model_id)


def with_network(wrapper: CorridorKeyNukeWrapper, network: Network) -> CorridorKeyNukeWrapper:
    """Returns a new wrapper around another network, for the same resolution and Model Id."""
    return CorridorKeyNukeWrapper(network, wrapper.resolution, wrapper.model_id)


def to_torchscript(wrapper: CorridorKeyNukeWrapper) -> torch.jit.ScriptModule:
    """Compiles an eager wrapper without running its network, in about a second.

    TorchScript numbers classes per process, so only the first call in a process gives reproducible
    bytes.

    Args:
        wrapper: Wrapper around a network with real weights on the CPU. The result shares them.

    Returns:
        A wrapper with the same contract and live knobs, ready to save.
    """
    in_half = any(weight.dtype == torch.half for weight in wrapper.parameters())
    with ShapesOnly(), CastToInput() if in_half else contextlib.nullcontext():
        network = trace_network(wrapper.network, wrapper.resolution)
    return torch.jit.script(with_network(wrapper, network))


def trace_network(network: nn.Module, resolution: int) -> torch.jit.ScriptModule:
    """Traces the two methods that the wrapper calls into one module, which shares the weights.

    Args:
        network: A `CorridorKeyTransformer` with real weights on the CPU.
        resolution: Side S of its images, in pixels.

    Returns:
        A module with the network's methods `coarse_logits` and `delta_logits`.
    """

    def image(channels: int) -> Tensor:
        return torch.empty(1, channels, resolution, resolution)

    example_inputs = {
        "coarse_logits": (image(4),),
        "delta_logits": (image(3), image(4)),
    }
    # check_trace runs the network again to find values that depend on more than the inputs. Under
    # `ShapesOnly` every value is uninitialized memory, so the check would always fail.
    return torch.jit.trace_module(network, example_inputs, strict=False, check_trace=False)
