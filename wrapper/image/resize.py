"""Resizes pictures. TorchScript can compile the function."""

import torch
from torch import Tensor


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Resizes bilinearly, antialiased where the picture shrinks.

    Args:
        x: Pictures [N, C, H, W].
        height: New height, in pixels.
        width: New width, in pixels.

    Returns:
        Pictures [N, C, height, width]; `x` itself if it has that size.
    """
    if x.size(2) == height and x.size(3) == width:
        return x
    # A scripted F.interpolate would save one call per mode, and older libtorch versions lack some
    # of those operators. Hence this one operator.
    return torch.ops.aten._upsample_bilinear2d_aa(x, [height, width], False, None, None)
