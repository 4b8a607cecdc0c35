"""The two decoder heads: from four feature levels to coarse logits.

A head (SegFormer's, arXiv:2105.15203) projects each level to 256 channels, enlarges it to the grid
of S/4, and fuses all four with a 1×1 convolution and a BatchNorm. All of these steps are linear,
and bilinear enlargement commutes with a matrix over the channels. So projection, fusion and
BatchNorm fold into one small matrix per level, applied at that level's own resolution, and the
results are added. No map of 1024 channels exists, and 165 billion multiplications at S = 2048
become 28.

The matrices are folded on every frame, in milliseconds. So the file holds the checkpoint's tensors
unchanged, and its bytes do not depend on how the exporting CPU multiplies matrices.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wrapper.network.bands import banded, rows_of, rows_on, weights_of
from wrapper.network.hiera import CHANNELS

_WIDTH = 256


class LinearProjection(nn.Module):
    """Holds the weights of a linear layer over the channels of a feature map."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, _WIDTH)


class DecoderHead(nn.Module):
    """Holds the weights of one head.

    Args:
        out_channels: Channels of the logits.
    """

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.linear_c4 = LinearProjection(CHANNELS[3])
        self.linear_c3 = LinearProjection(CHANNELS[2])
        self.linear_c2 = LinearProjection(CHANNELS[1])
        self.linear_c1 = LinearProjection(CHANNELS[0])
        self.linear_fuse = nn.Conv2d(4 * _WIDTH, _WIDTH, 1, bias=False)
        self.bn = nn.BatchNorm2d(_WIDTH)
        self.classifier = nn.Conv2d(_WIDTH, out_channels, 1)

    def folded(self) -> tuple[list[Tensor], Tensor]:
        """Folds projection, fusion and BatchNorm, in float32.

        Returns:
            One matrix [256, C] per level, c1 to c4, and the bias [256] of their sum.
        """
        norm = self.bn
        deviation = torch.ops.aten.add.Scalar(norm.running_var.float(), norm.eps)
        scale = norm.weight.float() * deviation.rsqrt()
        # [256, 1024, 1, 1] → four of [256, 256]; upstream concatenates c4, c3, c2, c1.
        fuse = (self.linear_fuse.weight.flatten(1).float() * scale.unsqueeze(1)).chunk(4, 1)
        levels = (self.linear_c4, self.linear_c3, self.linear_c2, self.linear_c1)
        bias = norm.bias.float() - norm.running_mean.float() * scale
        for part, level in zip(fuse, levels, strict=True):
            bias = bias + part @ level.proj.bias.float()
        maps = [part @ level.proj.weight.float() for part, level in zip(fuse, levels, strict=True)]
        return maps[::-1], bias


def decode(alpha: DecoderHead, fg: DecoderHead, features: tuple[Tensor, ...], side: int) -> Tensor:
    """Decodes with both heads.

    Args:
        alpha: Head of the matte, one channel.
        fg: Head of the foreground, three channels.
        features: c1 to c4, as `HieraEncoder` returns them.
        side: Height and width S of the image, in pixels.

    Returns:
        Logits [1, 4, S, S], float32: matte, then foreground.
    """
    alpha_maps, alpha_bias = alpha.folded()
    fg_maps, fg_bias = fg.folded()
    maps = [torch.cat(pair) for pair in zip(alpha_maps, fg_maps, strict=True)]
    grid = fuse(
        [level.permute(0, 2, 3, 1) for level in features],
        [folded.type_as(features[0]) for folded in maps],
        torch.cat([alpha_bias, fg_bias]).type_as(features[0]),
        weights_of(alpha.classifier, fg.classifier),
        side // 4,
        rows_of(side // 4, (side // 4) * 2 * _WIDTH, unit=8),
    ).float()
    # [1, S/4, S/4, 4] → [1, 4, S, S]
    return torch.ops.aten.upsample_bilinear2d(grid.permute(0, 3, 1, 2), [side, side], False)


@banded
def fuse(
    levels: list[Tensor],
    maps: list[Tensor],
    bias: Tensor,
    classifiers: list[Tensor],
    side: int,
    rows: list[int],
) -> Tensor:
    """Maps the four levels, adds them up and classifies the sum; channels are last.

    Args:
        levels: c1 [1, side, side, 112], c2 [1, side/2, side/2, 224], c3 [1, side/4, side/4, 448],
            c4 [1, side/8, side/8, 896].
        maps: Matrices [512, 112], [512, 224], [512, 448], [512, 896]: 256 rows for each head.
        bias: Bias [512] of the sum.
        classifiers: Matte weight [1, 256, 1, 1], matte bias [1], foreground weight
            [3, 256, 1, 1], foreground bias [3].
        side: Height and width of c1.
        rows: Rows of c1 per band, by device; multiples of 8 that divide `side`.

    Returns:
        Logits [1, side, side, 4]: matte, then foreground.
    """
    alpha_weight, alpha_bias, fg_weight, fg_bias = classifiers
    logits: list[Tensor] = []
    count = rows_on(bias, rows)
    for start in range(0, side, count):
        total = F.linear(levels[0].narrow(1, start, count), maps[0], bias)  # [1, count, side, 512]
        shrink = 1
        for level in range(1, 4):
            shrink *= 2
            first, small_count = start // shrink, count // shrink
            # One more row on each side: the outermost rows are blended with those neighbors.
            above, below = min(1, first), min(1, side // shrink - first - small_count)
            band = levels[level].narrow(1, first - above, above + small_count + below)
            small = F.linear(band, maps[level]).permute(0, 3, 1, 2)
            height = (above + small_count + below) * shrink
            large = torch.ops.aten.upsample_bilinear2d(small, [height, side], False)
            # Cuts the margin off: [1, 512, height, side] → [1, count, side, 512].
            total += large.narrow(2, above * shrink, count).permute(0, 2, 3, 1)
        of_alpha, of_fg = total.relu_().chunk(2, 3)  # [1, count, side, 256] each
        alpha = F.linear(of_alpha, alpha_weight.flatten(1), alpha_bias)
        fg = F.linear(of_fg, fg_weight.flatten(1), fg_bias)
        logits.append(torch.cat([alpha, fg], 3))
    return torch.cat(logits, 1)
