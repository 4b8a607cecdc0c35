"""The Hiera encoder on timm's modules, with a forward whose shapes are all plain Python integers.

timm reads sizes from its tensors, which a trace records as tensors (`prim::NumToTensor`) and bakes
together with the device of the tracing machine. Here batch is 1 and the resolution is known at
construction, so a trace records literals only.

Tokens are [N, C], window after window, and inside a window in Z-order (Morton order). So each 2×2
pooling group is a run of rows, and so is each window at every depth: pooling and windowing are
views. And whatever concerns one token or one window alone is done part by part, in place.

Source: Hiera, https://arxiv.org/abs/2306.00989.
"""

from collections.abc import Callable
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.models.hiera import Hiera, HieraBlock, MaskUnitAttention
from torch import Tensor, nn

from wrapper.network.attention import Attention, chunked, fused, plain
from wrapper.network.bands import VALUES, banded, weights_of

CHANNELS = (112, 224, 448, 896)
"""Channels of the features at S/4, S/8, S/16 and S/32."""


class HieraEncoder(nn.Module):
    """Hiera base-plus with four input channels.

    Args:
        resolution: Height and width S of the input, in pixels; a multiple of 32.
        attention: How it attends, "fused" or "chunked"; the second for libtorch before 2.0.
    """

    def __init__(self, resolution: int, attention: Attention = "fused") -> None:
        super().__init__()
        features: Any = timm.create_model(
            "hiera_base_plus_224.mae_in1k_ft_in1k",
            pretrained=False,
            features_only=True,
            img_size=resolution,
            in_chans=4,
        )
        self.model: Hiera = features.model
        self.windows = resolution // 32  # along one side
        self.attention = attention

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Encodes one image.

        Args:
            image: [1, 4, S, S], normalised RGB and hint.

        Returns:
            Features [1, 112, S/4, S/4], [1, 224, S/8, S/8], [1, 448, S/16, S/16] and
            [1, 896, S/32, S/32], channels last.
        """
        side = self.windows
        # Channels last, so that each token is a row from the start.
        image = image.contiguous(memory_format=torch.channels_last)
        grid = self.model.patch_embed.proj(image).permute(0, 2, 3, 1).flatten(0, 2)
        assert self.model.pos_embed is not None
        grid.add_(self.model.pos_embed.squeeze(0))
        # Rows, then columns, each split into window and three bits; interleaved to Z-order.
        tokens = grid.view(side, 2, 2, 2, side, 2, 2, 2, CHANNELS[0])
        tokens = tokens.permute(0, 4, 1, 5, 2, 6, 3, 7, 8).reshape(-1, CHANNELS[0])

        features: list[Tensor] = []
        window = 64  # tokens
        for index, block in enumerate(self.model.blocks):
            tokens = self._block(block, tokens, window)
            window //= block.attn.q_stride
            if index in self.model.stage_ends:
                features.append(self._spatial(tokens, level=len(features)))
        return tuple(features)

    def _block(self, block: HieraBlock, tokens: Tensor, window: int) -> Tensor:
        """Runs one transformer block, [N, C] → [N, C] in place, or → [N/4, 2C] for a new stage."""
        attn = block.attn
        result = tokens
        if block.do_expand:
            weights = weights_of(block.norm1, block.proj)
            result = expand(tokens, weights, attn.dim, attn.q_stride, _rows(window, attn.dim_out))
        if attn.use_mask_unit_attn:
            attend = attend_in_windows[self.attention]
            weights = weights_of(block.norm1, attn)
            rows = _rows(window, attn.dim_out)
            result = attend(tokens, result, weights, attn.heads, window, attn.q_stride, rows)
        else:
            result.add_(self._attend(attn, block.norm1(tokens), self.windows**2 * window))
        weights = weights_of(block.norm2, block.mlp)
        return feed_forward(result, weights, attn.dim_out, _rows(1, 4 * attn.dim_out))

    def _attend(self, attn: MaskUnitAttention, tokens: Tensor, count: int) -> Tensor:
        """Attends over the whole image of so many tokens, pooling the queries where asked."""
        q, k, v = (
            _heads(F.linear(tokens, weight, bias), count, attn.heads)
            for weight, bias in zip(attn.qkv.weight.chunk(3), attn.qkv.bias.chunk(3), strict=True)
        )
        if attn.q_stride > 1:
            q = _pool(q, attn.heads, count // attn.q_stride, attn.q_stride)
        attend = fused if self.attention == "fused" else chunked
        attended = attend(q, k, v, attn.scale)
        return attn.proj(attended.transpose(1, 2).reshape(-1, attn.dim_out))

    def _spatial(self, tokens: Tensor, level: int) -> Tensor:
        """Puts the tokens of level i back in raster order, [N, C] → [1, C, S/(4·2ⁱ), S/(4·2ⁱ)]."""
        bits = 3 - level  # of the position in the window
        side = self.windows * 2**bits
        grid = tokens.view(self.windows, self.windows, *[2] * (2 * bits), CHANNELS[level])
        rows, columns = range(0, 2 * bits + 2, 2), range(1, 2 * bits + 2, 2)
        raster = grid.permute(*rows, *columns, 2 * bits + 2)
        return raster.reshape(1, side, side, CHANNELS[level]).permute(0, 3, 1, 2)


def _rows(window: int, channels: int) -> int:
    """Tokens of a part: whole windows, of which each token becomes so many channels."""
    return max(1, VALUES // (window * channels)) * window


def _heads(x: Tensor, window: int, heads: int) -> Tensor:
    """Splits tokens [B·N, heads·56], in windows of N, into heads [B, heads, N, 56].

    Four dimensions, as the fused kernels ask: the fallback holds the whole attention matrix, 8.6 GB
    at S = 2048. Contiguous, or MPS gives wrong values (pytorch issue 181133).
    """
    return x.view(-1, window, heads, 56).transpose(1, 2).contiguous()


def _pool(q: Tensor, heads: int, count: int, stride: int) -> Tensor:
    """Takes the greatest of each group of queries, [B, heads, N·stride, 56] → [B, heads, N, 56]."""
    return q.view(-1, heads, count, stride, 56).amax(3)


@banded
def expand(tokens: Tensor, weights: list[Tensor], channels: int, stride: int, rows: int) -> Tensor:
    """Normalises, projects and pools tokens, [N, C] → [N/stride, 2C].

    Args:
        tokens: [N, C].
        weights: Of the norm and the projection.
        channels: C.
        stride: How many tokens become one.
        rows: Tokens to work on at a time.
    """
    norm_weight, norm_bias, weight, bias = weights
    parts: list[Tensor] = []
    for part in torch.split(tokens, rows):
        x = torch.layer_norm(part, [channels], norm_weight, norm_bias, 1e-6)
        parts.append(F.linear(x, weight, bias).view(-1, stride, 2 * channels).amax(1))
    return torch.cat(parts)


def _in_windows(attend: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Any:
    """Makes attention in windows of one way to attend."""

    def attend_in_windows(
        tokens: Tensor,
        target: Tensor,
        weights: list[Tensor],
        heads: int,
        window: int,
        stride: int,
        rows: int,
    ) -> Tensor:
        """Adds to `target` what attention makes of each window of tokens, in place.

        Args:
            tokens: [N, C].
            target: [N/stride, 56·heads]. May be `tokens`.
            weights: Of the norm, of queries, keys and values, and of the projection.
            heads: Of the attention.
            window: Tokens of a window.
            stride: How many queries are pooled.
            rows: Tokens to work on at a time, whole windows.
        """
        norm_weight, norm_bias, qkv_weight, qkv_bias, weight, bias = weights
        channels = 56 * heads
        # The norm's channels: where queries are pooled, a stage begins, and they double.
        normed = channels // 2 if stride > 1 else channels
        results = torch.split(target, rows // stride)
        for part, result in zip(torch.split(tokens, rows), results):  # noqa: B905  # TorchScript
            x = torch.layer_norm(part, [normed], norm_weight, norm_bias, 1e-6)
            q, k, v = F.linear(x, qkv_weight, qkv_bias).chunk(3, 1)
            q = _heads(q, window, heads)
            if stride > 1:
                q = _pool(q, heads, window // stride, stride)
            k, v = _heads(k, window, heads), _heads(v, window, heads)
            attended = attend(q, k, v, 56**-0.5).transpose(1, 2).reshape(-1, channels)
            result += F.linear(attended, weight, bias)
        return target

    return banded(attend_in_windows)


attend_in_windows = {"fused": _in_windows(fused), "chunked": _in_windows(plain)}


@banded
def feed_forward(tokens: Tensor, weights: list[Tensor], channels: int, rows: int) -> Tensor:
    """Adds to tokens [N, C] what the block's two linear layers make of them, in place.

    Args:
        tokens: [N, C].
        weights: Of the norm and the two layers.
        channels: C.
        rows: Tokens to work on at a time.
    """
    norm_weight, norm_bias, weight1, bias1, weight2, bias2 = weights
    for part in torch.split(tokens, rows):
        x = torch.layer_norm(part, [channels], norm_weight, norm_bias, 1e-6)
        part += F.linear(F.gelu(F.linear(x, weight1, bias1)), weight2, bias2)
    return tokens
