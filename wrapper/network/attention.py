"""Computes softmax(q kᵀ · scale) v in the two ways that the versions of Nuke need.

libtorch 1.12, the one in Nuke 14, has no fused operator. There the queries are processed in chunks.
Each query's result depends on that query alone, so chunking does not change it, and only one
chunk's rows of the attention matrix (8.6 GB in all at S = 2048) exist at a time.

Source: Rabe and Staats, Self-attention Does Not Need O(n²) Memory, https://arxiv.org/abs/2112.05682.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from wrapper.network.bands import banded

Attention = Literal["fused", "chunked"]
"""How the encoder attends: with `F.scaled_dot_product_attention`, or with `chunked`."""


def plain(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with all queries at once.

    Args:
        q: Queries [B, heads, N, D].
        k: Keys [B, heads, M, D].
        v: Values [B, heads, M, D].
        scale: Factor of the scores, usually 1/√D.

    Returns:
        [B, heads, N, D].
    """
    # The queries are scaled before the product, because unscaled scores can overflow in half.
    return ((q * scale) @ k.transpose(2, 3)).softmax(3) @ v


@banded
def chunked(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with a sixteenth of the queries at a time; arguments and result as for `plain`."""
    return torch.cat([plain(queries, k, v, scale) for queries in q.chunk(16, 2)], 2)


def fused(q: Tensor, k: Tensor, v: Tensor, _scale: float) -> Tensor:
    """Attends with the fused operator, whose built-in scale is 1/√D; otherwise as `plain`."""
    return F.scaled_dot_product_attention(q, k, v)
