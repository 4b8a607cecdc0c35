"""Converts between sRGB and linear light. TorchScript can compile every function."""

import torch
from torch import Tensor


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Encodes linear light with the piecewise sRGB curve (IEC 61966-2-1).

    Args:
        linear: Tensor of any shape, values >= 0.

    Returns:
        Tensor of the same shape. Values above 1 continue along the curve; they are not clamped.
    """
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * torch.pow(linear, 1.0 / 2.4) - 0.055
    )


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Decodes the piecewise sRGB curve (IEC 61966-2-1) to linear light.

    Args:
        srgb: Tensor of any shape. Values below 0 continue along the straight part.

    Returns:
        Tensor of the same shape. Values above 1 continue along the curve; they are not clamped.
    """
    return torch.where(srgb <= 0.04045, srgb / 12.92, torch.pow((srgb + 0.055) / 1.055, 2.4))


def swap_green_and_blue(x: Tensor) -> Tensor:
    """Swaps the second and the third channel.

    Args:
        x: Tensor [N, C, H, W], C >= 3.
    """
    return torch.cat([x[:, 0:1], x[:, 2:3], x[:, 1:2], x[:, 3:]], 1)
