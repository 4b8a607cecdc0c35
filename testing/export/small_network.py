"""A network of two layers that stands in for CorridorKey's where its size would only cost time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def _unchanged(x: Tensor) -> Tensor:
    return x


class SmallNetwork(nn.Module):
    """Has the methods of `CorridorKeyTransformer`, for images of any size.

    Args:
        step: Function of the network's input that runs first.
    """

    def __init__(self, step: Callable[[Tensor], Tensor] = _unchanged) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(4, 4, 3, padding=1)
        self.delta = nn.Conv2d(7, 4, 3, padding=1)
        self.step = step
        self.requires_grad_(False)

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        """Does what `CorridorKeyTransformer.coarse_logits` does."""
        return self.coarse(self.step(rgb_hint))

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """Does what `CorridorKeyTransformer.delta_logits` does."""
        return self.delta(torch.cat([rgb, coarse], 1))
