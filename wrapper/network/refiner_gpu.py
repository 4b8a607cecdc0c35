"""The refiner for GPUs: as few passes over its maps as operators of PyTorch allow.

A map is a list of bands. Each band is a tensor of its own and carries a margin of 8 pixels on every
side, the largest dilation:

      +--------------------------+      A convolution of whole bands leaves the margin of its result
      |  8 rows of the band above|      undefined. `_limit` then fills it: 8 rows from each
      |  +--------------------+  |      neighbor, and outside of the map what stands for zero.
      |  | `rows` rows of the |  |      So no map is padded or copied, results replace their
      |  | map, S columns     |  |      sources band by band, and at a time there are two maps and
      |  +--------------------+  |      one band.
      |  8 rows of the band below|
      +--------------------------+

Normalize and ReLU are one pass, because relu(scale · x + shift) = scale · max(x, -shift / scale) +
shift for a positive scale. The pass computes the maximum. The scale is multiplied into the weights
of the next convolution, and the shift becomes part of its bias. A bias is never added to a map: the
norm that follows takes it in. Scales are positive because a convolution whose norm has a negative
weight is computed with its sign changed.

In the same way the sum that runs through the blocks is stored without its shift. Each block's shift
carries those of the blocks before on, and a convolution of values far from 0 rounds more. So the
shift is added to the map where that costs nothing, in the stem, and once after the second block.

Un-normalized maps are stored divided by 16, so that in half nothing overflows at a deviation of
256. All arithmetic on weights and moments is in float32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def refine(rgb: Tensor, coarse: Tensor, weights: list[Tensor], side: int, rows: int) -> Tensor:
    """Refines; arguments and result as for `refiner.refine`, for one number of rows per band."""
    # Of the nine layers; those of the eight equal ones together, input channels last.
    norm_biases = torch.stack([weights[i] for i in range(3, 36, 4)]).float()  # [9, 64]
    norms = torch.stack([weights[i] for i in range(2, 36, 4)]).float()
    signs = torch.copysign(torch.ones_like(norms), norms)
    norms = torch.maximum(norms.abs(), norm_biases.abs() * _least_norm(rgb)).clamp(min=1e-12)
    biases = torch.stack([weights[i] for i in range(1, 36, 4)]).float() * signs / 16
    kernels = torch.stack([weights[i] for i in range(4, 36, 4)]).float().permute(0, 1, 3, 4, 2)
    # → [8, 64, 3, 3, 64]
    kernels = kernels * (signs.narrow(0, 1, 8).reshape(8, 64, 1, 1, 1) / 16)
    sums = kernels.sum([2, 3])
    unlimited = norms.new_full([side, 64], 3e38)

    x = _stem(rgb, coarse, weights[0].float() * signs[0].view(-1, 1, 1, 1) / 16, side, rows)
    scale, shift = _group_norm(x, side, rows, biases[0], signs[0], norms[0], norm_biases[0])
    scales, shifts = _per_channel(scale, x[0]), _per_channel(shift, x[0])
    for i in range(len(x)):
        x[i] = torch.addcmul(shifts, x[i], scales)
    total = shift.new_zeros([64])
    _limit(x, total, unlimited, rows)
    raw = [band for band in x]  # noqa: C416  # Every entry is replaced. A copy for TorchScript.
    for layer in range(0, 8, 2):
        dilation = 1 << layer // 2
        _convolve(x, raw, kernels[layer], dilation)
        bias = torch.addmv(biases[layer + 1], sums[layer], total)
        n = layer + 1
        scale, shift = _group_norm(raw, side, rows, bias, signs[n], norms[n], norm_biases[n])
        _limit(raw, -shift / scale, unlimited, rows)

        _convolve(raw, raw, kernels[layer + 1] * scale, dilation)
        bias = torch.addmv(biases[layer + 2], sums[layer + 1], shift)
        n = layer + 2
        scale, shift = _group_norm(raw, side, rows, bias, signs[n], norms[n], norm_biases[n])
        scales = _per_channel(scale, x[0])
        for i in range(len(x)):
            x[i].addcmul_(raw[i], scales)
        total = total + shift
        if 0 < layer < 4:
            shifts = _per_channel(total, x[0])
            for band in x:
                band.add_(shifts)
            total = shift.new_zeros([64])
        _limit(x, -total, unlimited, rows)
    return _project(x, weights[36], weights[37], total, side, rows)


def _stem(rgb: Tensor, coarse: Tensor, weight: Tensor, side: int, rows: int) -> list[Tensor]:
    """Convolves the seven channels of the input, [1, 7, S, S], without a bias.

    An eighth channel of zeros is added, because tensor cores take channels in eights.
    """
    image = rgb.new_zeros([1, side + 18, side + 18, 8])
    inside = image.narrow(1, 9, side).narrow(2, 9, side)
    inside.narrow(3, 0, 3).copy_(rgb.permute(0, 2, 3, 1))
    inside.narrow(3, 3, 4).copy_(coarse.permute(0, 2, 3, 1))
    image = image.permute(0, 3, 1, 2)
    weight = torch.constant_pad_nd(weight, [0, 0, 0, 0, 0, 1]).type_as(image)
    weight = weight.contiguous(memory_format=torch.channels_last)
    maps: list[Tensor] = []
    for start in range(0, side, rows):
        band = image.narrow(2, start, rows + 18)
        maps.append(torch.conv2d(band, weight, None, [1, 1], [0, 0], [1, 1]))
    return maps


def _convolve(source: list[Tensor], target: list[Tensor], kernel: Tensor, dilation: int) -> None:
    """Convolves a map without a bias, and replaces the bands of `target`, which may be `source`.

    Args:
        source: Bands with their margins.
        target: Bands of the result, with undefined margins.
        kernel: Weights [64, 3, 3, 64], input channels last.
        dilation: Dilation, in pixels.
    """
    weight = kernel.type_as(source[0]).permute(0, 3, 1, 2)
    for i in range(len(source)):
        padding = [dilation, dilation]
        target[i] = torch.conv2d(source[i], weight, None, [1, 1], padding, padding)


def _least_norm(x: Tensor) -> Tensor:
    """Returns the least weight of a norm, as a part of its bias, in the dtype of `x`.

    A weight near 0 makes limits large and the next weights small. The least one keeps both in the
    range of half, and changes less than rounding does.
    """
    # 1e-8 is 0 in half. Other types have the range of float32.
    return 2**-11 - x.new_full([1], 1e-8).float() * ((2**-11 - 2**-22) * 1e8)


def _group_norm(
    maps: list[Tensor],
    side: int,
    rows: int,
    bias: Tensor,
    sign: Tensor,
    weight: Tensor,
    norm_bias: Tensor,
) -> tuple[Tensor, Tensor]:
    """Turns a GroupNorm of 8 groups into one scale and one shift per channel, [64] each.

    Args:
        maps: Bands of the convolution's result, times `sign`, divided by 16.
        side: Columns of the map.
        rows: Rows per band.
        bias: Bias [64] that is missing in the maps, times `sign`, divided by 16.
        sign: 1 or -1 per channel: the sign of the norm's weight.
        weight: Absolute weight [64] of the norm.
        norm_bias: Bias [64] of the norm.
    """
    variances: list[Tensor] = []
    means: list[Tensor] = []
    for band in maps:
        # [1, 64, rows, S] → [1, 64, S]. In half, the rounding of the columns averages out.
        inside = band.narrow(2, 8, rows).narrow(3, 8, side)
        variance, mean = torch.var_mean(inside, [2], unbiased=False)
        variances.append(variance)
        means.append(mean)
    # [2 · bands, 64, S] → [bands, groups, channels per group, S] each
    moments = torch.cat(variances + means).float().view(2, -1, 8, 8, side)
    mean = (moments[1] + bias.view(8, 8, 1)) * sign.view(8, 8, 1)
    # Variance of a group: mean of its parts' variances, plus the variance of their means.
    between, mean = torch.var_mean(mean, [0, 2, 3], unbiased=False)
    variance = moments[0].mean([0, 2, 3]) + between
    scale = weight.view(8, 8) * (variance + 1e-5 / 256).rsqrt().view(8, 1)
    scale = scale.flatten()
    mean = mean.view(8, 1).expand(8, 8).flatten() * sign
    return scale, torch.addcmul(norm_bias, bias - mean, scale)


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    """Shapes [64] values for a map [1, 64, H, W], in the dtype of the map `like`."""
    return values.type_as(like).view(1, -1, 1, 1)


def _limit(maps: list[Tensor], low: Tensor, unlimited: Tensor, rows: int) -> None:
    """Raises each channel to at least `low` [64], and sets the margins of all bands, in place.

    Outside of the map, the margins are `low`, which stands for zero.
    """
    edge = low.view(1, -1).expand(8, -1)
    # [S + 16, 64] → [1, 64, 1, S + 16]. The upper limit sets the margins left and right.
    high = torch.cat([edge, unlimited, edge]).type_as(maps[0]).view(1, 1, -1, 64)
    high = high.permute(0, 3, 1, 2)
    lowest = _per_channel(low, maps[0])
    for band in maps:
        band.clamp_(lowest, high)
    above, last = lowest, len(maps) - 1
    for i in range(len(maps)):
        maps[i].narrow(2, 0, 8).copy_(above)
        above = maps[i].narrow(2, rows, 8)
        below = maps[i + 1].narrow(2, 8, 8) if i < last else lowest
        maps[i].narrow(2, rows + 8, 8).copy_(below)


def _project(
    maps: list[Tensor], weight: Tensor, bias: Tensor, shift: Tensor, side: int, rows: int
) -> Tensor:
    """Applies the 1×1 convolution to a map stored without `shift`: → [1, 4, S, S]."""
    weight = weight.flatten(1)
    bias = torch.addmv(bias.float(), weight.float(), shift).type_as(weight)
    logits: list[Tensor] = []
    for band in maps:
        whole = F.linear(band.permute(0, 2, 3, 1), weight, bias)  # [1, rows + 16, S + 16, 4]
        logits.append(whole.narrow(1, 8, rows).narrow(2, 8, side))
    return torch.cat(logits, 1).permute(0, 3, 1, 2)
