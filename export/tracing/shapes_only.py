"""Runs a network for the shapes of its tensors only: computes nothing and touches no memory.

`torch.jit.trace` needs operators and shapes, not values. At a resolution of 2048 a real forward
pass takes minutes and gigabytes; under `ShapesOnly` the same trace takes seconds.

torch's own FakeTensorMode does not work inside `torch.jit.trace` (tried with torch 2.7.1). It reads
sizes in Python on the tracing thread, where the tracer replaces each size by a tensor: with real
weights it stops at an assertion (`guard_size_oblivious`, or the tracer's `list_trace.size()` when
its cache is off). With fake weights it also fakes the integer tensors that hold sizes, whose values
the trace then needs (DataDependentOutputException). `ShapesOnly` asks the same meta kernels for the
shapes, but on another thread, and computes sizes for real.
"""

import concurrent.futures
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
_TRACER: Any = torch._C._parse_dispatch_key("Tracer")


class ShapesOnly(TorchDispatchMode):
    """Within `with ShapesOnly():` operators return uninitialized CPU tensors.

    They have the right shape, dtype and strides. Two kinds of operators still run for real, because
    tracing uses their results: queries about a tensor's form, and integer arithmetic on sizes.

    `torch.jit.trace` records what it records without this mode. Only the stride of a dimension of
    size 1 may differ in a tensor's type, and types are not saved.
    """

    def __init__(self) -> None:
        super().__init__()
        # The tracing thread records even a read of `x.shape`; other threads are not traced.
        self._elsewhere = concurrent.futures.ThreadPoolExecutor(max_workers=1)

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is aten.convolution.default:
            # A trace records not this operator but `_convolution`, which its kernel calls. This
            # mode replaces the kernel and runs with the tracer off, so it makes that call itself,
            # with the tracer on.
            with self, torch._C._SetExcludeDispatchKeyGuard(_TRACER, False):
                return _convolution(*args)
        if func is aten._convolution.default:
            func, args = aten.convolution.default, args[:9]  # has a meta kernel
        if torch.Tag.inplace_view in func.tags or not _any_float(args):
            return func(*args, **kwargs)
        if not _returns_tensors(func):
            return func(*args, **kwargs)
        if func._schema.is_mutable:
            return args[0]
        return self._elsewhere.submit(_uninitialized_result, func, args, kwargs).result()


def _convolution(
    # The tracer names values after local variables; these are the names in `nn.Conv2d`.
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor:
    """Calls `aten::_convolution` with the flags that the kernel of `aten::convolution` passes."""
    cudnn = torch.backends.cudnn
    return torch._convolution(
        input,
        weight,
        bias,
        stride,
        padding,
        dilation,
        transposed,
        output_padding,
        groups,
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.enabled,
        cudnn.allow_tf32,
    )


def _returns_tensors(func: OpOverload) -> bool:
    return any("Tensor" in str(value.type) for value in func._schema.returns)


def _any_float(args: tuple[Any, ...]) -> bool:
    leaves = pytree.tree_leaves(args)
    return any(leaf.is_floating_point() for leaf in leaves if isinstance(leaf, Tensor))


def _uninitialized_result(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Runs the meta kernel of an operator, and allocates its results on the CPU."""
    if "device" in kwargs:
        kwargs = kwargs | {"device": "meta"}
    meta_args, meta_kwargs = pytree.tree_map_only(Tensor, _uninitialized_on("meta"), (args, kwargs))
    return pytree.tree_map_only(Tensor, _uninitialized_on("cpu"), func(*meta_args, **meta_kwargs))


def _uninitialized_on(device: str) -> Any:
    return lambda x: torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=device)
