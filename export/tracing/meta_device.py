"""A saved file run on the meta device, which has shapes and dtypes but no values.

There a tensor made on the CPU in forward raises, with no GPU at hand.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class MetaCounter(TorchDispatchMode):
    """Counts operators, and lets traced convolutions run on the meta device.

    There, PyTorch 2.7 implements `convolution` but not the `_convolution` that a trace records.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.calls[str(func)] += 1
        if func is torch.ops.aten._convolution.default:
            return torch.ops.aten.convolution.default(*args[:9])
        return func(*args, **(kwargs or {}))


def run_on_meta(path: Path, shape: tuple[int, ...], **knobs: float) -> tuple[Tensor, Counter[str]]:
    """Keys a frame of a given shape in half, with knobs set; returns it and what was called."""
    keyer = torch.jit.load(path, map_location="meta").half()
    for name, value in knobs.items():
        setattr(keyer, name, value)
    with MetaCounter() as counter:
        return keyer(torch.zeros(shape, dtype=torch.half, device="meta")), counter.calls
