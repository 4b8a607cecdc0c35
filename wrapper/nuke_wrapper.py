"""The module that Nuke calls: knobs, resizing, blend and despill around the network."""

from typing import Final

import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from wrapper.image.color import linear_to_srgb, srgb_to_linear, swap_green_and_blue
from wrapper.image.despeckle import despeckle
from wrapper.image.despill import despill
from wrapper.image.detail import key_detail
from wrapper.image.hint import screen_hint
from wrapper.image.resize import resize
from wrapper.knobs import KNOBS
from wrapper.model_ids import screen_of
from wrapper.network.bands import rows_on
from wrapper.network.network import Network


class CorridorKeyNukeWrapper(nn.Module):
    """Keys one frame of Nuke's Inference node.

    Runs eagerly around a `CorridorKeyTransformer` and compiles with `torch.jit.script` around a
    traced one. It is scripted because a trace would freeze the knobs.

    Args:
        network: Network for images of the resolution.
        resolution: Side S of the square image that the network takes, in pixels.
        model_id: Name of the weights.

    The knobs of `wrapper.knobs`, `resolution`, `model_id` and `trained_screen` are attributes of
    the saved file. The last is the color of the screens that the weights were made for, as a value
    of `screen_color`: 1 for green, 2 for blue.
    """

    despill_strength: float
    gamma_input: int
    refiner_strength: float
    screen_color: int
    output_mode: int
    detail: float
    despill_mode: int
    highlights: int
    hint_source: int
    despeckle: float
    mean: Tensor
    std: Tensor

    # Above any real highlight: 65504, the largest half, is 107 in sRGB. Brighter values are treated
    # as errors and set to white. Otherwise one such pixel would dominate the refiner's GroupNorm
    # statistics, and with them the whole frame.
    # There must be only one Final: TorchScript writes them in the order of a set, so two would make
    # builds differ.
    encoded_maximum: Final[float] = 128.0

    def __init__(self, network: Network, resolution: int, model_id: str) -> None:
        super().__init__()
        for knob in KNOBS:
            setattr(self, knob.name, knob.default)
        self.network = network
        self.resolution = resolution
        self.model_id = model_id
        self.trained_screen = screen_of(model_id)
        self.register_buffer("mean", torch.tensor(IMAGENET_DEFAULT_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_DEFAULT_STD).view(1, 3, 1, 1))
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Keys one frame.

        The network runs in its own dtype. The rest runs in the wider of that and the dtype of `x`,
        because libtorch has no antialiased resize on the CPU in half precision.

        Args:
            x: [1, 4, H, W] with any H, W >= 1: the plate in RGB, encoded as `gamma_input` says, and
                the coarse hint. Any values, including NaN and infinities.

        Returns:
            [1, 4, H, W], contiguous, finite, in [0, 1] unless `highlights` says otherwise, with the
            dtype and device of `x`: the foreground, encoded as `output_mode` says, and the linear
            matte.

        Raises:
            ValueError: The shape of `x` is not [1, 4, H, W] (`torch.jit.Error` when scripted).
        """
        if x.dim() != 4 or x.size(0) != 1 or x.size(1) != 4:
            raise ValueError(
                f"CorridorKey got an input of shape {x.shape}; expected [1, 4, H, W]: RGB and hint"
            )
        height, width = x.size(2), x.size(3)
        # From here to the last step the screen has the color that the weights were made for.
        swapped = self.screen_color > 0 and min(self.screen_color, 2) != self.trained_screen
        if swapped:
            x = swap_green_and_blue(x)
        blue_screen = self.trained_screen > 1

        dtype = torch.promote_types(x.dtype, self.mean.dtype)
        rgb_hint = self._encoded(x, dtype)
        # The frame as the network sees it, but not enlarged.
        rows, columns = min(height, self.resolution), min(width, self.resolution)
        sharpen = self.detail > 0.0 and (rows < height or columns < width)
        guide = x[:, :0]
        if sharpen:
            guide = resize(rgb_hint[:, :3].clamp(max=1.0), rows, columns)
        rgb_hint[:, 3:].clamp_(max=1.0)
        rgb_hint = resize(rgb_hint, self.resolution, self.resolution).to(self.mean.dtype)
        if self.hint_source > 0:  # the screen
            hint = screen_hint(rgb_hint[:, :3], blue_screen, height, width)
            rgb_hint = torch.cat([rgb_hint[:, :3], hint], 1)

        key = self._key(rgb_hint).to(dtype)
        if self.despeckle > 0.0:
            # Half of the smallest island in the network's pixels, of a frame that is stretched.
            half = min(self.despeckle, 100.0) / 2000.0 * self.resolution
            tall = int(min(half * width / height, self.resolution / 2 - 1))
            alpha = despeckle(key[:, :1], tall, int(half))
            key = torch.cat([alpha, key[:, 1:]], 1)
        key = self._sharpened(key, x, guide) if sharpen else resize(key, height, width)
        if self.highlights > 0:  # keep
            self._add_highlights(key, x)

        alpha, fg = key[:, :1], key[:, 1:]
        if self.despill_strength > 0.0:
            fraction = min(self.despill_strength, 10.0) / 10.0
            fg = despill(fg, fraction, blue_screen, preserve_light=self.despill_mode > 0)
        if self.output_mode > 0:  # linear
            fg = srgb_to_linear(fg)
        if self.output_mode > 1:  # premultiplied
            fg = fg * alpha
        if self.highlights > 0:
            # The largest half. Above it a half would be infinite.
            key = torch.cat([fg.clamp(0.0, 65504.0), alpha.clamp(0.0, 1.0)], 1)
        else:
            key = torch.cat([fg, alpha], 1).clamp(0.0, 1.0)
        if swapped:
            key = swap_green_and_blue(key)
        return torch.nan_to_num(key, 0.0).to(x.dtype).contiguous()

    def _key(self, rgb_hint: Tensor) -> Tensor:
        """Returns matte and foreground [1, 4, S, S] of plate and hint [1, 4, S, S]."""
        rgb = (rgb_hint[:, :3] - self.mean) / self.std
        logits = self.network.coarse_logits(torch.cat([rgb, rgb_hint[:, 3:]], 1))
        key = logits.sigmoid()
        if self.refiner_strength > 0.0:
            fine = (logits + self.network.delta_logits(rgb, key)).sigmoid()
            key = key + min(self.refiner_strength, 1.0) * (fine - key)
        return key

    def _sharpened(self, key: Tensor, x: Tensor, guide: Tensor) -> Tensor:
        """Enlarges a key [1, 4, S, S] to the frame and adds the detail of the plate `x`.

        Args:
            key: The network's key.
            x: Input of the file, [1, 4, H, W].
            guide: The plate at the network's size, as `key_detail` takes it.
        """
        height, width = x.size(2), x.size(3)
        small = resize(key, guide.size(2), guide.size(3))
        key = resize(small, height, width)
        band = self._band(x)
        for top in range(0, height, band):
            plate = self._encoded(x[:, :3, top : top + band], key.dtype).clamp(max=1.0)
            lost = key_detail(plate, guide, small, top, height).to(key.dtype)
            sharp = key[:, :, top : top + band] + min(self.detail, 1.0) * lost
            key[:, :, top : top + band] = sharp.clamp(0.0, 1.0)
        return key

    def _add_highlights(self, key: Tensor, x: Tensor) -> None:
        """Adds what the plate has above 1 to the foreground, in place, where the matte is solid."""
        band = self._band(x)
        for top in range(0, x.size(2), band):
            over = self._encoded(x[:, :3, top : top + band], key.dtype).clamp(min=1.0) - 1.0
            solid = key[:, :1, top : top + band].clamp(0.0, 1.0)
            solid = solid * solid * (3.0 - 2.0 * solid)
            key[:, 1:, top : top + band] += solid * solid * over

    def _band(self, x: Tensor) -> int:
        """Returns the rows of a plate to work on at a time.

        The widest tensor of these has 16 maps: 17 MB on a CPU and 67 MB elsewhere.
        """
        width = x.size(3)
        return rows_on(x, [max(262144 // width, 1), max(1048576 // width, 1)])

    def _encoded(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Returns the plate in sRGB without values that no light has, [1, C, H, W].

        Args:
            x: Plate, and the hint, which keeps its encoding, if there is a fourth channel.
            dtype: Type of the result.
        """
        x = torch.nan_to_num(x.to(dtype), 0.0, 1.0).clamp(min=0.0)
        if self.gamma_input > 0:  # linear plate
            x = torch.cat([linear_to_srgb(x[:, :3]), x[:, 3:]], 1)
        return torch.where(x <= self.encoded_maximum, x, x.clamp(max=1.0))
