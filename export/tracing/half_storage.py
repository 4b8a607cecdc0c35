"""Weights stored in half: which of them, and how a network computes with them all the same.

Only the file is in half. A trace made under `CastToInput` casts each weight, where it is used, to
the dtype of what it meets there. So a float32 plate is keyed in float32, on CPUs too, where
libtorch before 2.2 has no convolution in half; and a host that asks for half has the whole network
in half, as with any other file.
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
    """Rounds matrices and kernels to half; they are 99.8 % of the numbers.

    Vectors stay as they are: the BatchNorm statistics among them know no bounds, and half does.

    Raises:
        CheckpointError: A weight is too large for half; the message names its key.
    """
    rounded = {
        key: tensor.half() if tensor.dim() > 1 else tensor
        for key, tensor in checkpoint.state_dict.items()
    }
    for key, tensor in rounded.items():
        if not torch.stack(tensor.aminmax()).isfinite().all():
            raise CheckpointError(f"{key} has values too large for float16; export float32")
    return dataclasses.replace(checkpoint, state_dict=rounded)


class CastToInput(TorchFunctionMode):
    """Inside `with CastToInput():` half tensors are cast to float32 where they meet it.

    The cast asks for the other tensor's dtype by naming that tensor, so that a trace records no
    dtype.
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
