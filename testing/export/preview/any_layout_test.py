"""Channels, windows and sizes of plates and hints: each gives the right key, or a clear message.

The network is a stand-in, as in any_files_test.py.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from export.pictures.layers import HintChannel
from export.pictures.picture_writer import write_exr
from export.pictures.windows import Box
from testing.export.preview.stand_in import (
    FRAME,
    HEIGHT,
    HINT,
    PLATE,
    RANDOM,
    RGB,
    WIDTH,
    Studio,
    assert_key,
    channels,
    oiio_exr,
    shot,
    studio,
)

__all__ = ["shot", "studio"]


# The hint's channel is decided once.


def test_close_up_in_a_sequence_is_keyed_from_its_alpha(studio: Studio) -> None:
    for frame in range(1, 8):
        alpha = np.ones_like(HINT) if 3 <= frame <= 6 else HINT
        write_exr(studio.folder / f"a.{frame}.exr", PLATE | {"A": alpha}, FRAME, FRAME)
    result = studio.keyed("a.#.exr")
    assert "Hint from alpha" in result.stdout
    assert_key(studio, "a.4.exr", RGB, np.ones_like(HINT))


@pytest.mark.parametrize("name", ["A", "R", "Y", "mask", "matte.A"])
def test_file_with_only_a_hint_may_be_white(name: str, studio: Studio) -> None:
    write_exr(studio.folder / "a.exr", channels("R G B"), FRAME, FRAME)
    write_exr(studio.folder / "h.exr", {name: np.ones_like(HINT)}, FRAME, FRAME)
    studio.keyed("a.exr", hint="h.exr")
    assert_key(studio, "a.exr", RGB, np.ones_like(HINT))


def test_white_alpha_beside_colors_needs_an_option_and_the_advice_works(studio: Studio) -> None:
    white = PLATE | {"A": np.ones_like(HINT)}
    write_exr(studio.folder / "a.exr", white, FRAME, FRAME)
    message = studio.failed("a.exr")
    assert "a.exr is 1 everywhere, so it is probably not a hint." in message
    assert "luminance" not in message
    studio.keyed("a.exr", "--hint-channel=alpha")
    shutil.rmtree(studio.output)
    write_exr(studio.folder / "h.exr", white, FRAME, FRAME)
    assert "--hint-channel luminance if it" in studio.failed("a.exr", hint="h.exr")
    studio.keyed("a.exr", "--hint-channel=luminance", hint="h.exr")
    assert_key(studio, "a.exr", RGB, np.tensordot([0.2126, 0.7152, 0.0722], RGB, 1))


def test_frame_without_the_channel_of_the_others_fails_alone(studio: Studio) -> None:
    for frame in range(1, 6):
        planes = channels("R G B") if frame == 5 else PLATE
        write_exr(studio.folder / f"a.{frame}.exr", planes, FRAME, FRAME)
    message = studio.failed("a.#.exr")
    assert "a.5.exr has the channels RGB; expected alpha as in the other frames" in message
    assert studio.results() == ["a.1.exr", "a.2.exr", "a.3.exr", "a.4.exr"]


def test_empty_hints_and_hints_outside_the_frame_are_warnings(studio: Studio) -> None:
    for frame in range(1, 9):
        window = Box(100, 100, WIDTH, HEIGHT) if frame == 8 else FRAME
        hint = 0 * HINT if frame in (2, 3, 4) else HINT
        write_exr(studio.folder / f"a.{frame}.exr", channels("R G B"), FRAME, FRAME)
        write_exr(studio.folder / f"h.{frame}.exr", {"A": hint}, window, FRAME)
    result = studio.keyed("a.#.exr", hint="h.#.exr")
    assert "Warning: the hint is 0 everywhere in frames 2-4\n" in result.stderr
    assert "Warning: the hint lies outside the frame in frame 8\n" in result.stderr


def test_recorded_channel_is_the_one_that_was_used(studio: Studio) -> None:
    write_exr(studio.folder / "a.exr", channels("R G B mask"), FRAME, FRAME)
    studio.keyed("a.exr")
    record = json.loads(studio.header("a.exr")["corridorkey"])
    assert record["plate"]["hint_channel"] == "MASK"


# The key does not depend on the data window.

CROP = Box(3, 2, 8, 7)


@pytest.mark.parametrize("origin", [(0, 0), (10, -5)], ids=str)
def test_crop_is_keyed_as_the_whole_frame(origin: tuple[int, int], studio: Studio) -> None:
    x, y = origin
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[CROP.y : CROP.y + CROP.height, CROP.x : CROP.x + CROP.width] = True
    whole = {name: plane * inside for name, plane in PLATE.items()}
    cropped = {n: p[2:9, 3:11].copy() for n, p in PLATE.items()}
    write_exr(studio.folder / "whole.exr", whole, FRAME, FRAME)
    write_exr(studio.folder / "crop.exr", cropped, CROP.moved(x, y), FRAME.moved(x, y))
    studio.keyed("whole.exr")
    studio.keyed("crop.exr")
    first, second = studio.layers("whole.exr"), studio.layers("crop.exr")
    assert all(np.array_equal(first[name], second[name]) for name in first)
    window = [corner.tolist() for corner in studio.header("crop.exr")["dataWindow"]]
    assert window == [[x, y], [x + WIDTH - 1, y + HEIGHT - 1]]
    picture = [Image.open(studio.output / name) for name in ("whole.png", "crop.png")]
    assert np.array_equal(*map(np.asarray, picture))


def test_overscan_is_cut_off_and_keyed_on_request(studio: Studio) -> None:
    inner = Box(2, 3, 10, 6)
    for frame, data in ((1, FRAME), (2, Box(-1, 0, WIDTH, HEIGHT))):
        write_exr(studio.folder / f"a.{frame}.exr", PLATE, data, inner)
    studio.keyed("a.#.exr")
    assert_key(studio, "a.1.exr", RGB[:, 3:9, 2:12], HINT[3:9, 2:12])
    assert_key(studio, "a.2.exr", RGB[:, 3:9, 3:13], HINT[3:9, 3:13])
    result = studio.keyed("a.#.exr", "--overscan")
    assert "2 keyed (2 plate changed)" in result.stdout
    # One window for both frames: columns -1 to 15.
    planes = np.pad(RANDOM, [(0, 0), (0, 0), (1, 0)])
    assert_key(studio, "a.1.exr", planes[:3], planes[3])
    planes = np.pad(RANDOM, [(0, 0), (0, 0), (0, 1)])
    assert_key(studio, "a.2.exr", planes[:3], planes[3])
    for name in studio.results():
        header = studio.header(name)
        assert [corner.tolist() for corner in header["dataWindow"]] == [[-1, 0], [15, 11]]
        assert [corner.tolist() for corner in header["displayWindow"]] == [[2, 3], [11, 8]]
    assert Image.open(studio.output / "a.1.png").size == (10, 6)


def test_data_window_beside_the_frame_is_black(studio: Studio) -> None:
    write_exr(studio.folder / "a.exr", PLATE, FRAME.moved(100, 0), FRAME)
    studio.keyed("a.exr", "--hint-channel=alpha")
    assert_key(studio, "a.exr", 0 * RGB, 0 * HINT)


@pytest.mark.parametrize("origin", [(0, 0), (7, -3)], ids=str)
@pytest.mark.parametrize(
    "window",
    [Box(2, 3, 5, 4), Box(-3, -2, 25, 20), Box(-5, 0, 10, 12), Box(10, 8, 12, 12), Box(3, 2, 1, 1)],
)
def test_hint_keeps_its_position_in_the_frame(
    window: Box, origin: tuple[int, int], studio: Studio
) -> None:
    hint = np.random.default_rng(1).random((window.height, window.width), np.float32)
    expected = np.zeros_like(HINT)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            row, column = y - window.y, x - window.x
            if 0 <= row < window.height and 0 <= column < window.width:
                expected[y, x] = hint[row, column]
    write_exr(studio.folder / "a.exr", channels("R G B"), FRAME, FRAME)
    write_exr(studio.folder / "h.exr", {"A": hint}, window.moved(*origin), FRAME.moved(*origin))
    studio.keyed("a.exr", hint="h.exr")
    assert_key(studio, "a.exr", RGB, expected)


# Hints of another size.


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_hint_of_another_size_is_resized_with_a_remark(factor: int, studio: Studio) -> None:
    large = np.kron(np.full((HEIGHT, WIDTH), 0.75, np.float32), np.ones((factor, factor)))
    size = Box(0, 0, WIDTH * factor, HEIGHT * factor)
    write_exr(studio.folder / "a.exr", channels("R G B"), FRAME, FRAME)
    write_exr(studio.folder / "h.exr", {"A": large.astype(np.float32)}, size, size)
    result = studio.keyed("a.exr", hint="h.exr")
    assert f"hint resized from {size.width}x{size.height} to {WIDTH}x{HEIGHT}\n" in result.stdout
    assert_key(studio, "a.exr", RGB, np.full_like(HINT, 0.75))


def test_small_hint_keeps_its_position(studio: Studio) -> None:
    small = np.zeros((HEIGHT // 2, WIDTH // 2), np.float32)
    small[:, 4:] = 1  # the right half
    size = Box(0, 0, WIDTH // 2, HEIGHT // 2)
    write_exr(studio.folder / "a.exr", channels("R G B"), FRAME, FRAME)
    write_exr(studio.folder / "h.exr", {"A": small}, size, size)
    studio.keyed("a.exr", hint="h.exr")
    matte = studio.layers("a.exr")["matte.A"]
    assert (matte[:, :7] == 0).all()
    assert (matte[:, 9:] == 1).all()
    assert np.allclose(matte[:, 7:9].sum(1), 1)  # symmetric about the edge


@pytest.mark.parametrize(
    ("plate", "hint", "fits"),
    [
        ((333, 180), (166, 90), True),  # rounded down
        ((512, 214), (256, 107), True),
        ((512, 213), (256, 107), True),  # rounded up
        ((480, 270), (320, 180), True),
        ((320, 180), (480, 270), True),
        ((192, 108), (192, 108), True),
        ((192, 108), (108, 192), False),
        ((192, 108), (192, 120), False),
        ((192, 108), (192, 109), False),
        ((64, 48), (64, 40), False),
    ],
)
def test_hint_of_another_aspect_is_refused(
    plate: tuple[int, int], hint: tuple[int, int], fits: bool, studio: Studio
) -> None:
    for name, (width, height), planes in (("a", plate, "R G B"), ("h", hint, "A")):
        box = Box(0, 0, width, height)
        pixels = {channel: np.zeros((height, width), np.float32) for channel in planes.split()}
        write_exr(studio.folder / f"{name}.exr", pixels, box, box)
    if fits:
        studio.keyed("a.exr", hint="h.exr")
    else:
        message = studio.failed("a.exr", hint="h.exr")
        assert (
            "h.exr has a frame of {}x{}; expected the plate's {}x{}, or the same aspect".format(
                *hint, *plate
            )
            in message
        )


def test_square_hint_for_an_anamorphic_plate(studio: Studio) -> None:
    squeezed = oiio_exr(studio.folder / "a.exr", {"PixelAspectRatio": 2.0})
    size = Box(0, 0, 2 * WIDTH, HEIGHT)
    write_exr(studio.folder / "h.exr", {"A": np.full((HEIGHT, 2 * WIDTH), 0.5)}, size, size)
    studio.keyed(squeezed.name, hint="h.exr")
    assert_key(studio, "a.exr", RGB, np.full_like(HINT, 0.5))


# Layouts of EXR files.


def write_parts(path: Path, *parts: tuple[str, dict[str, np.ndarray], dict[str, Any]]) -> None:
    """Writes an EXR of several parts: name, channels, more header."""
    base = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    made = [OpenEXR.Part(base | {"name": name} | more, planes) for name, planes, more in parts]
    with OpenEXR.File(made) as file:
        file.write(str(path))


def stacked(names: str, planes: np.ndarray) -> dict[str, np.ndarray]:
    """Returns planes by name."""
    return {name: plane.copy() for name, plane in zip(names.split(), planes, strict=False)}


OTHER = RANDOM[4:7]
"""Colors that must not be keyed."""


@pytest.mark.parametrize(
    ("parts", "options"),
    [
        ([("depth", stacked("Z", OTHER), {}), ("rgba", stacked("R G B A", RANDOM), {})], []),
        ([("rgb", stacked("R G B", RGB), {}), ("alpha", {"A": HINT}, {})], []),
        ([("alpha", {"A": HINT}, {}), ("rgb", stacked("R G B", RGB), {})], []),
        ([("rgb", stacked("R G B", RGB), {}), ("mask", {"mask.Y": HINT}, {})], []),
        ([("one", stacked("R G B A", RANDOM), {}), ("two", stacked("R G B", OTHER), {})],
         ["--plate-layer=one"]),
        ([("v", stacked("V.Combined.R V.Combined.G V.Combined.B V.Combined.A", RANDOM), {}),
          ("d", {"V.Depth.Z": HINT}, {})], []),
        ([("left", stacked("R G B A", RANDOM), {"view": "left"}),
          ("right", stacked("R G B A", RANDOM[4:]), {"view": "right"})], ["--view=left"]),
        ([("left", stacked("R G B A", RANDOM[4:]), {"view": "left"}),
          ("right", stacked("R G B A", RANDOM), {"view": "right"})], ["--view=right"]),
    ],
)  # fmt: skip
def test_multi_part_file(parts: list, options: list[str], studio: Studio) -> None:
    write_parts(studio.folder / "a.exr", *parts)
    studio.keyed("a.exr", *options)
    assert_key(studio, "a.exr", RGB, HINT)


@pytest.mark.parametrize(
    ("planes", "options"),
    [
        (stacked("plate.R plate.G plate.B plate.A", RANDOM), []),
        (stacked("ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B "
                 "ViewLayer.Combined.A", RANDOM), []),
        (stacked("r g b a", RANDOM), []),
        (stacked("red green blue alpha", RANDOM), []),
        (stacked("R G B A FG.R FG.G FG.B matte.A", RANDOM), []),
        (stacked("R G B matte.A diffuse.R diffuse.G diffuse.B Z", RANDOM), []),
        (stacked("bg.R bg.G bg.B fg.A fg.R fg.G fg.B", np.concatenate([RGB, RANDOM[3:]])),
         ["--plate-layer=bg", "--hint-layer=fg.A"]),
    ],
)  # fmt: skip
def test_layers_of_one_part(
    planes: dict[str, np.ndarray], options: list[str], studio: Studio
) -> None:
    write_exr(studio.folder / "a.exr", planes, FRAME, FRAME)
    studio.keyed("a.exr", *options)
    assert_key(studio, "a.exr", RGB, HINT)


@pytest.mark.parametrize("name", ["A", "R", "Y", "mask", "matte.A", "mask.R", "hint.Y", "X"])
def test_hint_file_with_one_channel(name: str, studio: Studio) -> None:
    write_exr(studio.folder / "a.exr", channels("R G B"), FRAME, FRAME)
    write_exr(studio.folder / "h.exr", {name: HINT}, FRAME, FRAME)
    studio.keyed("a.exr", hint="h.exr")
    assert_key(studio, "a.exr", RGB, HINT)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("alpha", HINT),
        ("red", RGB[0]),
        ("luminance", np.tensordot([0.2126, 0.7152, 0.0722], RGB, 1)),
    ],
)
def test_hint_channel(channel: HintChannel, expected: np.ndarray, studio: Studio) -> None:
    write_exr(studio.folder / "a.exr", PLATE, FRAME, FRAME)
    write_exr(studio.folder / "h.exr", PLATE, FRAME, FRAME)
    studio.keyed("a.exr", f"--hint-channel={channel}", hint="h.exr")
    assert_key(studio, "a.exr", RGB, expected)


def test_parts_with_data_windows_of_their_own(studio: Studio) -> None:
    window = {"dataWindow": (np.int32([3, 2]), np.int32([10, 8])),
              "displayWindow": (np.int32([0, 0]), np.int32([WIDTH - 1, HEIGHT - 1]))}  # fmt: skip
    small = {"A": HINT[2:9, 3:11].copy()}
    write_parts(
        studio.folder / "a.exr", ("rgb", stacked("R G B", RGB), {}), ("alpha", small, window)
    )
    studio.keyed("a.exr")
    expected = np.zeros_like(HINT)
    expected[2:9, 3:11] = HINT[2:9, 3:11]
    assert_key(studio, "a.exr", RGB, expected)


@pytest.mark.parametrize(
    ("planes", "message"),
    [
        (stacked("a.R a.G a.B b.R b.G b.B", RANDOM), "Choose one with --plate-layer"),
        (stacked("R G B x.A y.A", RANDOM), "x (A); y (A). Choose one with --hint-layer"),
        (stacked("R G B", RANDOM), "and no alpha. Give a hint with --hint"),
        (stacked("A", RANDOM), "has the channels A; expected R, G and B, or Y"),
        (stacked("Z", RANDOM), "has the channels Z; expected R, G and B, or Y"),
    ],
)
def test_layout_that_is_ambiguous_or_incomplete(
    planes: dict[str, np.ndarray], message: str, studio: Studio
) -> None:
    write_exr(studio.folder / "a.exr", planes, FRAME, FRAME)
    assert message in studio.failed("a.exr")
    assert not studio.output.exists()


def test_stereo_file_needs_a_view(studio: Studio) -> None:
    write_parts(
        studio.folder / "a.exr",
        ("l", stacked("R G B A", RANDOM), {"view": "left"}),
        ("r", stacked("R G B A", RANDOM), {"view": "right"}),
    )
    assert "has the views left, right; choose one with --view" in studio.failed("a.exr")
    assert "has no view 'up'; its views are left, right" in studio.failed("a.exr", "--view=up")
