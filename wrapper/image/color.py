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


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Decodes the piecewise sRGB curve (IEC 61966-2-1) to linear light.

    Args:
        srgb: Any shape; values below 0 go on along the straight part.

    Returns:
        Same shape; values above 1 go on along the curve, they are not clamped.
    """
    return torch.where(srgb <= 0.04045, srgb / 12.92, torch.pow((srgb + 0.055) / 1.055, 2.4))


def despill(rgb: Tensor, fraction: float, blue_screen: bool) -> Tensor:
    """Removes spill: g ← g + fraction·(min(g, (r + b)/2) − g), or the same with b and g swapped.

    Args:
        rgb: Foreground [N, 3, H, W].
        fraction: 0 keeps the colour of the screen, 1 limits it to the mean of the other two.
        blue_screen: Whether that colour is blue, not green.

    Returns:
        Foreground [N, 3, H, W].
    """
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    if blue_screen:
        limited = torch.minimum(blue, (red + green) / 2)
        return torch.cat([red, green, blue + fraction * (limited - blue)], 1)
    limited = torch.minimum(green, (red + blue) / 2)
    return torch.cat([red, green + fraction * (limited - green), blue], 1)
