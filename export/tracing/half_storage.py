"""Stores weights in float16, and lets the network compute in the precision of its input.

A trace made under `CastToInput` casts each weight, where it is used, to the dtype of the tensor
that it is combined with. So a float32 plate is keyed in float32, also on CPUs, where libtorch
before 2.2 has no float16 convolution; and a host that asks for float16 runs the whole network in
float16, as with any other file.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from wrapper.checkpoint.checkpoint import Checkpoint, CheckpointError


def stored_in_half(checkpoint: Checkpoint) -> Checkpoint:
    """Returns a checkpoint with its matrices and kernels, 99.8 % of the numbers, in float16.

    Vectors keep their dtype: BatchNorm statistics are among them, and may exceed float16's range.

    Raises:
        CheckpointError: A weight is too large for float16; the message names its key.
    """
    rounded = {
        key: tensor.half() if tensor.dim() > 1 else tensor
        for key, tensor in checkpoint.state_dict.items()
    }
    for key, tensor in rounded.items():
        if not torch.stack(tensor.aminmax()).isfinite().all():
            raise CheckpointError(
                f"{key} has values too large for float16. Export with --precision float32"
            )
    return dataclasses.replace(checkpoint, state_dict=rounded)


class CastToInput(TorchFunctionMode):
    """Within `with CastToInput():` a float16 tensor combined with a float32 one is cast to it.

    The cast is `type_as(other)`, so a trace records no dtype.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in pytree.tree_leaves(args) if isinstance(leaf, Tensor)]
        wide = next((tensor for tensor in tensors if tensor.dtype == torch.float32), None)
        if wide is not None:
            args = pytree.tree_map_only(Tensor, lambda tensor: _cast(tensor, wide), args)
        return func(*args, **kwargs)


def _cast(tensor: Tensor, wide: Tensor) -> Tensor:
    return tensor.type_as(wide) if tensor.dtype == torch.half else tensor
