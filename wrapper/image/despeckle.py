"""Removes specks, small islands of a matte. TorchScript can compile the function."""

import torch
from torch import Tensor


def despeckle(matte: Tensor, rows: int, columns: int) -> Tensor:
    """Removes islands of a matte that are too small and that nothing connects to a larger one.

    The subject is what holds a solid box, 0.5 or more everywhere, of 2·rows + 1 by 2·columns + 1
    pixels. From there a flood runs through the matte, wherever that is 0.05 or more, over at most
    181×181 cells (a dilation under the matte; S. Beucher's reconstruction). What the flood reaches
    is unchanged, bit for bit, and the rest is removed. It gets half as far for a matte of 0.025,
    and so on, so that nothing jumps when a matte slowly fades.

    Args:
        matte: [1, 1, S, S], in [0, 1].
        rows: Half the height of the smallest island to keep, in pixels.
        columns: Half its width.

    Returns:
        [1, 1, S, S].
    """
    # Erodes; the frame's edge does not count as an end of the subject.
    outside = (2.0 - 4.0 * matte).clamp(0.0, 1.0)
    outside = _largest(_largest(outside, rows).transpose(2, 3), columns).transpose(2, 3)
    # Below 32,768 values an operator stays on one thread. With two, hundreds of short steps would
    # wait for each other on a busy machine.
    side = (matte.size(2) + 180) // 181
    bed = _in_cells((20.0 * matte).clamp(max=1.0), side)
    # A cell of zeros all around spares the flood any case at the edge.
    flood = torch.ops.aten.constant_pad_nd(_in_cells(1.0 - outside, side), [1, 1, 1, 1], 0.0)
    count = bed.size(2)
    for _ in range(2 * count):
        wide = torch.maximum(flood[:, :, :, :count], flood[:, :, :, 1 : count + 1])
        wide = torch.maximum(wide, flood[:, :, :, 2:])
        high = torch.maximum(wide[:, :, :count], wide[:, :, 1 : count + 1])
        high = torch.maximum(high, wide[:, :, 2:])
        flood[:, :, 1 : count + 1, 1 : count + 1] = torch.minimum(high, bed)
    cells = torch.floor_divide(torch.arange(0, matte.size(2), device=matte.device), side) + 1
    return torch.minimum(matte, flood.index_select(2, cells).index_select(3, cells))


def _largest(x: Tensor, reach: int) -> Tensor:
    """Returns the largest value in 2·reach + 1 rows around each, of those in the picture.

    The window doubles, so it takes few steps. Values are at least 0.
    """
    x = torch.ops.aten.constant_pad_nd(x, [0, 0, reach, reach], 0.0)
    window = 1
    while window < 2 * reach + 1:
        step = min(window, 2 * reach + 1 - window)
        x = torch.maximum(x[:, :, : x.size(2) - step], x[:, :, step:])
        window += step
    return x


def _in_cells(x: Tensor, side: int) -> Tensor:
    """Returns the largest value in each square of side·side pixels."""
    return torch.ops.aten.max_pool2d(x, [side, side], [side, side], [0, 0], [1, 1], True)
