import pytest
import torch
import torch.nn.functional as F

from testing.golden import golden_data
from wrapper.image.resize import resize


@pytest.mark.parametrize("size", [(7, 5), (64, 64), (120, 31)])
def test_resize_is_torchs_antialiased_bilinear(size: tuple[int, int]) -> None:
    plate = golden_data.plate(40, 30)
    expected = F.interpolate(plate, size, mode="bilinear", align_corners=False, antialias=True)
    assert torch.equal(resize(plate, *size), expected)


def test_resize_to_the_same_size_returns_the_picture() -> None:
    plate = golden_data.plate(40, 30)
    assert resize(plate, 40, 30) is plate
