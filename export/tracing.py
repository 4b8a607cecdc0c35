"""Weights → eager wrapper → TorchScript: the network traced, the wrapper around it scripted."""

import torch
from torch import Tensor, nn

from export.shapes_only import ShapesOnly
from wrapper.checkpoint import Checkpoint
from wrapper.network import CorridorKeyTransformer
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def eager_wrapper(checkpoint: Checkpoint) -> CorridorKeyNukeWrapper:
    """Puts a checkpoint's weights, which it goes on using, into the network and its wrapper."""
    network = CorridorKeyTransformer(checkpoint.resolution)
    network.load_state_dict(checkpoint.state_dict, assign=True)
    return CorridorKeyNukeWrapper(network, checkpoint.resolution, checkpoint.model_id).eval()


def to_torchscript(wrapper: CorridorKeyNukeWrapper) -> torch.jit.ScriptModule:
    """Compiles an eager wrapper without running its network, in about a second.

    TorchScript numbers the classes it meets, so that only the first call in a process gives what
    it gives in any other.

    Args:
        wrapper: Around a network with real weights on the CPU. The result shares them.

    Returns:
        A wrapper with the same contract and live knobs, ready to save.
    """
    with ShapesOnly():
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
        "delta_logits": (image(3), image(1), image(3)),
    }
    # Unchecked, because the check runs the network again to find values that depend on more than
    # the inputs; under `ShapesOnly` every value does.
    return torch.jit.trace_module(network, example_inputs, strict=False, check_trace=False)
