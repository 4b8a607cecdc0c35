"""Finds the detail of a plate that its key lost when the network saw the plate at a smaller size.

A guided filter (K. He et al., "Guided Image Filtering", TPAMI 2013) with the plate as a guide in
color. TorchScript can compile every function.
"""

import torch
from torch import Tensor

from wrapper.image.resize import resize


def key_detail(plate: Tensor, guide: Tensor, key: Tensor, top: int, height: int) -> Tensor:
    """Returns what to add to some rows of an enlarged key, so that it is as sharp as the plate.

    Within a small window, each channel of the key is nearly a linear function of the plate's color.
    The slope of that function, taken from plate and key as the network saw them, is applied to what
    the plate has and its enlargement has not: slope · (plate − enlarged guide).

    Args:
        plate: The rows, [1, 3, N, W].
        guide: The whole plate in the same encoding, resized to the network's size in each direction
            in which it is larger, [1, 3, S, S].
        key: Key of the guide, [1, 4, S, S].
        top: Number of the first row in the frame.
        height: Height of the frame.

    Returns:
        [1, 4, N, W], float32.
    """
    side, rows = guide.size(2), plate.size(2)
    # Row y of the frame lies at (y + 0.5) · S / H − 0.5 of the guide, between two of its rows.
    y = torch.arange(top, top + rows, device=plate.device)
    place = ((2 * y + 1) * side - height).clamp(min=0)
    above = torch.floor_divide(place, 2 * height)
    # The quotient has torch's default dtype, float32: the file must not name a dtype.
    between = (place - above * (2 * height)) / (2 * height)
    dtype = between.dtype

    # The two boxes of the filter reach 2 rows each.
    first = max((2 * top + 1) * side - height, 0) // (2 * height)
    last = ((2 * (top + rows) - 1) * side - height) // (2 * height) + 1
    first, last = max(first - 4, 0), min(last + 4, side - 1)
    guide = guide[:, :, first : last + 1].to(dtype)
    slopes = _slopes(guide, key[:, :, first : last + 1].to(dtype))
    maps = torch.cat([slopes, guide], 1)
    upper = maps.index_select(2, above - first)
    lower = maps.index_select(2, (above + 1).clamp(max=side - 1) - first)
    maps = resize(upper + between.view(-1, 1) * (lower - upper), rows, plate.size(3))
    lost = plate.to(dtype) - maps[:, 12:]
    detail = maps[:, :4] * lost[:, :1]
    detail = detail + maps[:, 4:8] * lost[:, 1:2]
    return detail + maps[:, 8:12] * lost[:, 2:]


def _slopes(guide: Tensor, key: Tensor) -> Tensor:
    """Returns the slopes of the key over the guide, [1, 12, N, S]: of 4 channels over red, ...

    In each window of 5×5 pixels they solve (Σ + ε) · slope = c, where Σ is the covariance of the
    guide's channels and c that of guide and key. Σ + ε is factored into L · D · Lᵀ: with
    determinants, float32 would lose the small eigenvalues.
    """
    epsilon = 1e-4
    red, green, blue = guide[:, 0:1], guide[:, 1:2], guide[:, 2:3]
    mean, key_mean = _mean(guide), _mean(key)
    red_mean, green_mean, blue_mean = mean[:, 0:1], mean[:, 1:2], mean[:, 2:3]
    of_red = _mean(red * guide) - red_mean * mean
    of_green = _mean(green * guide) - green_mean * mean
    d0 = of_red[:, 0:1] + epsilon
    l10 = of_red[:, 1:2] / d0
    l20 = of_red[:, 2:3] / d0
    d1 = of_green[:, 1:2] + epsilon - l10 * of_red[:, 1:2]
    l21 = (of_green[:, 2:3] - l20 * of_red[:, 1:2]) / d1
    d2 = (
        _mean(blue * blue) - blue_mean * blue_mean + epsilon - l20 * of_red[:, 2:3] - l21 * l21 * d1
    )

    c0 = _mean(red * key) - red_mean * key_mean
    c1 = _mean(green * key) - green_mean * key_mean - l10 * c0
    c2 = _mean(blue * key) - blue_mean * key_mean - l20 * c0 - l21 * c1
    over_blue = c2 / d2.clamp(min=epsilon)
    over_green = c1 / d1 - l21 * over_blue
    over_red = c0 / d0 - l10 * over_green - l20 * over_blue
    return _mean(torch.cat([over_red, over_green, over_blue], 1))


def _mean(x: Tensor) -> Tensor:
    """Returns the mean in the window of 5×5 pixels around each pixel, of those in the picture."""
    return torch.ops.aten.avg_pool2d(x, [5, 5], [1, 1], [2, 2], False, False, None)
