"""Attention without the fused operator, which libtorch 1.12, that of Nuke 14, does not have.

softmax(q kᵀ · scale) v is the same to any query whether or not others are asked with it. So the
queries go through in chunks, and of the attention matrix, 8.6 GB for the whole image at S = 2048,
only the rows of one chunk are held.

Source: Rabe and Staats, Self-attention Does Not Need O(n²) Memory, https://arxiv.org/abs/2112.05682.
"""

from typing import Literal

import torch
from torch import Tensor

Attention = Literal["fused", "chunked"]
"""How the encoder attends: with `F.scaled_dot_product_attention`, or as in this file."""

CHUNKS = 16
"""Of queries. Eight heads at S = 2048 then hold twice 0.54 GB: scores, and their softmax."""


def chunked(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with a sixteenth of the queries at a time.

    A trace records the number of chunks, not their size, so that it holds no arithmetic on sizes.

    Args:
        q: Queries [B, heads, N, D].
        k: Keys [B, heads, M, D].
        v: Values [B, heads, M, D].
        scale: What the scores are multiplied by, usually 1/√D.

    Returns:
        [B, heads, N, D].
    """
    return torch.cat([plain(queries, k, v, scale) for queries in q.chunk(CHUNKS, 2)], 2)


def plain(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attends with all queries at once; arguments and result as for `chunked`."""
    # Scaled first, because in half the scores could overflow; and by an operator of which a trace
    # records the number, where it records `q * scale` as a float64 tensor on the tracing device.
    scores = torch.ops.aten.mul.Scalar(q, scale) @ k.transpose(2, 3)
    return scores.softmax(3) @ v
