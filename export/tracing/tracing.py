"""Weights → eager wrapper → TorchScript: the network traced, the wrapper around it scripted."""

import contextlib

import torch
from torch import Tensor, nn

from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Variant
from export.tracing.half_storage import CastToInput, stored_in_half
from export.tracing.shapes_only import ShapesOnly
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.network.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def eager_wrapper(checkpoint: Checkpoint, variant: Variant) -> CorridorKeyNukeWrapper:
    """Puts a checkpoint's weights, which it goes on using, into the network and its wrapper.

    Args:
        checkpoint: Weights for the variant's resolution.
        variant: What to make. With weights in half the result can be traced as it is, and run
            after `.float()`.

    Raises:
        CheckpointError: The weights cannot be stored in the variant's precision.
    """
    if variant.precision == "float16":
        checkpoint = stored_in_half(checkpoint)
    attention = RUNTIMES[variant.runtime].attention
    network = CorridorKeyTransformer(variant.resolution, attention)
    network.load_state_dict(checkpoint.state_dict, assign=True)
    model_id = variant.model_id(checkpoint.model_id)
    return CorridorKeyNukeWrapper(network, variant.resolution, model_id).eval()


def to_torchscript(wrapper: CorridorKeyNukeWrapper) -> torch.jit.ScriptModule:
    """Compiles an eager wrapper without running its network, in about a second.

    TorchScript numbers the classes it meets, so that only the first call in a process gives what
    it gives in any other.

    Args:
        wrapper: Around a network with real weights on the CPU. The result shares them.

    Returns:
        A wrapper with the same contract and live knobs, ready to save.
    """
    in_half = any(weight.dtype == torch.half for weight in wrapper.parameters())
    with ShapesOnly(), CastToInput() if in_half else contextlib.nullcontext():
        network = trace_network(wrapper.network, wrapper.resolution)
    traced = CorridorKeyNukeWrapper(network, wrapper.resolution, wrapper.model_id)
    return torch.jit.script(traced.eval())


def trace_network(network: nn.Module, resolution: int) -> torch.jit.ScriptModule:
    """Traces the two methods that the wrapper calls into one module, which shares the weights.

    Args:
        network: A `CorridorKeyTransformer` with real weights on the CPU.
        resolution: Side S of its images, in pixels.

    Returns:
        A module with the methods `coarse_logits` and `delta_logits` of the network.
    """

    def image(channels: int) -> Tensor:
        return torch.empty(1, channels, resolution, resolution)

    example_inputs = {
        "coarse_logits": (image(4),),
        "delta_logits": (image(3), image(4)),
    }
    # Unchecked, because the check runs the network again to find values that depend on more than
    # the inputs; under `ShapesOnly` every value does.
    return torch.jit.trace_module(network, example_inputs, strict=False, check_trace=False)
