"""Removes specks, small islands of a matte. TorchScript can compile the function."""

import torch
from torch import Tensor


def despeckle(matte: Tensor, rows: int, columns: int) -> Tensor:
    """Removes islands of a matte that are too small and that nothing connects to a larger one.

    The subject is what holds a solid box, 0.5 or more everywhere, of 2·rows + 1 by 2·columns + 1
    pixels. From there a flood runs through the matte, wherever that is 0.05 or more, over cells of
    a 256th of the picture (a dilation under the matte; S. Beucher's reconstruction). What the flood
    reaches is unchanged, bit for bit, and the rest is removed. It gets half as far for a matte of
    0.025, and so on, so that nothing jumps when a matte slowly fades.

    Args:
        matte: [1, 1, S, S], in [0, 1].
        rows: Half the height of the smallest island to keep, in pixels.
        columns: Half its width.

    Returns:
        [1, 1, S, S].
    """
    # Erodes; the frame's edge does not count as an end of the subject.
    outside = (2.0 - 4.0 * matte).clamp(0.0, 1.0)
    outside = torch.ops.aten.max_pool2d(
        outside, [2 * rows + 1, 1], [1, 1], [rows, 0], [1, 1], False
    )
    outside = torch.ops.aten.max_pool2d(
        outside, [1, 2 * columns + 1], [1, 1], [0, columns], [1, 1], False
    )
    side = max(matte.size(2) // 256, 1)
    cell = [side, side]
    flood = torch.ops.aten.max_pool2d(1.0 - outside, cell, cell, [0, 0], [1, 1], True)
    bed = (20.0 * matte).clamp(max=1.0)
    bed = torch.ops.aten.max_pool2d(bed, cell, cell, [0, 0], [1, 1], True)
    for _ in range(2 * bed.size(2)):
        flood = torch.ops.aten.max_pool2d(flood, [3, 3], [1, 1], [1, 1], [1, 1], False)
        flood = torch.minimum(flood, bed)
    cells = torch.floor_divide(torch.arange(0, matte.size(2), device=matte.device), side)
    return torch.minimum(matte, flood.index_select(2, cells).index_select(3, cells))
