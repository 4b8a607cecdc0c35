"""Selects what a fast file computes in half on a GPU, although its plate is in float32.

The blocks that attend to the whole image, 80 % of the network's FLOPs, get their matrices in half,
and take the other operands in the dtype of the matrices. The residual stream, norms and outputs
stay in float32. So do the blocks before, the decoders and the refiner, whose weights, rounded to
half, change single pixels by more; cuDNN multiplies float32 maps on tensor cores anyway, in TF32.
On a CPU nothing is converted, so the file computes there as the main one does.
"""

from torch import Tensor

from wrapper.network import bands
from wrapper.network.bands import banded


@banded
def narrowed(weights: list[Tensor], kept: int) -> list[Tensor]:
    """Returns weights in half if they are on a GPU, but the first `kept` as they are."""
    if bands.on_gpu(weights[0]):
        return [weights[i] if i < kept else weights[i].half() for i in range(len(weights))]
    return weights
