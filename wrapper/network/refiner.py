"""The refiner: corrects the coarse key at full resolution, in logits.

Its 64-channel maps (1.1 GB each at S = 2048 in float32) set the network's peak memory, and its
passes over them a large part of its time. What is cheap differs by device, so it computes the same
in two ways: `refiner_cpu` and `refiner_gpu`.
"""

import torch
from torch import Tensor, nn

from wrapper.network import bands, refiner_cpu, refiner_gpu
from wrapper.network.bands import banded, rows_of, rows_on, weights_of

_CHANNELS = 64
_GROUPS = 8


class Refiner(nn.Module):
    """A stem, four residual blocks of growing dilation, and a projection to four logits.

    Args:
        resolution: Height and width S of the image, in pixels; a multiple of 32.
    """

    def __init__(self, resolution: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.stem = nn.Sequential(
            nn.Conv2d(7, _CHANNELS, 3, padding=1), nn.GroupNorm(_GROUPS, _CHANNELS), nn.ReLU()
        )
        self.res1 = ResidualBlock(dilation=1)
        self.res2 = ResidualBlock(dilation=2)
        self.res3 = ResidualBlock(dilation=4)
        self.res4 = ResidualBlock(dilation=8)
        self.final = nn.Conv2d(_CHANNELS, 4, 1)

    def forward(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """Maps RGB [1, 3, S, S] and coarse key [1, 4, S, S] to corrections of the logits."""
        side = self.resolution
        rows = rows_of(side, side * _CHANNELS, unit=32)
        delta = refine(rgb, coarse, weights_of(self), side, rows)
        # A trace records `* 10.0` as a float64 tensor on the tracing device, this as a number.
        return torch.ops.aten.mul.Scalar(delta, 10.0)


class ResidualBlock(nn.Module):
    """Holds the weights of two 3×3 convolutions with GroupNorm, which are added to their input."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=dilation, dilation=dilation)
        self.gn1 = nn.GroupNorm(_GROUPS, _CHANNELS)
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=dilation, dilation=dilation)
        self.gn2 = nn.GroupNorm(_GROUPS, _CHANNELS)


@banded
def refine(
    rgb: Tensor, coarse: Tensor, weights: list[Tensor], side: int, rows: list[int]
) -> Tensor:
    """Refines in the way of the device.

    Args:
        rgb: Normalized plate [1, 3, S, S].
        coarse: Coarse key [1, 4, S, S].
        weights: Weight and bias each of nine pairs of a 3×3 convolution and its GroupNorm, then of
            the 1×1 convolution. The convolutions' dilations are 1, then 1, 1, 2, 2, 4, 4, 8, 8.
        side: Height and width S, in pixels.
        rows: Rows per band, by device.

    Returns:
        A tenth of the corrections of the logits, [1, 4, S, S], float32.
    """
    count = rows_on(rgb, rows)
    if bands.on_gpu(rgb):
        return refiner_gpu.refine(rgb, coarse, weights, side, count).float()
    image = torch.cat((rgb, coarse.type_as(rgb)), 1)
    return refiner_cpu.refine(image, weights, side, count).float()
