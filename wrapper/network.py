"""The CorridorKey network: encoder, two decoder heads, refiner.

Attribute names are the checkpoint's keys. Everything here is inference only: no gradients, and
dropout, which would be an identity, is left out.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wrapper import hiera
from wrapper.attention import Attention


class KeyingOutput(NamedTuple):
    """What the network makes of one image, for a resolution S.

    Attributes:
        coarse_alpha: Matte before the refiner, [1, 1, S, S], in [0, 1].
        coarse_fg: Foreground before the refiner, sRGB [1, 3, S, S], in [0, 1].
        delta: What the refiner adds to the logits, alpha then foreground, [1, 4, S, S].
        fine_alpha: Refined matte, [1, 1, S, S], in [0, 1].
        fine_fg: Refined foreground, sRGB [1, 3, S, S], in [0, 1].
    """

    coarse_alpha: Tensor
    coarse_fg: Tensor
    delta: Tensor
    fine_alpha: Tensor
    fine_fg: Tensor


class LinearProjection(nn.Module):
    """A linear layer over the channels of a feature map."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Projects [1, C, h, w] to [1, D, h, w]."""
        return self.proj(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class DecoderHead(nn.Module):
    """Fuses the four feature levels into logits (the head of SegFormer, arXiv:2105.15203).

    Args:
        resolution: Height and width S of the logits, in pixels.
        out_channels: Channels of the logits.
    """

    def __init__(self, resolution: int, out_channels: int) -> None:
        super().__init__()
        width = 256
        self.resolution = resolution
        self.linear_c4 = LinearProjection(hiera.CHANNELS[3], width)
        self.linear_c3 = LinearProjection(hiera.CHANNELS[2], width)
        self.linear_c2 = LinearProjection(hiera.CHANNELS[1], width)
        self.linear_c1 = LinearProjection(hiera.CHANNELS[0], width)
        self.linear_fuse = nn.Conv2d(4 * width, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.classifier = nn.Conv2d(width, out_channels, 1)

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Decodes the encoder's features to logits [1, out_channels, S, S]."""
        c1, c2, c3, c4 = features
        grid = self.resolution // 4
        levels = (
            _upsample(self.linear_c4(c4), grid),
            _upsample(self.linear_c3(c3), grid),
            _upsample(self.linear_c2(c2), grid),
            self.linear_c1(c1),
        )
        fused = F.relu(self.bn(self.linear_fuse(torch.cat(levels, 1))))
        return _upsample(self.classifier(fused), self.resolution)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with GroupNorm, added to their input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.gn1 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.gn2 = nn.GroupNorm(8, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [1, C, S, S] to [1, C, S, S]."""
        return F.relu(x + self.gn2(self.conv2(F.relu(self.gn1(self.conv1(x))))))


class Refiner(nn.Module):
    """Corrects the coarse key at full resolution, in logits."""

    def __init__(self) -> None:
        super().__init__()
        channels = 64
        self.stem = nn.Sequential(
            nn.Conv2d(7, channels, 3, padding=1), nn.GroupNorm(8, channels), nn.ReLU()
        )
        self.res1 = ResidualBlock(channels, dilation=1)
        self.res2 = ResidualBlock(channels, dilation=2)
        self.res3 = ResidualBlock(channels, dilation=4)
        self.res4 = ResidualBlock(channels, dilation=8)
        self.final = nn.Conv2d(channels, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps RGB and coarse key [1, 7, S, S] to logit corrections [1, 4, S, S]."""
        x = self.res4(self.res3(self.res2(self.res1(self.stem(x)))))
        # A trace records `* 10.0` as a float64 tensor on the tracing device, this as a number.
        return torch.ops.aten.mul.Scalar(self.final(x), 10.0)


class CorridorKeyTransformer(nn.Module):
    """The network, at one resolution and for one image at a time.

    Its weights begin on the meta device, so that making one costs nothing at any resolution: give
    it real ones with `load_state_dict(state_dict, assign=True)`.

    Args:
        resolution: Height and width S of the image, in pixels; a multiple of 32.
        attention: How the encoder attends, "fused" or "chunked"; the second for libtorch before
            2.0.

    Raises:
        ValueError: The resolution is not a positive multiple of 32.
    """

    def __init__(self, resolution: int, attention: Attention = "fused") -> None:
        if resolution < 32 or resolution % 32:
            raise ValueError(f"resolution must be a positive multiple of 32, not {resolution}")
        super().__init__()
        with torch.device("meta"):
            self.encoder = hiera.HieraEncoder(resolution, attention)
            self.alpha_decoder = DecoderHead(resolution, out_channels=1)
            self.fg_decoder = DecoderHead(resolution, out_channels=3)
            self.refiner = Refiner()
        # Without gradients a host that forgets no_grad keeps no activations alive.
        self.eval().requires_grad_(False)

    def coarse_logits(self, rgb_hint: Tensor) -> tuple[Tensor, Tensor]:
        """Keys an image.

        Args:
            rgb_hint: [1, 4, S, S]: sRGB plate normalised with the ImageNet mean and deviation, and
                the coarse hint as it is.

        Returns:
            Logits of the matte [1, 1, S, S] and of the foreground [1, 3, S, S].
        """
        features = self.encoder(rgb_hint)
        return self.alpha_decoder(features), self.fg_decoder(features)

    def delta_logits(self, rgb: Tensor, coarse_alpha: Tensor, coarse_fg: Tensor) -> Tensor:
        """Refines a key.

        Args:
            rgb: Normalised plate [1, 3, S, S].
            coarse_alpha: Sigmoid of the matte's logits, [1, 1, S, S].
            coarse_fg: Sigmoid of the foreground's logits, [1, 3, S, S].

        Returns:
            [1, 4, S, S] to add to the logits: alpha, then foreground.
        """
        return self.refiner(torch.cat((rgb, coarse_alpha, coarse_fg), 1))

    def forward(self, rgb_hint: Tensor) -> KeyingOutput:
        """Runs the whole network eagerly on an input as for `coarse_logits`."""
        alpha_logits, fg_logits = self.coarse_logits(rgb_hint)
        coarse_alpha, coarse_fg = alpha_logits.sigmoid(), fg_logits.sigmoid()
        delta = self.delta_logits(rgb_hint[:, :3], coarse_alpha, coarse_fg)
        return KeyingOutput(
            coarse_alpha,
            coarse_fg,
            delta,
            fine_alpha=(alpha_logits + delta[:, :1]).sigmoid(),
            fine_fg=(fg_logits + delta[:, 1:]).sigmoid(),
        )


def _upsample(x: Tensor, side: int) -> Tensor:
    """Resizes bilinearly, [1, C, h, w] → [1, C, side, side]."""
    return F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
