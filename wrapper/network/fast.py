"""What a fast file computes in half on a GPU, although its plate is in float32.

The encoder's attention and linear layers, 80 % of the network's FLOPs, get weights in half, and
take their other operands in the dtype of their weights. Its residual stream, norms and outputs stay
in float32. So do the decoders and the refiner, whose weights alone, rounded to half, change the key
by up to 2.4e-3; cuDNN multiplies float32 maps on tensor cores anyway, in TF32. On a CPU nothing is
converted, so the file computes there as the main one does.
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
