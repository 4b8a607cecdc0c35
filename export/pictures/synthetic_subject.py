"""Paints a subject with known coverage: head and shoulders with hair, and a hand.

Coordinates are in frame heights from the center of the frame, x to the right and y down, so the
subject is the same at every size. Colors are linear light.
"""

import dataclasses
import itertools
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

SUBPIXELS = 4
"""Samples along each side of a pixel."""

_SKIN = (0.52, 0.29, 0.20)
_TWEED = (0.17, 0.15, 0.14)
_SHIRT = (0.68, 0.66, 0.62)
_KEY_LIGHT = np.array([-0.48, -0.60, 0.64], np.float32)
_AMBIENT = 0.28


@dataclasses.dataclass(frozen=True)
class Layer:
    """A subject in front of black.

    Attributes:
        alpha: Covered share of each pixel, [H, W].
        light: Premultiplied light, [H, W, 3].
        bounce: Premultiplied share of the screen's light that the subject reflects to the camera,
            [H, W]. Largest at grazing angles.
    """

    alpha: np.ndarray
    light: np.ndarray
    bounce: np.ndarray

    def over(self, behind: Self) -> Self:
        """Merges this layer over another; their coverages within a pixel are independent."""
        through = 1 - self.alpha
        return type(self)(
            self.alpha + through * behind.alpha,
            self.light + through[..., None] * behind.light,
            self.bounce + through * behind.bounce,
        )


