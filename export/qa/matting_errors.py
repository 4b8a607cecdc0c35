"""How far a matte is from the true alpha, in the four measures of the matting literature.

Those of the benchmark alphamatting.com: C. Rhemann et al., "A Perceptually Motivated Online
Benchmark for Image Matting", CVPR 2009. SAD and MSE say how much is wrong; the gradient and the
connectivity error were made to agree with what people find wrong: frayed edges, and pieces that
hang loose. All are over the whole picture, not over an unknown region, as a key has no trimap.
"""

import dataclasses
import math

import numpy as np
from scipy import ndimage

from export.pictures.compositing import Floats

_SIGMA = 1.4
"""Of the gradient's Gaussian, in pixels."""
_SMALLEST = 0.01
"""The Gaussian is cut off where it is no greater than this."""
_THRESHOLDS = [tenth / 10 for tenth in range(1, 11)]
"""Of the connectivity error."""
_THETA = 0.15
"""How far a pixel may be above the level at which it is connected before that counts."""


@dataclasses.dataclass(frozen=True)
class MattingErrors:
    """Errors of one matte; 0 is perfect, and of each the smaller the better.

    Attributes:
        sad: Sum of absolute differences, in thousands of pixels.
        mse: Mean squared error.
        gradient: Sum of squared differences of the gradients' lengths, in thousands.
        connectivity: Sum of absolute differences in connectedness, in thousands.
    """

    sad: float
    mse: float
    gradient: float
    connectivity: float


def matting_errors(matte: Floats, alpha: Floats) -> MattingErrors:
    """Measures a matte against the true alpha, both [H, W] in [0, 1].

    Raises:
        ValueError: They differ in shape, or are not pictures.
    """
    if matte.shape != alpha.shape or matte.ndim != 2 or not matte.size:
        raise ValueError(f"a matte {matte.shape} cannot be measured against {alpha.shape}")
    matte, alpha = matte.astype(np.float64), alpha.astype(np.float64)
    return MattingErrors(
        sad=float(np.abs(matte - alpha).sum()) / 1000,
        mse=float(np.square(matte - alpha).mean()),
        gradient=float(np.square(_gradient(matte) - _gradient(alpha)).sum()) / 1000,
        connectivity=_connectivity(matte, alpha) / 1000,
    )


def mean_errors(errors: list[MattingErrors]) -> MattingErrors:
    """The mean of each measure."""
    columns = zip(*map(dataclasses.astuple, errors), strict=True)
    return MattingErrors(*(sum(column) / len(errors) for column in columns))


def _gradient(matte: np.ndarray) -> np.ndarray:
    """Length of the gradient [H, W], by derivatives of a Gaussian.

    The two kernels have a Euclidean norm of 1, as in the benchmark, so that figures compare.
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
    """Sum of absolute differences in connectedness.

    A region grows smaller from threshold to threshold: the largest one, with neighbours along the
    axes, where both mattes reach it. A pixel's level is the last threshold before it drops out,
    and its connectedness is 1 less what it has above that level, where that is theta or more.
    The paper weighs that excess by the distance to the region; the published evaluation code, and
    with it every figure since, does not.
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
