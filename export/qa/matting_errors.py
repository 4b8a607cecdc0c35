"""Measures the error of a matte with the four metrics of the matting literature.

The metrics are those of alphamatting.com: C. Rhemann et al., "A Perceptually Motivated Online
Benchmark for Image Matting", CVPR 2009. SAD and MSE measure the amount of error. The gradient and
connectivity errors were designed to agree with viewers, who notice frayed edges and disconnected
pieces. All four cover the whole picture, because a key has no trimap with an unknown region.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from export.pictures.compositing import Floats

_SIGMA = 1.4
"""Standard deviation of the gradient's Gaussian, in pixels."""
_SMALLEST = 0.01
"""The Gaussian is truncated where it falls to this value."""
_THRESHOLDS = [tenth / 10 for tenth in range(1, 11)]
"""Thresholds of the connectivity error."""
_THETA = 0.15
"""Smallest excess over the level of connection that counts as disconnected."""


_BAND = (0.05, 0.95)
"""True alpha between which a pixel is an edge."""


@dataclasses.dataclass(frozen=True)
class MattingErrors:
    """Errors of one matte; 0 is perfect.

    Attributes:
        sad: Sum of absolute differences, in thousands of pixels.
        mse: Mean squared error.
        gradient: Sum of squared differences of the gradient magnitudes, in thousands.
        connectivity: Sum of absolute differences of the connectedness, in thousands.
    """

    sad: float
    mse: float
    gradient: float
    connectivity: float


def matting_errors(matte: Floats, alpha: Floats) -> MattingErrors:
    """Measures a matte against the true alpha, both [H, W] in [0, 1].

    Raises:
        ValueError: The shapes differ, are not 2-D, or are empty.
    """
    if matte.shape != alpha.shape or matte.ndim != 2 or not matte.size:
        raise ValueError(f"matte of shape {matte.shape} cannot be measured against {alpha.shape}")
    matte, alpha = matte.astype(np.float64), alpha.astype(np.float64)
    return MattingErrors(
        sad=float(np.abs(matte - alpha).sum()) / 1000,
        mse=float(np.square(matte - alpha).mean()),
        gradient=float(np.square(_gradient(matte) - _gradient(alpha)).sum()) / 1000,
        connectivity=_connectivity(matte, alpha) / 1000,
    )


def edge_color_error(foreground: Floats, truth: Floats, alpha: Floats) -> float:
    """Returns the mean absolute error of the straight foreground where the subject is translucent.

    Where the subject is opaque the plate is the answer, and where it is absent no color matters.

    Args:
        foreground: sRGB, [H, W, 3].
        truth: True foreground, sRGB, [H, W, 3].
        alpha: True alpha, [H, W]; the weight of each pixel in the band from 0.05 to 0.95.
    """
    weight = np.where((alpha > _BAND[0]) & (alpha < _BAND[1]), alpha, 0).astype(np.float64)
    error = np.abs(foreground.astype(np.float64) - truth).mean(-1)
    return float((weight * error).sum() / max(weight.sum(), 1e-9))


def dtssd(mattes: Sequence[Floats], alphas: Sequence[Floats]) -> float:
    """Returns the flicker of a sequence: how far its changes differ from the true changes.

    The metric is dtSSD of M. Erofeev et al., "Perceptually Motivated Benchmark for Video Matting",
    BMVC 2015: the root mean square over a frame, averaged over pairs of frames. A matte that is
    wrong but steady has 0.

    Args:
        mattes: At least two frames, [H, W].
        alphas: True alpha of each frame.
    """
    errors = []
    for matte, before, alpha, alpha_before in zip(
        mattes[1:], mattes[:-1], alphas[1:], alphas[:-1], strict=True
    ):
        change = (matte.astype(np.float64) - before) - (alpha.astype(np.float64) - alpha_before)
        errors.append(math.sqrt(np.square(change).mean()))
    return sum(errors) / len(errors)


def mean_errors(errors: list[MattingErrors]) -> MattingErrors:
    """Returns the mean of each metric."""
    columns = zip(*map(dataclasses.astuple, errors), strict=True)
    return MattingErrors(*(sum(column) / len(errors) for column in columns))


def _gradient(matte: np.ndarray) -> np.ndarray:
    """Returns the gradient magnitude [H, W], from derivatives of a Gaussian.

    Both kernels have a Euclidean norm of 1 as in the benchmark, so that figures are comparable.
    """
    reach = math.ceil(
        _SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * _SIGMA * _SMALLEST))
    )
    x = np.arange(-reach, reach + 1)
    gaussian = np.exp(-(x**2) / (2 * _SIGMA**2))
    derivative = x * gaussian
    gaussian /= np.linalg.norm(gaussian)
    derivative /= np.linalg.norm(derivative)
    down, right = (
        ndimage.correlate1d(
            ndimage.correlate1d(matte, derivative, axis, mode="nearest"),
            gaussian,
            1 - axis,
            mode="nearest",
        )
        for axis in (0, 1)
    )
    return np.hypot(down, right)


def _connectivity(matte: np.ndarray, alpha: np.ndarray) -> float:
    """Returns the sum of absolute differences of the connectedness.

    For each threshold, the region is the largest 4-connected component in which both mattes reach
    the threshold, so it shrinks as the threshold grows. A pixel's level is the last threshold at
    which the region contains it. Its connectedness is 1 minus its excess over that level; an excess
    below theta counts as 0. The paper weights the excess by the distance to the region; the
    published evaluation code does not, and neither do the figures published since.
    """
    level = np.zeros_like(alpha)
    connected = np.ones(alpha.shape, bool)
    for threshold in _THRESHOLDS:
        labels, count = ndimage.label(np.minimum(matte, alpha) >= threshold)
        if not count:
            break
        connected &= labels == 1 + np.bincount(labels.ravel())[1:].argmax()
        level[connected] = threshold
    above = np.stack([matte, alpha]) - level
    connectedness = 1 - np.where(above >= _THETA, above, 0)
    return float(np.abs(connectedness[0] - connectedness[1]).sum())
