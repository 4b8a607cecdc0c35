"""The Hiera encoder: timm's modules, with a forward whose sizes are all plain Python integers.

timm reads sizes from its tensors. A trace records them as tensors (`prim::NumToTensor`) together
with the device of the tracing machine. Here batch is 1 and the resolution is known at construction,
so a trace records literals only. timm also attends in five dimensions in its windows, which the
fused kernels do not accept.

Tokens are [N, C]: window after window in raster order, and inside a window in Z-order (Morton
order). An 8×8 window numbers its tokens so:

     0  1 |  4  5 || 16 17 | 20 21
     2  3 |  6  7 || 18 19 | 22 23
    ------+-------++-------+------
     8  9 | 12 13 || 24 25 | 28 29       each 2×2 group:  4 tokens in sequence
    10 11 | 14 15 || 26 27 | 30 31       each 4×4 group: 16 tokens in sequence
    ======+=======++=======+======
    32 33 | 36 37 || 48 49 | 52 53       pooled 2×2, a group becomes one token, and the
    34 35 | 38 39 || 50 51 | 54 55       4×4 window that is left is in Z-order again
    ------+-------++-------+------
    40 41 | 44 45 || 56 57 | 60 61
    42 43 | 46 47 || 58 59 | 62 63

So pooling and windowing are views at every depth, and work on single tokens or windows goes part by
part, in place.

Source: Hiera, https://arxiv.org/abs/2306.00989.
"""

from collections.abc import Callable
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.models.hiera import Hiera, HieraBlock, MaskUnitAttention
from torch import Tensor, nn

from wrapper.network import bands
from wrapper.network.attention import Attention, chunked, fused, plain
from wrapper.network.bands import banded, rows_on, weights_of
from wrapper.network.fast import narrowed

CHANNELS = (112, 224, 448, 896)
"""Channels of the features at S/4, S/8, S/16 and S/32. A head has 56 channels at every depth."""


