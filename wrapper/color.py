"""Colour functions that TorchScript can compile."""

import torch
from torch import Tensor


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Encodes linear light with the piecewise sRGB curve (IEC 61966-2-1).

    Args:
        linear: Any shape, values >= 0.

    Returns:
        Same shape; values above 1 go on along the curve, they are not clamped.
    """
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * torch.pow(linear, 1.0 / 2.4) - 0.055
    )


def despill(rgb: Tensor, fraction: float) -> Tensor:
    """Removes green spill: g ← g + fraction·(min(g, (r + b)/2) − g).

    Args:
        rgb: Foreground [N, 3, H, W].
        fraction: 0 keeps the green, 1 limits it to the mean of red and blue.

    Returns:
        Foreground [N, 3, H, W].
    """
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    limited = torch.minimum(green, (red + blue) / 2)
    return torch.cat([red, green + fraction * (limited - green), blue], 1)
