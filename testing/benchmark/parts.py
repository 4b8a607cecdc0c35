"""Splits a contender into parts that can be timed or counted one by one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

PARTS = ("encoder", "decoders", "refiner", "resize and blend")


def parts(wrapper: CorridorKeyNukeWrapper, plate: Tensor) -> dict[str, Callable[[], object]]:
    """Returns a function for each of `PARTS` that runs this part alone.

    Args:
        wrapper: Eager wrapper; it is changed and of no use afterwards.
        plate: Frame [1, 4, H, W] on the wrapper's device, in its dtype.
    """
    network: Any = wrapper.network
    side = wrapper.resolution
    image = torch.rand(1, 4, side, side, device=plate.device).to(plate.dtype)
    encoder = network.encoder
    network.encoder = _Answer(encoder(image))
    answer: Any = _Answer(image)
    wrapper.network = answer
    return {
        "encoder": lambda: encoder(image),
        "decoders": lambda: network.coarse_logits(image),
        "refiner": lambda: network.delta_logits(image[:, :3], image),
        "resize and blend": lambda: wrapper(plate),
    }


class _Answer(nn.Module):
    """Stands in for a network, or a part of one, with an answer that takes no time."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, _image: Tensor) -> Any:
        return self.answer

    def coarse_logits(self, _rgb_hint: Tensor) -> Any:
        return self.answer

    def delta_logits(self, _rgb: Tensor, _coarse: Tensor) -> Any:
        return self.answer
