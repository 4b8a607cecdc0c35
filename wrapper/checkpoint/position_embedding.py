"""Resizes the position embedding, the one tensor whose shape depends on the resolution."""

import math

import torch
from torch import Tensor


def resize_position_embedding(pos_embed: Tensor, side: int) -> Tensor:
    """Resizes bicubically on the grid of positions: [1, n², C] → [1, side², C]."""
    old = math.isqrt(pos_embed.shape[1])
    grid = pos_embed.view(old, old, -1)
    return _resize_bicubic(_resize_bicubic(grid, 1, side), 0, side).view(1, side**2, -1)


def _resize_bicubic(x: Tensor, dim: int, size: int) -> Tensor:
    """Computes `F.interpolate(mode="bicubic", align_corners=False)` along one dimension.

    Uses elementwise operators only. Each rounds to the nearest float32, so a file has the same bits
    whichever CPU made it. The kernels of `F.interpolate` fuse multiplication and addition where the
    CPU can.
    """
    center = (torch.arange(size) + 0.5) * (x.shape[dim] / size) - 0.5
    shape = [size if i == dim else 1 for i in range(x.dim())]
    total = torch.zeros(())
    for tap in (-1, 0, 1, 2):
        neighbor = center.floor() + tap
        distance = (center - neighbor).abs()
        near = (1.25 * distance - 2.25) * distance * distance + 1  # Keys' kernel with a = -0.75
        far = ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
        weight = torch.where(distance <= 1, near, far).view(shape)
        total = total + weight * x.index_select(dim, neighbor.clamp(0, x.shape[dim] - 1).long())
    return total
