"""The hint: its channel, and its position in the plate's frame."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from export.pictures.picture_files import Picture
from export.pictures.windows import Box
from export.preview.hint import HintChannel, HintError, hint_for, usual_channel

FRAME = Box(0, 0, 12, 10)
RGBA = np.random.default_rng(0).random((10, 12, 4), np.float32)
PICTURE = Picture(RGBA[..., :3], RGBA[..., 3], FRAME, FRAME, linear=True)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("alpha", RGBA[..., 3]),
        ("red", RGBA[..., 0]),
        ("luminance", RGBA[..., :3] @ [0.2126, 0.7152, 0.0722]),
    ],
)
def test_channel(channel: HintChannel, expected: np.ndarray) -> None:
    np.testing.assert_allclose(hint_for(PICTURE, PICTURE, channel), expected, rtol=1e-6)


@pytest.mark.parametrize("channel", ["alpha", "red", "luminance"])
def test_missing_channel(channel: HintChannel) -> None:
    missing: dict[str, Any] = {"alpha" if channel == "alpha" else "rgb": None}
    source = dataclasses.replace(PICTURE, **missing)
    with pytest.raises(HintError, match=f"^it has no {channel}$"):
        hint_for(PICTURE, source, channel)


def test_default_channel() -> None:
    assert usual_channel(PICTURE) == "alpha"
    assert usual_channel(dataclasses.replace(PICTURE, alpha=None)) == "luminance"
    nothing = dataclasses.replace(PICTURE, alpha=np.zeros((10, 12), np.float32))
    assert usual_channel(nothing) == "alpha"  # The subject may be outside the frame.
    opaque = dataclasses.replace(PICTURE, alpha=np.ones((10, 12), np.float32))
    with pytest.raises(HintError, match="1 everywhere"):
        usual_channel(opaque)


def part(data: Box, display: Box) -> Picture:
    """Returns the part of PICTURE, placed at the origin of `display`, in a data window."""
    wide = np.zeros((100, 100, 4), np.float32)
    wide[40:50, 40:52] = RGBA
    left, top = data.x - display.x + 40, data.y - display.y + 40
    pixels = wide[top : top + data.height, left : left + data.width]
    return Picture(pixels[..., :3], pixels[..., 3], data, display, linear=True)


@pytest.mark.parametrize("origin", [(0, 0), (7, -3)], ids=str)
@pytest.mark.parametrize(
    ("plate", "hint"),
    [
        (Box(0, 0, 12, 10), Box(2, 3, 5, 4)),  # a crop
        (Box(2, 3, 5, 4), Box(0, 0, 12, 10)),
        (Box(-3, -2, 20, 15), Box(0, 0, 12, 10)),  # overscan
        (Box(1, 1, 6, 6), Box(4, 3, 8, 7)),  # some of it in both
        (Box(0, 0, 4, 4), Box(6, 6, 4, 4)),  # none
    ],
)
def test_hint_keeps_its_position_in_the_frame(
    plate: Box, hint: Box, origin: tuple[int, int]
) -> None:
    x, y = origin
    moved = dataclasses.replace(hint, x=hint.x + x, y=hint.y + y)
    source = part(moved, Box(x, y, 12, 10))
    result = hint_for(part(plate, FRAME), source, "alpha")
    expected = np.zeros((plate.height, plate.width), np.float32)
    for row in range(plate.height):
        for column in range(plate.width):
            in_hint_y, in_hint_x = plate.y + row - hint.y, plate.x + column - hint.x
            if 0 <= in_hint_y < hint.height and 0 <= in_hint_x < hint.width:
                assert source.alpha is not None
                expected[row, column] = source.alpha[in_hint_y, in_hint_x]
    assert np.array_equal(result, expected)
    assert result.shape == (plate.height, plate.width)


def test_frame_of_another_size() -> None:
    source = part(FRAME, Box(0, 0, 24, 20))
    with pytest.raises(HintError, match="the frame is 24x20; expected 12x10"):
        hint_for(PICTURE, source, "alpha")
