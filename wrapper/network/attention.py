"""Attention, in the two ways that the versions of Nuke ask for.

libtorch 1.12, that of Nuke 14, has no fused operator. There the queries of the whole image go
through in chunks: softmax(q kᵀ · scale) v is the same to any query whether or not others are asked
with it. So of the attention matrix, 8.6 GB for the whole image at S = 2048, only the rows of one
chunk are held.

Source: Rabe and Staats, Self-attention Does Not Need O(n²) Memory, https://arxiv.org/abs/2112.05682.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from wrapper.network.bands import banded

Attention = Literal["fused", "chunked"]
"""How the encoder attends: with `F.scaled_dot_product_attention`, or as in this file."""


def plain(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with all queries at once.

    Args:
        q: Queries [B, heads, N, D].
        k: Keys [B, heads, M, D].
        v: Values [B, heads, M, D].
        scale: What the scores are multiplied by, usually 1/√D.

    Returns:
        [B, heads, N, D].
    """
    # Scaled first, because in half the scores could overflow.
    return ((q * scale) @ k.transpose(2, 3)).softmax(3) @ v


@banded
def chunked(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with a sixteenth of the queries at a time; arguments and result as for `plain`."""
    return torch.cat([plain(queries, k, v, scale) for queries in q.chunk(16, 2)], 2)


def fused(q: Tensor, k: Tensor, v: Tensor, _scale: float) -> Tensor:
    """Attends by the fused operator, whose own scale is 1/√D; otherwise as `plain`."""
    return F.scaled_dot_product_attention(q, k, v)