class HieraEncoder(nn.Module):
    """Hiera base-plus with four input channels.

    Args:
        resolution: Height and width S of the input, in pixels; a multiple of 32.
        attention: How to attend; "chunked" for libtorch before 2.0.
        fast: True to compute in half on a GPU, as `fast.py` says.
    """

    def __init__(self, resolution: int, attention: Attention = "fused", fast: bool = False) -> None:
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
        self.fast = fast

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Encodes one image.

        Args:
            image: [1, 4, S, S], normalized RGB and hint.

        Returns:
            Features [1, 112, S/4, S/4], [1, 224, S/8, S/8], [1, 448, S/16, S/16] and
            [1, 896, S/32, S/32], channels last.
        """
        side = self.windows
        # Channels-last, so that each token is a contiguous row from the start.
        image = image.contiguous(memory_format=torch.channels_last)
        # [1, 4, S, S] → [1, 112, S/4, S/4] → [1, S/4, S/4, 112] → [N, 112]
        grid = self.model.patch_embed.proj(image).permute(0, 2, 3, 1).flatten(0, 2)
        assert self.model.pos_embed is not None
        grid.add_(self.model.pos_embed.squeeze(0))
        # [N, C] → [window row, 3 bits of row, window column, 3 bits of column, C]
        tokens = grid.view(side, 2, 2, 2, side, 2, 2, 2, CHANNELS[0])
        # → [window row, window column, bits of row and column in turn, C] → [N, C], Z-order
        tokens = tokens.permute(0, 4, 1, 5, 2, 6, 3, 7, 8).reshape(-1, CHANNELS[0])

        features: list[Tensor] = []
        window = 64  # tokens per window
        for index, block in enumerate(self.model.blocks):
            tokens = self._block(block, tokens, window)
            window //= block.attn.q_stride
            if index in self.model.stage_ends:
                features.append(self._spatial(tokens, level=len(features)))
        return tuple(features)

    def _block(self, block: HieraBlock, tokens: Tensor, window: int) -> Tensor:
        """Runs one transformer block.

        Returns:
            `tokens`, [N, C], changed in place; or a new tensor [N/4, 2C] where a stage begins.
        """
        attn = block.attn
        result = tokens
        if block.do_expand:
            weights = self._weights(block, block.norm1, block.proj)
            result = expand(tokens, weights, attn.dim, attn.q_stride, _rows(window, attn.dim_out))
        if attn.use_mask_unit_attn:
            attend = attend_in_windows[self.attention]
            weights = weights_of(block.norm1, attn)
            rows = _rows(window, attn.dim_out)
            result = attend(tokens, result, weights, attn.heads, window, attn.q_stride, rows)
        else:
            result.add_(self._attend(attn, block.norm1(tokens), self.windows**2 * window))
        weights = self._weights(block, block.norm2, block.mlp)
        return feed_forward(result, weights, attn.dim_out, _rows(1, 4 * attn.dim_out))

    def _weights(self, block: HieraBlock, norm: nn.Module, layers: nn.Module) -> list[Tensor]:
        """Returns the weights of a norm and the layers after it."""
        weights = weights_of(norm, layers)
        if self.fast and not block.attn.use_mask_unit_attn:
            return narrowed(weights, len(weights_of(norm)))
        return weights

    def _attend(self, attn: MaskUnitAttention, tokens: Tensor, count: int) -> Tensor:
        """Computes global attention over `count` tokens; pools the queries if `q_stride` > 1."""
        qkv_weight, qkv_bias, weight, bias = weights_of(attn)
        if self.fast:
            qkv_weight, qkv_bias, weight, bias = narrowed([qkv_weight, qkv_bias, weight, bias], 0)
            tokens = tokens.type_as(weight)
        q, k, v = (
            _heads(F.linear(tokens, part, part_bias), count, attn.heads)
            for part, part_bias in zip(qkv_weight.chunk(3), qkv_bias.chunk(3), strict=True)
        )
        if attn.q_stride > 1:
            q = _pool(q, attn.heads, count // attn.q_stride, attn.q_stride)
        attend = fused if self.attention == "fused" else chunked
        attended = attend(q, k, v, attn.scale)
        # [1, heads, N, 56] → [1, N, heads, 56] → [N, C]
        return F.linear(attended.transpose(1, 2).reshape(-1, attn.dim_out), weight, bias)

    def _spatial(self, tokens: Tensor, level: int) -> Tensor:
        """Returns the tokens of level i in raster order: [N, C] → [1, C, S/(4·2ⁱ), S/(4·2ⁱ)]."""
        bits = 3 - level  # bits of a row, or a column, inside a window
        side = self.windows * 2**bits
        # [N, C] → [window row, window column, bits of row and column in turn, C]
        grid = tokens.view(self.windows, self.windows, *[2] * (2 * bits), CHANNELS[level])
        rows, columns = range(0, 2 * bits + 2, 2), range(1, 2 * bits + 2, 2)
        # → [window row, bits of row, window column, bits of column, C] → [1, C, side, side]
        raster = grid.permute(*rows, *columns, 2 * bits + 2)
        return raster.reshape(1, side, side, CHANNELS[level]).permute(0, 3, 1, 2)


def _rows(window: int, channels: int) -> list[int]:
    """Returns the tokens per part on a CPU and on a GPU, for `bands.rows_on`.

    A part is as many whole windows as fit a band if each token becomes `channels` values.
    """
    limits = (bands.CPU_VALUES, bands.GPU_VALUES)
    return [max(1, limit // (window * channels)) * window for limit in limits]


def _heads(x: Tensor, window: int, heads: int) -> Tensor:
    """Splits the channels of tokens into heads: [B·N, heads·56] → [B, heads, N, 56], N = `window`.

    Four dimensions, because fused kernels accept no more; the fallback holds the whole attention
    matrix. Contiguous, because MPS returns wrong values otherwise (pytorch issue 181133).
    """
    return x.view(-1, window, heads, 56).transpose(1, 2).contiguous()


def _pool(q: Tensor, heads: int, count: int, stride: int) -> Tensor:
    """Takes the maximum of each pooling group: [B, heads, N·stride, 56] → [B, heads, N, 56]."""
    return q.view(-1, heads, count, stride, 56).amax(3)


@banded
def expand(
    tokens: Tensor, weights: list[Tensor], channels: int, stride: int, rows: list[int]
) -> Tensor:
    """Normalizes, projects and pools tokens: [N, C] → [N/stride, 2C].

    Args:
        tokens: [N, C].
        weights: Norm weight [C], norm bias [C], projection weight [2C, C], projection bias [2C].
        channels: Channels C of the tokens.
        stride: Tokens per pooling group.
        rows: Tokens per part, whole windows, by device.
    """
    norm_weight, norm_bias, weight, bias = weights
    parts: list[Tensor] = []
    for part in torch.split(tokens, rows_on(tokens, rows)):
        x = torch.layer_norm(part, [channels], norm_weight, norm_bias, 1e-6)
        # [rows, C] → [rows, 2C] → [rows/stride, stride, 2C] → [rows/stride, 2C]
        x = F.linear(x.type_as(weight), weight, bias).view(-1, stride, 2 * channels)
        parts.append(x.amax(1).type_as(tokens))
    return torch.cat(parts)


def _in_windows(attend: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Any:
    """Returns windowed attention that uses `attend` in each window."""

    def attend_in_windows(
        tokens: Tensor,
        target: Tensor,
        weights: list[Tensor],
        heads: int,
        window: int,
        stride: int,
        rows: list[int],
    ) -> Tensor:
        """Adds windowed self-attention of `tokens` to `target`, in place.

        Args:
            tokens: [N, C].
            target: [N/stride, 56·heads]. May be `tokens`.
            weights: Weight and bias each of the norm, of queries, keys and values together, and of
                the projection.
            heads: Number of attention heads.
            window: Tokens per window.
            stride: Queries per pooling group.
            rows: Tokens per part, whole windows, by device.
        """
        norm_weight, norm_bias, qkv_weight, qkv_bias, weight, bias = weights
        channels = 56 * heads
        # Queries are pooled where a stage begins. There the norm still has half the channels.
        normed = channels // 2 if stride > 1 else channels
        count = rows_on(tokens, rows)
        results = torch.split(target, count // stride)
        for part, result in zip(torch.split(tokens, count), results):  # noqa: B905  # TorchScript
            x = torch.layer_norm(part, [normed], norm_weight, norm_bias, 1e-6)
            # [rows, C] → [rows, 3·56·heads] → three of [windows, heads, window, 56]
            q, k, v = F.linear(x.type_as(weight), qkv_weight, qkv_bias).chunk(3, 1)
            q = _heads(q, window, heads)
            if stride > 1:
                q = _pool(q, heads, window // stride, stride)
            k, v = _heads(k, window, heads), _heads(v, window, heads)
            # [windows, heads, window/stride, 56] → [rows/stride, 56·heads]
            attended = attend(q, k, v, 56**-0.5).transpose(1, 2).reshape(-1, channels)
            result += F.linear(attended, weight, bias)
        return target

    return banded(attend_in_windows)


attend_in_windows = {"fused": _in_windows(fused), "chunked": _in_windows(plain)}


@banded
def feed_forward(tokens: Tensor, weights: list[Tensor], channels: int, rows: list[int]) -> Tensor:
    """Adds the block's two linear layers, applied to tokens [N, C], to the tokens, in place.

    Args:
        tokens: [N, C].
        weights: Weight and bias each of the norm, the first layer and the second layer.
        channels: Channels C of the tokens.
        rows: Tokens per part, by device.
    """
    norm_weight, norm_bias, weight1, bias1, weight2, bias2 = weights
    for part in torch.split(tokens, rows_on(tokens, rows)):
        x = torch.layer_norm(part, [channels], norm_weight, norm_bias, 1e-6)
        # [rows, C] → [rows, 4C] → [rows, C]
        part += F.linear(F.gelu(F.linear(x.type_as(weight1), weight1, bias1)), weight2, bias2)
    return tokens
