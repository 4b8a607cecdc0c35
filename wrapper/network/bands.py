"""Processes large maps in bands of rows, which bounds the memory of intermediate results.

Allocating a large tensor is slow on a CPU: the kernel zeroes its pages on first write, which can
cost as much as a layer. A band's tensors are small enough for the allocator to reuse, and for the
processor's cache.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

_Function = TypeVar("_Function", bound=Callable[..., Any])

VALUES = 1 << 22
"""Most values in any tensor of a band. 17 MB in float32: glibc recycles blocks below 32 MB."""


def largest_part(count: int, values: int) -> int:
    """Returns the largest divisor n of `count` for which n rows of `values` numbers fit a band.

    Returns 1 if a single row does not fit.
    """
    fitting = [n for n in range(1, count + 1) if count % n == 0 and n * values <= VALUES]
    return max(fitting, default=1)


def weights_of(*modules: nn.Module) -> list[Tensor]:
    """Returns the parameters of `modules` in registration order: weight, bias, weight, bias.

    Banded functions take this list because TorchScript functions cannot take modules. Each unpacks
    it in its first line.
    """
    return [parameter for module in modules for parameter in module.parameters()]


def banded(function: _Function) -> _Function:
    """Compiles a function when a trace reaches it, so the trace keeps one loop.

    A plain trace would record every turn of the loop. Eager calls are unchanged.
    TorchFunctionModes see the function as one of torch's.

    TorchScript functions cannot read a module's globals. Hence the literals in banded functions:
    56 channels per head, 1e-6 and 1e-5 for the norms, 8 groups.
    """
    return wrap_torch_function(_tensors)(torch.jit.script_if_tracing(function))


def _tensors(*args: Any) -> list[Tensor]:
    return [arg for arg in args if isinstance(arg, Tensor)]
