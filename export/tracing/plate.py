"""Paints a green-screen plate with a rough hint from formulas, to validate files with."""

import torch
from torch import Tensor


def green_screen_plate(height: int, width: int) -> Tensor:
    """Paints a head and a blue jacket in front of an unevenly lit green screen.

    The outline is sharp on the left and out of focus on the right, and green spills over it. The
    jacket makes despill visible for a blue screen, too. The hint is too large and too soft, like a
    garbage matte.

    Args:
        height: Height of the picture, in pixels.
        width: Width of the picture, in pixels.

    Returns:
        sRGB plate and hint [1, 4, H, W], float32, in [0, 1]. The same on every call.
    """
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, height),
        torch.linspace(-1, 1, width) * (width / height),
        indexing="ij",
    )
    head = torch.hypot(1.2 * x, y + 0.25) - 0.4
    shoulders = torch.hypot(x / 1.4, y - 0.9) - 0.7
    outside = torch.minimum(head, shoulders)  # approximate distance from the outline
    matte = torch.sigmoid(-outside / (0.004 + 0.04 * torch.sigmoid(6 * x)))
    hint = torch.sigmoid((0.05 - outside) / 0.05)

    spill = 0.3 * torch.exp(-outside.abs() / 0.1)
    cloth = 0.1 * torch.sin(25 * x) * torch.sin(25 * y)
    skin = torch.stack([0.7 + cloth, 0.45 + cloth + spill, 0.4 - cloth])
    jacket = torch.stack([0.2 + cloth, 0.25 + cloth + spill, 0.7 - cloth])
    subject = torch.where(head < shoulders, skin, jacket)
    light = 1 - 0.25 * torch.hypot(x - 0.5, y + 0.5)
    screen = torch.stack([0.15 * light, 0.7 * light, 0.25 * light])
    rgb = torch.lerp(screen, subject, matte).clamp(0, 1)
    return torch.cat([rgb, hint[None]]).unsqueeze(0)
