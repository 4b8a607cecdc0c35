import numpy as np
import pytest
import torch
from torch import Tensor

from export.pictures.synthetic_plates import RECIPES, synthetic_plate
from testing.golden import golden_data
from wrapper.image.detail import key_detail
from wrapper.image.resize import resize


def noise(name: str, channels: int, height: int, width: int) -> Tensor:
    return torch.from_numpy(golden_data.uniform(name, (1, channels, height, width))).float()


def windows(x: np.ndarray) -> np.ndarray:
    """Returns the mean of [C, H, W] in windows of 5×5 pixels, of the pixels in the picture."""
    one = np.pad(np.ones(x.shape[1:]), 2)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    view = np.lib.stride_tricks.sliding_window_view
    total = view(padded, (5, 5), (1, 2)).sum((-1, -2))
    return total / view(one, (5, 5)).sum((-1, -2))


def reference(plate: Tensor, guide: Tensor, key: Tensor) -> np.ndarray:
    """The filter as its paper defines it, in float64."""
    g, k = guide[0].double().numpy(), key[0].double().numpy()
    products = windows((g[:, None] * g[None]).reshape(9, *g.shape[1:])).reshape(3, 3, *g.shape[1:])
    mixed = windows((g[:, None] * k[None]).reshape(12, *g.shape[1:])).reshape(3, 4, *g.shape[1:])
    mean, key_mean = windows(g), windows(k)
    covariance = products - mean[:, None] * mean[None] + 1e-4 * np.eye(3)[..., None, None]
    common = mixed - mean[:, None] * key_mean[None]
    covariance, common = (np.moveaxis(m, (0, 1), (2, 3)) for m in (covariance, common))
    slopes = np.linalg.solve(covariance, common)
    slopes = windows(np.moveaxis(slopes, (2, 3), (0, 1)).reshape(12, *g.shape[1:]))
    height, width = plate.shape[2:]
    enlarged = resize(torch.from_numpy(np.concatenate([slopes, g]))[None], height, width)[0].numpy()
    lost = plate[0].double().numpy() - enlarged[12:]
    return np.einsum("ckhw,chw->khw", enlarged[:12].reshape(3, 4, height, width), lost)


@pytest.mark.parametrize(
    ("size", "small"),
    [((70, 90), (32, 32)), ((33, 64), (32, 32)), ((20, 90), (20, 32)), ((1, 40), (1, 32))],
    ids=str,
)
def test_detail_is_the_guided_filters(size: tuple[int, int], small: tuple[int, int]) -> None:
    colors, key = noise("plate", 3, *size), noise("key", 4, *small)
    # The covariances of a plate of one hue are nearly singular.
    one_hue = 0.3 + colors[:, :1] * torch.tensor([0.2, 0.5, 0.1]).view(1, 3, 1, 1)
    for plate in (colors, one_hue):
        guide = resize(plate, *small)
        detail = key_detail(plate, guide, key, 0, size[0])
        # Measured 6e-5, in float32 against a smallest eigenvalue of 1e-4.
        np.testing.assert_allclose(detail[0], reference(plate, guide, key), rtol=0, atol=3e-4)


@pytest.mark.parametrize("height", [65, 20])
def test_bands_give_the_whole(height: int) -> None:
    plate, small = noise("plate", 3, height, 90), min(height, 32)
    guide, key = resize(plate, small, 32), noise("key", 4, small, 32)
    whole = key_detail(plate, guide, key, 0, height)
    for rows in (1, 7, 64):
        bands = [
            key_detail(plate[:, :, top : top + rows], guide, key, top, height)
            for top in range(0, height, rows)
        ]
        # The kernels add in an order that depends on the place in memory.
        torch.testing.assert_close(torch.cat(bands, 2), whole, rtol=0, atol=5e-6)


def test_noise_does_not_reach_a_flat_key() -> None:
    plate = 0.5 + 0.1 * noise("plate", 3, 64, 64)
    key = torch.tensor([1.0, 0.3, 0.6, 0.0]).view(1, 4, 1, 1).expand(1, 4, 32, 32)
    # Covariances of a constant are rounding, 1e-8, over ε = 1e-4.
    assert key_detail(plate, resize(plate, 32, 32), key, 0, 64).abs().max() < 1e-3


def test_the_matte_of_hair_is_restored() -> None:
    hair = synthetic_plate(RECIPES["hair"], 256, 256)
    plate = torch.from_numpy(hair.plate).permute(2, 0, 1)[None]
    alpha = torch.from_numpy(hair.alpha)[None, None]
    small = resize(alpha, 128, 128)
    soft = resize(small, 256, 256)
    detail = key_detail(plate, resize(plate, 128, 128), small.expand(1, 4, 128, 128), 0, 256)
    sharp = (soft + detail[:, :1]).clamp(0, 1)
    # Measured 0.13 (wrapper/ARCHITECTURE.md has the table of all plates).
    assert (sharp - alpha).abs().sum() < 0.3 * (soft - alpha).abs().sum()
