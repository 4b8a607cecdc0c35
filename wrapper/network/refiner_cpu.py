"""The refiner for CPUs: bands of its maps fit the cache.

Two maps exist at a time. Every layer works in place, one band of rows after another:

      row 0     +----------------------+
                |                      |
      start - d |- - - - - - - - - - - |  d rows of margin above; read, not written
      start     |======================|
                |  band: `rows` rows   |  written when the next band has been read, because
                |                      |  the last d of these rows are that band's margin
      + rows    |======================|
      + d       |- - - - - - - - - - - |  d rows of margin below; d = dilation
                |                      |
      row S - 1 +----------------------+  above row 0 and below row S - 1 the margin is zero

A GroupNorm needs the whole map before it can normalize any of it. So a convolution stores its
output un-normalized and returns a per-channel scale and shift. The next layer applies them to each
band as it reads it.

Maps are channels-last: convolutions on CPUs and tensor cores need no reordering, and a band of rows
is contiguous.
"""

import torch
from torch import Tensor


def refine(image: Tensor, weights: list[Tensor], side: int, rows: int) -> Tensor:
    """Refines an image [1, 7, S, S]; the rest as for `refiner.refine`, for one number of rows."""
    shape = [1, side, side, 64]
    raw = image.new_empty(shape).permute(0, 3, 1, 2)  # [1, 64, S, S], channels-last
    norm = convolve(image, raw, [], weights[:4], 1, side, rows)
    x = raw.new_zeros(shape).permute(0, 3, 1, 2)
    x = add_normalized(x, raw, norm, side, rows)
    for layer in range(0, 8, 2):
        first, dilation = 4 + 4 * layer, 1 << layer // 2
        norm = convolve(x, raw, [], weights[first : first + 4], dilation, side, rows)
        norm = convolve(raw, raw, norm, weights[first + 4 : first + 8], dilation, side, rows)
        x = add_normalized(x, raw, norm, side, rows)
    return torch.conv2d(x, weights[36], weights[37])


def convolve(
    source: Tensor,
    target: Tensor,
    norm: list[Tensor],
    weights: list[Tensor],
    dilation: int,
    side: int,
    rows: int,
) -> list[Tensor]:
    """Convolves a map into another, or into itself.

    Args:
        source: Map [1, C, S, S].
        target: Map [1, 64, S, S]. May be `source` if that one is raw.
        norm: Scale and shift that normalize a raw source; ReLU follows. Empty for other sources.
        weights: Convolution weight [64, C, 3, 3] and bias [64], then weight [64] and bias [64] of
            the GroupNorm that follows it.
        dilation: Dilation of the convolution, in pixels.
        side: Height and width S of the map.
        rows: Rows per band. Must divide S and be at least `dilation`.

    Returns:
        Scale and shift [1, 64, 1, 1] that normalize the target.
    """
    weight, bias, norm_weight, norm_bias = weights
    moments: list[Tensor] = []
    result = target
    for start in range(0, side, rows):
        above, below = min(dilation, start), min(dilation, side - start - rows)
        band = source.narrow(2, start - above, above + rows + below)
        if len(norm) > 0:
            scale, shift = norm
            band = torch.addcmul(shift, band, scale).relu_()
        if start > 0:
            # Write the previous band only now: this band's top margin still needed its old values.
            target.narrow(2, start - rows, rows).copy_(result)
        result = _convolve_band(band, above, below, weight, bias, dilation)
        moments.append(_moments(result))
    target.narrow(2, side - rows, rows).copy_(result)
    scale, shift = _group_norm(moments, norm_weight.float(), norm_bias.float())
    return [scale.type_as(target), shift.type_as(target)]


def add_normalized(x: Tensor, raw: Tensor, norm: list[Tensor], side: int, rows: int) -> Tensor:
    """Adds a raw map, normalized, to `x` and applies ReLU, in place.

    Args:
        x: Map [1, 64, S, S].
        raw: Map [1, 64, S, S].
        norm: Scale and shift [1, 64, 1, 1] that normalize `raw`.
        side: Height S of the maps.
        rows: Rows per band; must divide S.
    """
    scale, shift = norm
    for start in range(0, side, rows):
        band = raw.narrow(2, start, rows)
        x.narrow(2, start, rows).addcmul_(band, scale).add_(shift).relu_()
    return x


def _convolve_band(
    band: Tensor, above: int, below: int, weight: Tensor, bias: Tensor, dilation: int
) -> Tensor:
    """Convolves one band: [1, C, above + rows + below, S] → [1, 64, rows, S].

    `above` and `below` rows its margin rows; rows outside the map are zero.
    """
    if above < dilation or below < dilation:
        band = torch.constant_pad_nd(band, [0, 0, dilation - above, dilation - below])
    band = band.contiguous(memory_format=torch.channels_last)
    return torch.conv2d(band, weight, bias, [1, 1], [0, dilation], [dilation, dilation])


def _moments(band: Tensor) -> Tensor:
    """Returns the per-channel mean and variance of band / 16, [2, 64], float32.

    Unscaled, a deviation of 256 would overflow when squared in float16.
    """
    mean = band.mean([0, 2, 3], True) / 16
    sixteenth = band.new_full([1], 1 / 16)
    squares = torch.addcmul(-mean, band, sixteenth).square_()
    return torch.cat([mean, squares.mean([0, 2, 3], True)]).view(2, -1).float()


def _group_norm(moments: list[Tensor], weight: Tensor, bias: Tensor) -> list[Tensor]:
    """Turns a GroupNorm into one scale and one shift per channel.

    Args:
        moments: `_moments` of each band; all bands have one size.
        weight: Weight [64] of the norm.
        bias: Bias [64] of the norm.

    Returns:
        Scale and shift [1, 64, 1, 1].
    """
    # [2, bands, 64] → [2, bands, groups, channels per group]
    mean, variance = torch.stack(moments, 1).view(2, -1, 8, 8).unbind()
    # Variance of a group: mean of its parts' variances, plus the variance of their means.
    total = mean.mean([0, 2], True)
    variance = (variance + (mean - total).square()).mean([0, 2], True)
    scale = weight.view(1, 8, 8) * (variance + 1e-5 / 256).rsqrt() / 16
    shift = bias.view(1, 8, 8) - total * 16 * scale
    return [scale.view(1, -1, 1, 1), shift.view(1, -1, 1, 1)]
