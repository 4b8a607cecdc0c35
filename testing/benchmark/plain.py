"""The network written the straightforward way, as a baseline for the benchmark.

It has timm's own encoder, decoder heads with one line per layer, and a refiner of whole maps. Keys,
inputs and outputs are those of `CorridorKeyTransformer`, so it takes the same weights and wrapper,
and its outputs are held to the golden data.
"""

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wrapper.network.hiera import CHANNELS


class PlainNetwork(nn.Module):
    """Replaces `CorridorKeyTransformer`.

    Args:
        resolution: Height and width S of the image, in pixels.
    """

    def __init__(self, resolution: int) -> None:
        super().__init__()
        with torch.device("meta"):
            self.encoder = timm.create_model(
                "hiera_base_plus_224.mae_in1k_ft_in1k",
                pretrained=False,
                features_only=True,
                img_size=resolution,
                in_chans=4,
            )
            self.alpha_decoder = _Head(resolution, 1)
            self.fg_decoder = _Head(resolution, 3)
            self.refiner = _Refiner()
        self.eval().requires_grad_(False)

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        """Keys an image; see `Network.coarse_logits`."""
        features = self.encoder(rgb_hint)
        return torch.cat([self.alpha_decoder(features), self.fg_decoder(features)], 1)

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """Refines a key; see `Network.delta_logits`."""
        return self.refiner(torch.cat([rgb, coarse], 1))


class _Projection(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 256)

    def forward(self, features: Tensor) -> Tensor:
        return self.proj(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _Head(nn.Module):
    def __init__(self, resolution: int, out_channels: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4 = map(_Projection, CHANNELS)
        self.linear_fuse = nn.Conv2d(1024, 256, 1, bias=False)
        self.bn = nn.BatchNorm2d(256)
        self.classifier = nn.Conv2d(256, out_channels, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        c1, c2, c3, c4 = features
        grid = self.resolution // 4
        levels = (self.linear_c4(c4), self.linear_c3(c3), self.linear_c2(c2), self.linear_c1(c1))
        fused = self.linear_fuse(torch.cat([_upsample(level, grid) for level in levels], 1))
        return _upsample(self.classifier(F.relu(self.bn(fused))), self.resolution)


class _Block(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(64, 64, 3, padding=dilation, dilation=dilation)
        self.gn1 = nn.GroupNorm(8, 64)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=dilation, dilation=dilation)
        self.gn2 = nn.GroupNorm(8, 64)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.gn2(self.conv2(F.relu(self.gn1(self.conv1(x))))))


class _Refiner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(7, 64, 3, padding=1), nn.GroupNorm(8, 64), nn.ReLU())
        self.res1, self.res2, self.res3, self.res4 = map(_Block, (1, 2, 4, 8))
        self.final = nn.Conv2d(64, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.final(self.res4(self.res3(self.res2(self.res1(self.stem(x)))))) * 10.0


def _upsample(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
