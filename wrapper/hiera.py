"""The Hiera encoder on timm's modules, with a forward whose shapes are all plain Python integers.

timm reads sizes from its tensors, which a trace records as tensors (`prim::NumToTensor`) and bakes
together with the device of the tracing machine. Here batch is 1 and the resolution is known at
construction, so a trace records literals only.

Tokens are [N, C], window after window, and inside a window in Z-order (Morton order). So each 2×2
pooling group is a run of rows, and so is each window at every depth: pooling and windowing are
views.

Source: Hiera, https://arxiv.org/abs/2306.00989.
"""

from typing import Any

import timm
import torch.nn.functional as F
from timm.models.hiera import Hiera, HieraBlock, MaskUnitAttention
from torch import Tensor, nn

from wrapper.attention import Attention, chunked, plain

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
            [1, 896, S/32, S/32].
        """
        side = self.windows
        grid = self.model.patch_embed.proj(image).flatten(2).transpose(1, 2) + self.model.pos_embed
        # Rows, then columns, each split into window and three bits; interleaved to Z-order.
        tokens = grid.reshape(side, 2, 2, 2, side, 2, 2, 2, CHANNELS[0])
        tokens = tokens.permute(0, 4, 1, 5, 2, 6, 3, 7, 8).reshape(-1, CHANNELS[0])

        features: list[Tensor] = []
        for index, block in enumerate(self.model.blocks):
            tokens = self._block(block, tokens)
            if index in self.model.stage_ends:
                features.append(self._spatial(tokens, level=len(features)))
        return tuple(features)

    def _block(self, block: HieraBlock, tokens: Tensor) -> Tensor:
        """Runs one transformer block, [N, C] → [N, C], or → [N/4, 2C] where a stage begins."""
        normed = block.norm1(tokens)
        if block.do_expand:
            tokens = block.proj(normed).view(-1, block.attn.q_stride, block.attn.dim_out).amax(1)
        tokens = tokens + self._attention(block.attn, normed)
        mlp = block.mlp
        return tokens + mlp.fc2(mlp.act(mlp.fc1(block.norm2(tokens))))

    def _attention(self, attn: MaskUnitAttention, tokens: Tensor) -> Tensor:
        """Attends inside windows or over the whole image, pooling the queries where asked."""
        batch = self.windows**2 if attn.use_mask_unit_attn else 1
        qkv = attn.qkv(tokens).view(batch, -1, 3, attn.heads, attn.head_dim)
        # Four dimensions, as the fused kernels ask: the fallback holds the whole attention matrix,
        # 8.6 GB at S = 2048. Contiguous, or MPS gives wrong values (pytorch issue 181133).
        q, k, v = qkv.permute(2, 0, 3, 1, 4).contiguous().unbind(0)
        if attn.q_stride > 1:
            q = q.view(batch, attn.heads, -1, attn.q_stride, attn.head_dim).amax(3)
        if self.attention == "fused":
            attended = F.scaled_dot_product_attention(q, k, v)
        elif attn.use_mask_unit_attn:  # at S = 2048 the scores of all windows are 0.13 GB
            attended = plain(q, k, v, attn.scale)
        else:
            attended = chunked(q, k, v, attn.scale)
        return attn.proj(attended.transpose(1, 2).reshape(-1, attn.dim_out))

    def _spatial(self, tokens: Tensor, level: int) -> Tensor:
        """Puts the tokens of level i back in raster order, [N, C] → [1, C, S/(4·2ⁱ), S/(4·2ⁱ)]."""
        bits = 3 - level  # of the position in the window
        side = self.windows * 2**bits
        grid = tokens.view(self.windows, self.windows, *[2] * (2 * bits), CHANNELS[level])
        rows, columns = range(0, 2 * bits + 2, 2), range(1, 2 * bits + 2, 2)
        raster = grid.permute(*rows, *columns, 2 * bits + 2)
        return raster.reshape(1, side, side, CHANNELS[level]).permute(0, 3, 1, 2)