def bust(
    rng: np.random.Generator,
    height: int,
    width: int,
    hair: ArrayLike,
    *,
    close_up: bool,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Layer:
    """Paints head and shoulders; the hair is hundreds of strands, most thinner than a pixel.

    Args:
        rng: Source of the strands' positions and shapes.
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        hair: Linear color of the hair.
        close_up: True to show only the head, with more strands.
        shift: How far the subject has moved, right and down, in frame heights.
    """
    right, down = shift
    canvas = _Canvas(
        height,
        width,
        zoom=1.6 if close_up else 1.0,
        right=right / 1.6 if close_up else right,
        down=0.05 + down / 1.6 if close_up else down,
    )
    many = 3 if close_up else 1
    canvas.strands(rng, 700 * many, hair, (0.0, -0.10), (0.13, 0.13), length=0.40, volume=0.45)
    canvas.ellipsoid((0.0, 0.60), (0.40, 0.42), _TWEED, weave=0.3)
    for side in (-1, 1):
        canvas.ellipsoid((0.25 * side, 0.45), (0.18, 0.20), _TWEED, turn=0.45 * side, weave=0.3)
    canvas.ellipsoid((0.0, 0.26), (0.080, 0.12), _SHIRT)
    canvas.ellipsoid((0.0, 0.12), (0.058, 0.12), np.multiply(_SKIN, 0.85))
    for side in (-1, 1):
        canvas.ellipsoid((0.080 * side, 0.37), (0.045, 0.18), _TWEED, turn=0.25 * side, weave=0.3)
    canvas.ellipsoid((0.0, -0.11), (0.138, 0.160), hair)
    canvas.strands(rng, 350 * many, hair, (0.0, -0.17), (0.12, 0.09), length=0.26, volume=0.22)
    canvas.strands(rng, 60 * many, hair, (0.0, -0.13), (0.14, 0.15), length=0.22, volume=1.6)
    canvas.ellipsoid((0.0, -0.045), (0.106, 0.145), _SKIN)
    for side in (-1, 1):
        canvas.ellipsoid((0.043 * side, -0.052), (0.024, 0.013), np.multiply(_SKIN, 0.6))
        canvas.ellipsoid((0.043 * side, -0.050), (0.009, 0.009), (0.03, 0.025, 0.02))
        canvas.ellipsoid((0.043 * side, -0.082), (0.028, 0.006), hair, turn=0.12 * side)
    canvas.ellipsoid((0.0, -0.018), (0.014, 0.038), _SKIN)
    canvas.ellipsoid((0.0, 0.047), (0.030, 0.009), np.multiply(_SKIN, (0.8, 0.5, 0.5)))
    return canvas.layer()


def hand(height: int, width: int) -> Layer:
    """Paints a forearm and an open hand to the right of the head."""
    canvas = _Canvas(height, width)
    canvas.ellipsoid((0.47, 0.33), (0.085, 0.30), _TWEED, turn=0.12, weave=0.35)
    canvas.ellipsoid((0.435, 0.02), (0.035, 0.10), _SKIN, turn=0.12)
    for reach, turn in ((-0.055, -0.30), (-0.02, -0.08), (0.02, 0.10), (0.055, 0.30)):
        canvas.ellipsoid((0.42 + 1.5 * reach, -0.175), (0.0125, 0.075), _SKIN, turn=turn)
    canvas.ellipsoid((0.355, -0.065), (0.014, 0.065), _SKIN, turn=-0.85)
    canvas.ellipsoid((0.42, -0.085), (0.050, 0.070), _SKIN)
    return canvas.layer()


class _Canvas:
    """Opaque paint on a grid of subpixels.

    Painted values use only sums, products and roots, which are the same on every machine.
    Functions that are not, such as sine, only select the subpixels to paint.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        zoom: float = 1.0,
        right: float = 0.0,
        down: float = 0.0,
    ) -> None:
        shape = (SUBPIXELS * height, SUBPIXELS * width)
        self._scale = zoom * shape[0]  # subpixels per frame height
        self._origin = np.array(
            [shape[1] / 2 + right * self._scale, shape[0] / 2 + down * self._scale]
        )
        self._covered = np.zeros(shape, np.float32)
        self._light = np.zeros((*shape, 3), np.float32)
        self._bounce = np.zeros(shape, np.float32)

    def ellipsoid(
        self,
        center: tuple[float, float],
        radii: tuple[float, float],
        color: ArrayLike,
        *,
        turn: float = 0.0,
        weave: float = 0.0,
    ) -> None:
        """Paints an ellipsoid, lit from the upper left.

        Args:
            center: Center, x and y.
            radii: Radii along the ellipsoid's own x and y axes.
            color: Albedo.
            turn: Slope of the ellipsoid's own x axis; positive is clockwise.
            weave: Contrast of a woven pattern, from 0 to 1.
        """
        reach = max(radii)
        rows = self._span(1, center[1] - reach, center[1] + reach)
        columns = self._span(0, center[0] - reach, center[0] + reach)
        y = ((np.arange(rows.start, rows.stop) + 0.5 - self._origin[1]) / self._scale)[:, None]
        x = ((np.arange(columns.start, columns.stop) + 0.5 - self._origin[0]) / self._scale)[None]
        cosine = 1 / np.sqrt(1 + turn * turn)
        sine = turn * cosine
        u = (((x - center[0]) * cosine + (y - center[1]) * sine) / radii[0]).astype(np.float32)
        v = (((y - center[1]) * cosine - (x - center[0]) * sine) / radii[1]).astype(np.float32)
        inside = u * u + v * v <= 1
        u, v = u[inside], v[inside]
        towards_lens = np.sqrt(np.maximum(1 - u * u - v * v, 0))
        lit = (
            (u * np.float32(cosine) - v * np.float32(sine)) * _KEY_LIGHT[0]
            + (u * np.float32(sine) + v * np.float32(cosine)) * _KEY_LIGHT[1]
            + towards_lens * _KEY_LIGHT[2]
        )
        shade = _AMBIENT + (1 - _AMBIENT) * np.maximum(lit, 0)
        if weave:
            threads = (_triangle_wave(60 * (x + y)) + _triangle_wave(60 * (x - y))) / 2
            shade *= (1 - weave * threads.astype(np.float32))[inside]
        albedo = np.asarray(color, np.float32)
        self._covered[rows, columns][inside] = 1
        self._light[rows, columns][inside] = shade[:, None] * albedo
        self._bounce[rows, columns][inside] = (1 - towards_lens) ** 2 * albedo.mean()

    def strands(
        self,
        rng: np.random.Generator,
        count: int,
        color: ArrayLike,
        center: tuple[float, float],
        radii: tuple[float, float],
        *,
        length: float,
        volume: float,
    ) -> None:
        """Paints hairs that grow from an ellipse, bend down and curl.

        Args:
            rng: Source of positions and shapes.
            count: Number of hairs.
            color: Mean color; each hair's tone varies.
            center: Center of the ellipse, x and y.
            radii: Radii of the ellipse.
            length: Length of the longest hair.
            volume: How far hairs stand off and curl before they bend down.
        """
        angle = 0.6 * np.pi * rng.uniform(-1, 1, (count, 1))
        out = np.stack([np.sin(angle), -np.cos(angle)], -1)  # [count, 1, 2]
        across = out[..., ::-1] * (-1, 1)
        depth, lengths, stand_off = rng.uniform((0.3, 0.35, 0.3), 1, (count, 3)).T[..., None, None]
        along = np.linspace(0, 1, int(1.5 * length * self._scale) + 2)[None, :, None]
        turns, phase = rng.uniform((0.5, 0), (3, 1), (count, 2)).T[..., None, None]
        lengths = length * lengths
        stand_off = volume * stand_off
        curl = 0.2 * stand_off * lengths * rng.uniform(0, 1, (count, 1, 1))
        points = (
            np.asarray(center)
            + depth * out * radii
            + stand_off * lengths * along * (1 - 0.25 * along) * out
            + lengths * (1 - 0.35 * stand_off) * along**2 * (0, 1)
            + curl * along * np.sin(2 * np.pi * (turns * along + phase)) * across
        )
        column, row = np.rint(points * self._scale + self._origin).astype(np.int32).T  # [T, count]

        # A strand is a clump of a few hairs at the root and a single hair at the tip.
        thickness = rng.uniform(0.0005, 0.0014, count) * (1 - 0.6 * along[0])
        subpixels = np.maximum(np.rint(thickness * self._scale), 1)
        tone = rng.uniform(0.6, 1.25, count)
        shine = 1 + 1.4 * np.maximum(1 - (along[0] - rng.uniform(0.15, 0.45, count)) ** 2 / 0.02, 0)
        albedo = np.asarray(color, np.float32)
        height, width = self._covered.shape
        for down, right in itertools.product(range(int(subpixels.max())), repeat=2):
            y, x = row + down, column + right
            visible = (
                (subpixels > max(down, right)) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
            )
            y, x = y[visible], x[visible]
            self._covered[y, x] = 1
            self._light[y, x] = (tone * shine)[visible, None].astype(np.float32) * albedo
            self._bounce[y, x] = albedo.mean()  # light passes around and through a hair

    def layer(self) -> Layer:
        """Returns the picture, blurred by lens and sensor with a tent filter two pixels wide."""
        covered = _downsample(self._covered)
        return Layer(covered, _downsample(self._light), _downsample(self._bounce))

    def _span(self, axis: int, start: float, stop: float) -> slice:
        """Returns the subpixels between two coordinates, clipped to the canvas."""
        size = self._covered.shape[1 - axis]
        first, last = (self._origin[axis] + self._scale * value for value in (start, stop))
        return slice(min(max(int(first) - 1, 0), size), min(max(int(last) + 2, 0), size))


def _triangle_wave(phase: np.ndarray) -> np.ndarray:
    """Returns a triangle wave: 0 at integers, 1 halfway between them."""
    return 1 - np.abs(2 * (phase % 1) - 1)


def _downsample(subpixels: np.ndarray) -> np.ndarray:
    """Reduces [SUBPIXELS·H, SUBPIXELS·W, …] to [H, W, …] with a separable tent filter."""
    # Boxes of SUBPIXELS and SUBPIXELS + 1, convolved, are centered on a pixel.
    tent = np.convolve(np.ones(SUBPIXELS), np.ones(SUBPIXELS + 1)).astype(np.float32)
    margin = SUBPIXELS // 2
    for axis in (0, 1):
        moved = np.moveaxis(subpixels, axis, 0)
        padded = np.concatenate([moved[:1]] * margin + [moved] + [moved[-1:]] * margin)
        taps = (weight * padded[i : i + len(moved) : SUBPIXELS] for i, weight in enumerate(tent))
        subpixels = np.moveaxis(sum(taps, np.float32(0)) / tent.sum(), 0, axis)
    return subpixels
