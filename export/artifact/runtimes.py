"""Lists the libtorch versions that a file is made for, and the operators it may use there."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # verify's parent process reads the table and must not import torch
    from wrapper.network.attention import Attention


@dataclasses.dataclass(frozen=True)
class Runtime:
    """A group of Nuke versions that load the same file.

    Attributes:
        nuke: Versions of Nuke, for people.
        libtorch: Oldest and newest libtorch that these versions ship.
        attention: Implementation of attention that the network is traced with.
        attention_operators: Operators of that implementation.
    """

    nuke: str
    libtorch: tuple[str, str]
    attention: Attention
    attention_operators: frozenset[str]


RUNTIMES = {
    "nuke17": Runtime(
        nuke="15.1 to 17.0",
        libtorch=("2.1.1", "2.7.1"),
        attention="fused",
        attention_operators=frozenset({"aten::scaled_dot_product_attention"}),
    ),
    "nuke14": Runtime(
        nuke="14.0 to 15.0",
        libtorch=("1.12.1", "1.12.1"),
        attention="chunked",
        attention_operators=frozenset({"aten::softmax.int"}),
    ),
}

NETWORK_OPERATORS = frozenset(
    {
        "aten::_convolution",
        "aten::abs",
        "aten::add.Scalar",
        "aten::add.Tensor",
        "aten::add_.Tensor",
        "aten::addcmul",
        "aten::addcmul_",
        "aten::addmv",
        "aten::amax",
        "aten::cat",
        "aten::chunk",
        "aten::clamp",
        "aten::clamp_.Tensor",
        "aten::constant_pad_nd",
        "aten::contiguous",
        "aten::conv2d",
        "aten::copy_",
        "aten::copysign.Tensor",
        "aten::div.Scalar",
        "aten::div.Tensor",
        "aten::expand",
        "aten::flatten.using_ints",
        "aten::gelu",
        "aten::layer_norm",
        "aten::linear",
        "aten::matmul",
        "aten::maximum",
        "aten::mean.dim",
        "aten::mul.Scalar",
        "aten::mul.Tensor",
        "aten::mul_.Tensor",
        "aten::narrow",
        "aten::neg",
        "aten::new_empty",
        "aten::new_full",
        "aten::new_zeros",
        "aten::ones_like",
        "aten::permute",
        "aten::relu",
        "aten::relu_",
        "aten::reshape",
        "aten::rsqrt",
        "aten::select.int",
        "aten::split.Tensor",
        "aten::square",
        "aten::square_",
        "aten::squeeze.dim",
        "aten::stack",
        "aten::sub.Tensor",
        "aten::sum.dim_IntList",
        "aten::to.dtype",
        "aten::transpose.int",
        "aten::type_as",
        "aten::unbind.int",
        "aten::unsqueeze",
        "aten::upsample_bilinear2d",
        "aten::var_mean.dim",
        "aten::view",
    }
)
"""Operators that the traced network may use in every runtime, without those of attention.

None of them queries a size, a device or a dtype: those values are literals or follow from tensors.
`to.dtype` may state float32, in which the network adds up what half would round too early, and
half, in which a fast file computes on a GPU.
"""

LOOP_OPERATORS = frozenset(
    {
        "aten::__derive_index",
        "aten::__getitem__.t",
        "aten::__lshift__.int",
        "aten::__range_length",
        "aten::_set_item.t",
        "aten::add.int",
        "aten::add.t",
        "aten::append.t",
        "aten::floordiv.int",
        "aten::gt.int",
        "aten::len.t",
        "aten::lt.int",
        "aten::mul.int",
        "aten::ne.str",
        "aten::slice.t",
        "aten::sub.int",
        "prim::device",
        "prim::min.int",
        "prim::min.self_int",
        "prim::type",
    }
)
"""Integer and list operators that the network's loops over bands may use in every runtime, and the
type of a tensor's device ("cpu"), which decides the size of a band."""

WRAPPER_OPERATORS = frozenset(
    {
        "aten::Int.float",
        "aten::_upsample_bilinear2d_aa",
        "aten::add.Scalar",
        "aten::add.Tensor",
        "aten::add.float",
        "aten::add.int",
        "aten::add_.Tensor",
        "aten::arange.start",
        "aten::avg_pool2d",
        "aten::cat",
        "aten::clamp",
        "aten::clamp_",
        "aten::constant_pad_nd",
        "aten::contiguous",
        "aten::copy_",
        "aten::dim",
        "aten::div",
        "aten::div.Scalar",
        "aten::div.Tensor",
        "aten::div.float",
        "aten::div.int",
        "aten::eq.int",
        "aten::floor_divide.Scalar",
        "aten::floordiv.int",
        "aten::format",
        "aten::gt.float",
        "aten::gt.int",
        "aten::index_select",
        "aten::le.Scalar",
        "aten::lt.int",
        "aten::max_pool2d",
        "aten::maximum",
        "aten::mean",
        "aten::minimum",
        "aten::mul.Scalar",
        "aten::mul.Tensor",
        "aten::mul.float",
        "aten::mul.float_int",
        "aten::mul.int",
        "aten::nan_to_num",
        "aten::ne.int",
        "aten::neg",
        "aten::pow.Tensor_Scalar",
        "aten::promote_types",
        "aten::sigmoid",
        "aten::size",
        "aten::size.int",
        "aten::slice.Tensor",
        "aten::sub.Scalar",
        "aten::sub.Tensor",
        "aten::sub.float_int",
        "aten::sub.int",
        "aten::to.dtype",
        "aten::transpose.int",
        "aten::view",
        "aten::where.self",
        "prim::RaiseException",
        "prim::device",
        "prim::dtype",
        "prim::max.int",
        "prim::min.float",
    }
)
"""Operators that the scripted wrapper around the network may use in every runtime."""
