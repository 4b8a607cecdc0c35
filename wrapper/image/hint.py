"""Makes a coarse hint from a plate. TorchScript can compile every function."""

import torch
from torch import Tensor

from wrapper.image.resize import resize


def screen_hint(rgb: Tensor, blue_screen: bool, height: int, width: int) -> Tensor:
    """Makes a hint of what does not have the screen's color, eroded and soft.

    A color-difference key at 256×256 pixels. The excess e of the screen's channel over the greater
    of the others is divided by that channel, so that it does not depend on the light. The screen's
    own excess is the mean of e, weighted by e⁴: it is a smooth function of the picture, so it does
    not flicker as a median or a most frequent color would. The matte is then made like the masks
    that the network was trained with: blurred by 2% of the frame's height, cut at 0.65 to what is
    well inside, and blurred by 1.2%.

    Args:
        rgb: Plate [1, 3, S, S], sRGB.
        blue_screen: True for a blue screen, False for a green one.
        height: Height of the frame, in pixels.
        width: Width of the frame; the picture is the frame, stretched to a square.

    Returns:
        [1, 1, S, S], in [0, 1].
    """
    small = resize(rgb.clamp(max=1.0), 256, 256)
    red, green, blue = small[:, 0:1], small[:, 1:2], small[:, 2:3]
    screen, other = (blue, green) if blue_screen else (green, blue)
    excess = (screen - torch.maximum(red, other)).clamp(min=0.0) / screen.clamp(min=0.02)
    weight = excess * excess
    weight = weight * weight
    own = (weight * excess).mean() / weight.mean().clamp(min=1e-6)
    matte = ((0.85 - excess / own.clamp(min=0.1)) / 0.6).clamp(0.0, 1.0)
    pixels = 256.0 * height / width
    inside = _blur(matte, int(0.02 * 256.0 + 0.5), int(0.02 * pixels + 0.5))
    inside = ((inside - 0.6) / 0.1).clamp(0.0, 1.0)
    soft = _blur(inside, int(0.012 * 256.0 + 0.5), int(0.012 * pixels + 0.5))
    return resize(soft, rgb.size(2), rgb.size(3)).clamp(0.0, 1.0)


def _blur(x: Tensor, rows: int, columns: int) -> Tensor:
    """Blurs by three boxes, nearly a Gaussian with these deviations in pixels."""
    columns = min(columns, 127)
    for _ in range(3):
        x = torch.ops.aten.avg_pool2d(
            x, [2 * rows + 1, 2 * columns + 1], [1, 1], [rows, columns], False, False, None
        )
    return x
