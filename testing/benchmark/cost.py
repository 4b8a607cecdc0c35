"""Counts the kernels, bytes and FLOPs of a network on the meta device, where nothing is computed.

Counts are those of an eager run on a GPU: one kernel per operator of ATen, except

- views and allocations: none;
- `F.scaled_dot_product_attention` of four dimensions: one, as it is fused; in other dimensions the
  operators that it falls back to;
- convolutions with a bias: two, because PyTorch adds the bias after cuDNN's convolution;
- GroupNorm: three, for its moments, its scale and shift, and their application.

A kernel reads its operands once and writes its results once.
"""

import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count
from torch.utils.weak import WeakIdKeyDictionary

aten = torch.ops.aten

_KINDS = {
    aten.mm: "matrix",
    aten.addmm: "matrix",
    aten.bmm: "matrix",
    aten.baddbmm: "matrix",
    aten.convolution: "convolution",
}
_WRITES_WITHOUT_READING = {aten.copy_, aten.fill_, aten.zero_}
_ALLOCATIONS = {aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty}


class Kernel(NamedTuple):
    """One launch.

    Attributes:
        name: Name of the operator.
        kind: Kind of arithmetic: "attention", "matrix", "convolution" or "other".
        dtype: Type of the first result.
        bytes: Bytes read and written.
        flops: Floating-point operations; a multiplication and an addition count as two. Only those
            of attention, matrices and convolutions count.
    """

    name: str
    kind: str
    dtype: torch.dtype
    bytes: int
    flops: int


class CostCounter(TorchDispatchMode):
    """Records the kernels of what runs inside `with CostCounter() as counter:`.

    Attributes:
        kernels: The kernels in order.
        peak_bytes: Most memory that results took at a time; inputs and weights do not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []
        self.peak_bytes = 0
        self._live_bytes = 0
        self._live: Any = WeakIdKeyDictionary()
        self._patch = mock.patch.object(F, "scaled_dot_product_attention", self._attention)

    def __enter__(self) -> "CostCounter":
        self._patch.start()
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        self._patch.stop()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        operands, results = _tensors((args, kwargs)), _tensors(result)
        self._allocate(results)
        operator = func.overloadpacket
        if operator in _ALLOCATIONS or (
            not func._schema.is_mutable and _are_views(results, operands)
        ):
            return result
        if operator is aten.native_group_norm:
            self._add_group_norm(operands, results[0])
            return result
        reads = operands[1:] if operator in _WRITES_WITHOUT_READING else operands
        flops = 0
        if operator in flop_registry:
            flops = flop_registry[operator](*args, **kwargs, out_val=result)
        self._add(str(operator), _KINDS.get(operator, "other"), reads, results, flops)
        if operator is aten.convolution and args[2] is not None:
            self._add("bias", "other", [results[0], args[2]], results)
        return result

    def _attention(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Stands in for `F.scaled_dot_product_attention`."""
        if q.dim() != 4:
            return aten._scaled_dot_product_attention_math(q, k, v)[0]
        with torch.utils._python_dispatch._disable_current_modes():
            result = torch.empty_like(q)
        self._allocate([result])
        flops = sdpa_flop_count(q.shape, k.shape, v.shape)
        self._add("scaled_dot_product_attention", "attention", [q, k, v], [result], flops)
        return result

    def _add_group_norm(self, operands: list[Tensor], result: Tensor) -> None:
        x, *weights = operands
        self._add("moments", "other", [x], [])
        self._add("scale and shift", "other", weights, [])
        self._add("normalize", "other", [x], [result])

    def _add(
        self,
        name: str,
        kind: str,
        reads: Iterable[Tensor],
        writes: list[Tensor],
        flops: int = 0,
    ) -> None:
        moved = sum(map(_bytes, reads)) + sum(map(_bytes, writes))
        dtype = next((t.dtype for t in [*writes, *reads] if t.is_floating_point()), torch.float32)
        self.kernels.append(Kernel(name.removeprefix("aten."), kind, dtype, moved, flops))

    def _allocate(self, results: list[Tensor]) -> None:
        for result in results:
            storage = result.untyped_storage()
            if storage in self._live:
                continue
            self._live[storage] = True
            size = storage.nbytes()
            self._live_bytes += size
            self.peak_bytes = max(self.peak_bytes, self._live_bytes)
            weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self._live_bytes -= size


def count(work: Callable[[], object]) -> CostCounter:
    """Runs `work`, which must use the meta device, and returns its counts."""
    with torch.no_grad(), CostCounter() as counter:
        work()
    return counter


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


def _are_views(results: list[Tensor], operands: list[Tensor]) -> bool:
    storages = {operand.untyped_storage()._cdata for operand in operands}
    return all(result.untyped_storage()._cdata in storages for result in results)


def _bytes(tensor: Tensor) -> int:
    """Returns the bytes that a kernel moves for an operand; those of a broadcast one count once."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    distinct = [size for size, stride in sizes if stride != 0]
    return torch.Size(distinct).numel() * tensor.itemsize
