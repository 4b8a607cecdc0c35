"""The CorridorKey network: encoder, two decoder heads, refiner.

Attribute names are the checkpoint's keys. Inference only: there are no gradients and no dropout.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from wrapper.network.attention import Attention
from wrapper.network.decoder import DecoderHead, decode
from wrapper.network.hiera import HieraEncoder
from wrapper.network.refiner import Refiner


class Network(Protocol):
    """The two steps that the wrapper calls, for images of one resolution S."""

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        """Keys an image.

        Args:
            rgb_hint: [1, 4, S, S]: sRGB plate normalized with ImageNet's mean and deviation, and
                the coarse hint, not normalized.

        Returns:
            Logits [1, 4, S, S], float32: matte, then foreground.
        """

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """Refines a key.

        Args:
            rgb: Normalized plate [1, 3, S, S].
            coarse: Sigmoid of the coarse logits, [1, 4, S, S].

        Returns:
            [1, 4, S, S], float32, to add to the coarse logits.
        """


class KeyingOutput(NamedTuple):
    """Outputs of the network for one image of resolution S.

    Attributes:
        coarse_alpha: Matte before the refiner, [1, 1, S, S], in [0, 1].
        coarse_fg: Foreground before the refiner, sRGB [1, 3, S, S], in [0, 1].
        delta: Refiner's correction of the logits, alpha then foreground, [1, 4, S, S].
        fine_alpha: Refined matte, [1, 1, S, S], in [0, 1].
        fine_fg: Refined foreground, sRGB [1, 3, S, S], in [0, 1].
    """

    coarse_alpha: Tensor
    coarse_fg: Tensor
    delta: Tensor
    fine_alpha: Tensor
    fine_fg: Tensor


class CorridorKeyTransformer(nn.Module):
    """The published network, for one resolution and one image at a time.

    Its weights start on the meta device, so making one costs nothing at any resolution. Give it
    real ones with `load_state_dict(state_dict, assign=True)`.

    Args:
        resolution: Height and width S of the image, in pixels; a multiple of 32.
        attention: How the encoder attends; "chunked" for libtorch before 2.0.
        fast: True to compute in half on a GPU, as `fast.py` says.

    Raises:
        ValueError: The resolution is not a positive multiple of 32.
    """

    def __init__(self, resolution: int, attention: Attention = "fused", fast: bool = False) -> None:
        if resolution < 32 or resolution % 32:
            raise ValueError(
                f"resolution is {resolution}; expected a positive multiple of 32, such as 2048"
            )
        super().__init__()
        self.resolution = resolution
        with torch.device("meta"):
            self.encoder = HieraEncoder(resolution, attention, fast)
            self.alpha_decoder = DecoderHead(out_channels=1)
            self.fg_decoder = DecoderHead(out_channels=3)
            self.refiner = Refiner(resolution)
        # Without gradients a host that forgets no_grad keeps no activations alive.
        self.eval().requires_grad_(False)

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        """Keys an image; see `Network.coarse_logits`."""
        features = self.encoder(rgb_hint)
        return decode(self.alpha_decoder, self.fg_decoder, features, self.resolution)

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """Refines a key; see `Network.delta_logits`."""
        return self.refiner(rgb, coarse)

    def forward(self, rgb_hint: Tensor) -> KeyingOutput:
        """Runs both steps eagerly; `rgb_hint` as for `coarse_logits`."""
        logits = self.coarse_logits(rgb_hint)
        coarse = logits.sigmoid()
        delta = self.delta_logits(rgb_hint[:, :3], coarse)
        fine = (logits + delta).sigmoid()
        return KeyingOutput(coarse[:, :1], coarse[:, 1:], delta, fine[:, :1], fine[:, 1:])
