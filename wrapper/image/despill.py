"""Removes spill, the screen's color in the foreground. TorchScript can compile the function."""

import torch
from torch import Tensor


def despill(rgb: Tensor, fraction: float, blue_screen: bool) -> Tensor:
    """Removes spill: g ← g + fraction·(min(g, (r + b)/2) − g), or the same with b and g swapped.

    Args:
        rgb: Foreground [N, 3, H, W].
        fraction: 0 keeps the screen's color; 1 limits it to the average of the other two channels.
        blue_screen: True for a blue screen, False for a green one.

    Returns:
        Foreground [N, 3, H, W].
    """
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    if blue_screen:
        limited = torch.minimum(blue, (red + green) / 2)
        return torch.cat([red, green, blue + fraction * (limited - blue)], 1)
    limited = torch.minimum(green, (red + blue) / 2)
    return torch.cat([red, green + fraction * (limited - green), blue], 1)
