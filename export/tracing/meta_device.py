"""Runs a saved file on the meta device, which has shapes and dtypes but no values.

A file that creates a tensor on a fixed device raises an error there, so that is found without a
GPU.
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

    PyTorch 2.7 has a meta kernel for `convolution` but not for `_convolution`, which traces record.

    Attributes:
        calls: Number of calls by operator.
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
    """Keys a frame in float16 on the meta device.

    Args:
        path: A .pt file.
        shape: Shape of the frame, [1, 4, H, W].
        **knobs: Value by knob.

    Returns:
        The key, and the number of calls by operator.
    """
    keyer = torch.jit.load(path, map_location="meta").half()
    for name, value in knobs.items():
        setattr(keyer, name, value)
    with MetaCounter() as counter:
        return keyer(torch.zeros(shape, dtype=torch.half, device="meta")), counter.calls
