"""Removes spill, the screen's color in the foreground. TorchScript can compile the function."""

import torch
from torch import Tensor


def despill(
    rgb: Tensor, fraction: float, blue_screen: bool, preserve_light: bool = False
) -> Tensor:
    """Removes spill: g ← g + fraction·(min(g, (r + b)/2) − g), or the same with b and g swapped.

    Args:
        rgb: Foreground [N, 3, H, W].
        fraction: 0 keeps the screen's color; 1 limits it to the average of the other two channels.
        blue_screen: True for a blue screen, False for a green one.
        preserve_light: True to give half of what is removed to each of the other two channels.

    Returns:
        Foreground [N, 3, H, W].
    """
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    screen, other = (blue, green) if blue_screen else (green, blue)
    change = fraction * (torch.minimum(screen, (red + other) / 2) - screen)
    screen = screen + change
    if preserve_light:
        red, other = red - change / 2, other - change / 2
    if blue_screen:
        return torch.cat([red, other, screen], 1)
    return torch.cat([red, screen, other], 1)
