"""Working through large maps in bands of rows, so that what is held meanwhile is small.

A new tensor is new memory, which the system clears page by page when it is first written: on a CPU
that takes as long as many a layer. A band's tensors are small enough for the allocator to keep and
to give out again, and they stay in the cache of the processor, or of the GPU.

The loops over bands are scripted, not traced, so that the file holds each of them once.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

_Function = TypeVar("_Function", bound=Callable[..., Any])

VALUES = 1 << 22
"""Of the widest tensor of a band: 17 MB in float32, where glibc keeps what is below 32 MB."""


def largest_part(count: int, values: int) -> int:
    """Of so many rows of so many values, as many as fit into a band and divide their number."""
    fitting = [n for n in range(1, count + 1) if count % n == 0 and n * values <= VALUES]
    return max(fitting, default=1)


def weights_of(*modules: nn.Module) -> list[Tensor]:
    """The parameters of modules, in order: what a banded function takes in their place."""
    return [parameter for module in modules for parameter in module.parameters()]


def banded(function: _Function) -> _Function:
    """Makes a trace keep the loop in a function, where it would else record each turn.

    Eagerly the function is as it was. Modes that look at torch's functions see it as one of them.
    """
    return wrap_torch_function(_tensors)(torch.jit.script_if_tracing(function))


def _tensors(*args: Any) -> list[Tensor]:
    return [arg for arg in args if isinstance(arg, Tensor)]
