"""Processes large maps in bands of rows, which bounds the memory of intermediate results.

On a CPU, allocating a large tensor is slow: the kernel zeroes its pages on first write, which can
cost as much as a layer. A CPU's bands are small enough for the allocator to reuse their memory, and
for the cache. On a GPU every operator of a band costs a launch, 5 to 9 µs of the host's time, so
its bands are larger.

The size is chosen when the file runs, from the device of the map: `rows_of` computes the rows per
band for both kinds of device when the network is traced, and `rows_on` picks one in the loop.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

_Function = TypeVar("_Function", bound=Callable[..., Any])

CPU_VALUES = 1 << 22
"""Most values in any tensor of a band on a CPU. 17 MB in float32: glibc recycles blocks below
32 MB."""

GPU_VALUES = 1 << 26
"""Most values in any tensor of a band elsewhere. 134 MB in half. testing/benchmark has the figures
that this size was chosen by."""


def largest_part(count: int, values: int, limit: int) -> int:
    """Returns the largest divisor n of `count` for which n rows of `values` numbers fit a band.

    Returns 1 if a single row does not fit.

    Args:
        count: Rows to divide.
        values: Numbers in a row of the band's widest tensor.
        limit: Most numbers in that tensor.
    """
    fitting = [n for n in range(1, count + 1) if count % n == 0 and n * values <= limit]
    return max(fitting, default=1)


def rows_of(count: int, values: int, unit: int = 1) -> list[int]:
    """Returns the rows per band on a CPU and on a GPU.

    Args:
        count: Rows of the map; a multiple of `unit`.
        values: Numbers in a row of the band's widest tensor.
        unit: Number that the rows per band are a multiple of.
    """
    limits = (CPU_VALUES, GPU_VALUES)
    return [unit * largest_part(count // unit, unit * values, limit) for limit in limits]


def on_gpu(x: Tensor) -> bool:
    """Returns True unless `x` is on a CPU. So Apple's GPUs count as GPUs."""
    return x.device.type != "cpu"


def rows_on(x: Tensor, rows: list[int]) -> int:
    """Picks the rows per band, of those that `rows_of` returned, for the device of `x`."""
    if on_gpu(x):
        return rows[1]
    return rows[0]


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
