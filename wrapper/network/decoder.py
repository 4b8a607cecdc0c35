"""The two decoder heads: from four feature levels to coarse logits.

A head (that of SegFormer, arXiv:2105.15203) projects each level to 256 channels, enlarges it to
the grid of S/4, and fuses all four by a 1×1 convolution and a BatchNorm. All of that is linear, and
enlarging bilinearly commutes with a map of the channels. So each level takes one small matrix,
projection, fusion and BatchNorm in one, at its own resolution, and the results are added up. No
map of 1024 channels is made, and 165 billion multiplications at S = 2048 become 28.

The matrices are made from the checkpoint's tensors on every frame, in milliseconds. So the file
holds those tensors as they are, and its bytes do not depend on how a CPU multiplies matrices.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wrapper.network.bands import banded, largest_part, weights_of
from wrapper.network.hiera import CHANNELS

_WIDTH = 256


class LinearProjection(nn.Module):
    """The weights of a linear layer over the channels of a feature map."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, _WIDTH)


class DecoderHead(nn.Module):
    """The weights of one head.

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
        """Makes the four maps, for c1 to c4, [256, C] each, and the bias [256] of their sum."""
        norm = self.bn
        scale = norm.weight * torch.ops.aten.add.Scalar(norm.running_var, norm.eps).rsqrt()
        fuse = (self.linear_fuse.weight.flatten(1) * scale.unsqueeze(1)).chunk(4, 1)
        levels = (self.linear_c4, self.linear_c3, self.linear_c2, self.linear_c1)
        bias = norm.bias - norm.running_mean * scale
        for part, level in zip(fuse, levels, strict=True):
            bias = bias + part @ level.proj.bias
        maps = [part @ level.proj.weight for part, level in zip(fuse, levels, strict=True)]
        return maps[::-1], bias


def decode(alpha: DecoderHead, fg: DecoderHead, features: tuple[Tensor, ...], side: int) -> Tensor:
    """Decodes with both heads.

    Args:
        alpha: The head with one channel.
        fg: The head with three.
        features: The encoder's.
        side: Height and width S of the image, in pixels.

    Returns:
        Logits [1, 4, S, S]: matte, then foreground.
    """
    alpha_maps, alpha_bias = alpha.folded()
    fg_maps, fg_bias = fg.folded()
    grid = fuse(
        [level.permute(0, 2, 3, 1) for level in features],
        [torch.cat(pair) for pair in zip(alpha_maps, fg_maps, strict=True)],
        torch.cat([alpha_bias, fg_bias]),
        weights_of(alpha.classifier, fg.classifier),
        side // 4,
        8 * largest_part(side // 32, 8 * (side // 4) * 2 * _WIDTH),
    )
    return torch.ops.aten.upsample_bilinear2d(grid.permute(0, 3, 1, 2), [side, side], False)


@banded
def fuse(
    levels: list[Tensor],
    maps: list[Tensor],
    bias: Tensor,
    classifiers: list[Tensor],
    side: int,
    rows: int,
) -> Tensor:
    """Maps and adds up the four levels, and classifies the sum; channels are last.

    Args:
        levels: c1 [1, side, side, 112], c2 [1, side/2, side/2, 224], and so on.
        maps: [512, 112], [512, 224] and so on: 256 channels for each head.
        bias: [512].
        classifiers: Weights [1, 256, 1, 1] and biases [1] of the head of the matte, and [3, …] of
            the foreground's.
        side: Height and width of c1.
        rows: Of a band of c1, a multiple of 8.

    Returns:
        Logits [1, side, side, 4]: matte, then foreground.
    """
    alpha_weight, alpha_bias, fg_weight, fg_bias = classifiers
    logits: list[Tensor] = []
    for start in range(0, side, rows):
        total = F.linear(levels[0].narrow(1, start, rows), maps[0], bias)
        shrink = 1
        for level in range(1, 4):
            shrink *= 2
            first, count = start // shrink, rows // shrink
            # One row more on each side: the neighbours from which the outermost rows are blended.
            above, below = min(1, first), min(1, side // shrink - first - count)
            band = levels[level].narrow(1, first - above, above + count + below)
            small = F.linear(band, maps[level]).permute(0, 3, 1, 2)
            height = (above + count + below) * shrink
            large = torch.ops.aten.upsample_bilinear2d(small, [height, side], False)
            total += large.narrow(2, above * shrink, rows).permute(0, 2, 3, 1)
        of_alpha, of_fg = total.relu_().chunk(2, 3)
        alpha = F.linear(of_alpha, alpha_weight.flatten(1), alpha_bias)
        fg = F.linear(of_fg, fg_weight.flatten(1), fg_bias)
        logits.append(torch.cat([alpha, fg], 3))
    return torch.cat(logits, 1)
