import numpy as np
import pytest
import torch
from scipy import ndimage

from export.pictures.synthetic_plates import RECIPES, synthetic_plate
from wrapper.image.despeckle import despeckle


def subject() -> torch.Tensor:
    """A soft disc with a thin, faint, curled hair."""
    y, x = np.mgrid[:256, :256]
    matte = np.clip((60 - np.hypot(x - 128, y - 128)) / 8 + 0.5, 0, 1)
    turn = np.linspace(0, 1.8 * np.pi, 2000)
    reach = 60 + 12 * turn / np.pi
    rows, columns = 128 + reach * np.sin(turn), 128 + reach * np.cos(turn)
    matte[rows.astype(int), columns.astype(int)] = 0.3
    return torch.from_numpy(matte).float()[None, None]


@pytest.mark.parametrize("half", [1, 4, 10])
def test_islands_smaller_than_the_box_go_and_hair_stays(half: int) -> None:
    clean = subject()
    matte = clean.clone()
    matte[..., 10 : 10 + 2 * half, 20:60] = 1.0  # a row too low
    matte[..., 230:234, 5:9] = 0.2
    output = despeckle(matte, half, half)
    assert torch.equal(output, clean)
    matte[..., 10 : 11 + 2 * half, 20:60] = 1.0
    matte[..., 230:234, 5:9] = 0.0
    assert torch.equal(despeckle(matte, half, half), matte)


def test_an_island_at_the_edge_may_go_on_outside() -> None:
    matte = torch.zeros(1, 1, 256, 256)
    matte[..., :4, :4] = 1.0
    assert torch.equal(despeckle(matte, 3, 3), matte)
    assert not despeckle(matte, 5, 5).any()


def test_a_speck_fades_as_its_bridge_does() -> None:
    matte = torch.zeros(1, 1, 256, 256)
    matte[..., 50:150, 50:150] = 1.0
    matte[..., 100:102, 170:172] = 1.0
    kept = []
    for bridge in (0.0, 0.01, 0.025, 0.05, 0.5):
        matte[..., 100:101, 150:170] = bridge
        kept.append(despeckle(matte, 3, 3)[0, 0, 100, 170].item())
    assert kept == pytest.approx([0.0, 0.2, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("side", [32, 256, 544])
def test_any_size_and_the_largest_box(side: int) -> None:
    matte = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(1))
    output = despeckle(matte, side // 2, side // 20)
    assert output.shape == matte.shape
    assert (output <= matte).all() and (output >= 0).all()


@pytest.mark.parametrize("plate", ["hair", "motion-blur"])
def test_subjects_of_the_synthetic_plates_are_not_touched(plate: str) -> None:
    alpha = synthetic_plate(RECIPES[plate], 256, 256).alpha
    labels, _ = ndimage.label(alpha > 0, np.ones((3, 3)))
    largest = np.bincount(labels[labels > 0]).argmax()
    alpha = np.where(labels == largest, alpha, 0)
    matte = torch.from_numpy(alpha)[None, None]
    # A single hair whose matte falls below 0.05 is cut there.
    changed = (despeckle(matte, 2, 2) - matte).abs()
    assert changed.max() < 0.1
    assert (changed > 0).float().mean() < 1e-3
