"""Running a network for the shapes of its tensors: nothing is computed, no memory is touched.

`torch.jit.trace` needs operators and shapes, not values. At a resolution of 2048 an honest forward
takes minutes and gigabytes; under `ShapesOnly` the same trace takes seconds.
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
    """Inside `with ShapesOnly():` operators return unwritten CPU memory of the right form.

    Only two kinds run for real, as something depends on their answers: questions about a tensor's
    form, and arithmetic on sizes, which a trace does with integer tensors.

    `torch.jit.trace` records here what it records outside. Some tensor types differ in the stride
    of a dimension of size 1; types are not saved.
    """

    def __init__(self) -> None:
        super().__init__()
        # Tracing belongs to a thread: on the one that traces, even reading `x.shape` is recorded.
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
            # A trace does not record this operator, but the `_convolution` that its kernel calls.
            # A mode takes the place of the kernel, and runs with the tracer switched off.
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
        return self._elsewhere.submit(_unwritten_result, func, args, kwargs).result()


def _convolution(
    input: Tensor,  # The tracer names values after local variables: these are `nn.Conv2d`'s.
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor:
    """Calls the operator that the kernel of `aten::convolution` calls, with the same flags."""
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


def _unwritten_result(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if "device" in kwargs:
        kwargs = kwargs | {"device": "meta"}
    meta_args, meta_kwargs = pytree.tree_map_only(Tensor, _unwritten_on("meta"), (args, kwargs))
    return pytree.tree_map_only(Tensor, _unwritten_on("cpu"), func(*meta_args, **meta_kwargs))


def _unwritten_on(device: str) -> Any:
    return lambda x: torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=device)
