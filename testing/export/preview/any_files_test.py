"""Files as studios have them: each gives the right key, or a clear message.

The network is a stand-in that returns its input, so results equal plate and hint.
"""

import itertools
import json
import os
import shutil
import struct
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
import pytest
import torch
from PIL import Image, ImageCms, PngImagePlugin

from export.pictures.compositing import srgb_to_linear
from export.pictures.keyer import Keyed, Keyer
from export.pictures.layers import HintChannel
from export.pictures.picture_writer import write_exr, write_png
from export.pictures.windows import Box
from export.preview import preview
from export.preview.frame_reader import Frame, FrameReader
from export.preview.keyed_files import write_key
from testing.export.preview.stand_in import HALF, StandIn, Studio, studio

__all__ = ["studio"]

HEIGHT, WIDTH = 12, 16
FRAME = Box(0, 0, WIDTH, HEIGHT)
RANDOM = np.random.default_rng(0).random((8, HEIGHT, WIDTH), np.float32).astype(np.half)
RANDOM = RANDOM.astype(np.float32)
RGB, HINT = RANDOM[:3], RANDOM[3]
PLATE = dict(zip("RGBA", RANDOM, strict=False))
ROOT = os.geteuid() == 0


def channels(names: str, first: int = 0) -> dict[str, np.ndarray]:
    """Returns a different plane for each name."""
    return {name: RANDOM[(first + i) % 8].copy() for i, name in enumerate(names.split())}


def assert_key(studio: Studio, name: str, rgb: np.ndarray, hint: np.ndarray) -> None:
    """Checks a result: the foreground is the plate, the matte is the hint."""
    layers = studio.layers(name)
    np.testing.assert_allclose(layers["matte.A"], hint, rtol=0, atol=HALF)
    np.testing.assert_allclose(layers["A"], hint, rtol=0, atol=HALF)
    for i, channel in enumerate("RGB"):
        # The stand-in encodes and decodes sRGB.
        np.testing.assert_allclose(layers[f"FG.{channel}"], rgb[i], rtol=0, atol=HALF + 1e-5)
        np.testing.assert_allclose(layers[channel], rgb[i] * hint, rtol=0, atol=HALF + 1e-5)


# File names.


@pytest.mark.parametrize(
    "name",
    [
        *("plate.exr", "me@studio.exr", "shot#2.exr", "a b.exr", " lead.exr", "what?.exr"),
        *("what?a=b.exr", "star*.exr", "[x].exr", "{a}.exr", "100%.exr", "%04d.exr", "ü 日本.exr"),
        *("-dash.exr", "quote'\".exr", "back\\slash.exr", "tab\t.exr", "line\n.exr", "a.b.c.exr"),
        *("UPPER.EXR", "a,1-5x2.exr", "$HOME.exr", "~.exr", "#.exr", "x" * 200 + ".exr"),
        os.fsdecode(b"latin1-\xfc.exr"),
    ],
)
def test_any_name_of_a_still(name: str, studio: Studio) -> None:
    write_exr(studio.folder / name, PLATE, FRAME, FRAME)
    studio.keyed(name)
    assert studio.results() == [str(Path(name).with_suffix(".exr"))]
    shutil.copy(studio.output / studio.results()[0], studio.output / "copy.exr")
    assert_key(studio, "copy.exr", RGB, HINT)


@pytest.mark.parametrize("folder", ["me@studio", "shot#2", "%04d", "a b", "1-10", "ü", "x.exr 1-5"])
def test_any_name_of_a_folder(folder: str, studio: Studio) -> None:
    (studio.folder / folder).mkdir()
    for frame in (1001, 1002):
        write_exr(studio.folder / folder / f"a.{frame}.exr", PLATE, FRAME, FRAME)
    studio.keyed(f"{folder}/a.####.exr 1001-1002")
    assert studio.results() == ["a.1001.exr", "a.1002.exr"]
    assert "2 unchanged" in studio.keyed(f"{folder}/a.####.exr").stdout


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sh010-####.exr 1001", "sh010-1001.exr"),
        ("2024-01-15-####.exr", "2024-01-15-0001.exr"),
        ("hd_1920x1080####.exr 1001", "hd_1920x10801001.exr"),
        ("a_%04d_v2.exr 7", "a_0007_v2.exr"),
        ("a#1.####.exr 7", "a#1.0007.exr"),
        ("a.@@@.exr", "a.012.exr"),
    ],
)
def test_any_name_of_a_sequence(text: str, name: str, studio: Studio) -> None:
    write_exr(studio.folder / name, PLATE, FRAME, FRAME)
    studio.keyed(text)
    assert studio.results() == [name]


def test_one_folder_with_two_paddings(studio: Studio) -> None:
    for name in ("a.001.exr", "a.0001.exr", "a.0002.exr"):
        write_exr(studio.folder / name, PLATE, FRAME, FRAME)
    studio.keyed("a.####.exr")
    assert studio.results() == ["a.0001.exr", "a.0002.exr"]


def test_results_of_a_name_that_is_unsafe_on_a_terminal_are_printed_safely(studio: Studio) -> None:
    write_exr(studio.folder / "\x1b[31mred.exr", PLATE, FRAME, FRAME)
    result = studio.keyed("\x1b[31mred.exr")
    assert "\x1b" not in result.output
    (studio.folder / "\x1b[31mred.exr").write_text("damaged")
    assert "\x1b" not in studio.failed("\x1b[31mred.exr")


# Stale results.


@pytest.fixture
def shot(studio: Studio) -> Studio:
    """Plates 1 to 6 with hints in files of their own."""
    for frame in range(1, 7):
        write_exr(studio.folder / f"a.{frame}.exr", PLATE, FRAME, FRAME)
        write_exr(studio.folder / f"h.{frame}.exr", {"A": HINT}, FRAME, FRAME)
    return studio


def times(studio: Studio) -> dict[str, int]:
    """Returns the time of each result."""
    return {path.name: path.stat().st_mtime_ns for path in studio.output.glob("*.exr")}


def test_repainted_hints_are_keyed_again_and_no_other_frame(shot: Studio) -> None:
    shot.keyed("a.#.exr", hint="h.#.exr")
    before = times(shot)
    for frame in (2, 4, 5):
        write_exr(shot.folder / f"h.{frame}.exr", {"A": HINT / 2}, FRAME, FRAME)
    result = shot.keyed("a.#.exr", hint="h.#.exr")
    assert "3 keyed (3 hint changed), 3 unchanged, 0 failed" in result.stdout
    changed = {name for name, time in times(shot).items() if time != before[name]}
    assert changed == {"a.2.exr", "a.4.exr", "a.5.exr"}
    assert_key(shot, "a.4.exr", RGB, HINT / 2)
    assert_key(shot, "a.3.exr", RGB, HINT)


def test_plate_of_another_shot_with_the_same_name(shot: Studio) -> None:
    shot.keyed("a.#.exr 1-2", hint="h.#.exr")
    (shot.folder / "other").mkdir()
    for frame in (1, 2):
        plate = {name: plane / 2 for name, plane in PLATE.items()}
        write_exr(shot.folder / f"other/a.{frame}.exr", plate, FRAME, FRAME)
    result = shot.keyed("other/a.#.exr", hint="h.#.exr")
    assert "2 keyed (2 plate changed), 0 unchanged" in result.stdout
    assert_key(shot, "a.1.exr", RGB / 2, HINT)


def test_hint_in_another_folder(shot: Studio) -> None:
    shot.keyed("a.#.exr 1", hint="h.#.exr")
    (shot.folder / "v2").mkdir()
    write_exr(shot.folder / "v2/h.1.exr", {"A": HINT / 4}, FRAME, FRAME)
    result = shot.keyed("a.#.exr 1", hint="v2/h.#.exr")
    assert "1 keyed (1 hint changed)" in result.stdout
    assert_key(shot, "a.1.exr", RGB, HINT / 4)


@pytest.mark.parametrize("change", ["touch", "move", "nothing"])
def test_same_content_is_not_keyed_again(change: str, shot: Studio) -> None:
    shot.keyed("a.#.exr", hint="h.#.exr")
    plate = "a.#.exr"
    if change == "touch":
        os.utime(shot.folder / "a.1.exr", (1, 1))
    if change == "move":
        (shot.folder / "moved").mkdir()
        for frame in range(1, 7):
            (shot.folder / f"a.{frame}.exr").rename(shot.folder / f"moved/a.{frame}.exr")
        plate = "moved/a.#.exr"
    assert "0 keyed, 6 unchanged, 0 failed" in shot.keyed(plate, hint="h.#.exr").stdout


def test_another_hint_channel_is_keyed_again(shot: Studio) -> None:
    write_exr(shot.folder / "rgba.exr", PLATE, FRAME, FRAME)
    shot.keyed("a.#.exr 1", hint="rgba.exr")
    assert_key(shot, "a.1.exr", RGB, HINT)
    shot.keyed("a.#.exr 1", "--hint-channel=red", hint="rgba.exr")
    assert_key(shot, "a.1.exr", RGB, RGB[0])


def test_result_of_an_earlier_version_is_keyed_again(shot: Studio) -> None:
    shot.keyed("a.#.exr 1", hint="h.#.exr")
    record = json.loads(shot.header("a.1.exr")["corridorkey"]) | {"format": 1}
    write_exr(shot.output / "a.1.exr", PLATE, FRAME, FRAME, {"corridorkey": json.dumps(record)})
    result = shot.keyed("a.#.exr 1", hint="h.#.exr")
    assert "1 keyed (1 version of the preview changed)" in result.stdout


def test_record_says_what_a_result_was_made_from(shot: Studio) -> None:
    shot.keyed("a.#.exr 1", hint="h.#.exr")
    record = json.loads(shot.header("a.1.exr")["corridorkey"])
    for name, file in (("plate", "a.1.exr"), ("hint", "h.1.exr")):
        status = (shot.folder / file).stat()
        assert record[name]["path"] == str((shot.folder / file).resolve())
        assert record[name]["bytes"] == status.st_size
        assert record[name]["mtime_ns"] == status.st_mtime_ns
        assert len(record[name]["sha256"]) == 64
    assert record["hint"]["channel"] == "alpha"
    assert record["settings"]["refiner_strength"] == 1.0


@pytest.mark.parametrize("text", [None, "", "not JSON", "[]", "[" * 100_000, '{"settings": 3}'])
def test_result_whose_record_is_not_ours(text: str | None, shot: Studio) -> None:
    shot.output.mkdir()
    texts = {} if text is None else {"corridorkey": text}
    write_exr(shot.output / "a.1.exr", PLATE, FRAME, FRAME, texts)
    if text == '{"settings": 3}':
        shot.keyed("a.#.exr 1", hint="h.#.exr")
        return
    message = shot.failed("a.#.exr 1", hint="h.#.exr")
    assert "a.1.exr exists and is not a key of this program. Choose another --output" in message
    shot.keyed("a.#.exr 1", "--overwrite", hint="h.#.exr")


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


# What a file says about itself.


def oiio_exr(path: Path, attributes: dict[str, Any], planes: np.ndarray = RANDOM[:4]) -> Path:
    """Writes an EXR in float with attributes: values, or pairs of OIIO's type and a value."""
    spec = OpenImageIO.ImageSpec(planes.shape[2], planes.shape[1], len(planes), OpenImageIO.FLOAT)
    spec.channelnames = tuple("RGBA"[: len(planes)])
    for name, value in attributes.items():
        if isinstance(value, tuple):
            spec.attribute(name, OpenImageIO.TypeDesc(value[0]), value[1])
        else:
            spec[name] = value
    file = OpenImageIO.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(np.moveaxis(planes, 0, 2)))
    file.close()
    return path


AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
P3_D65 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
REC2020 = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)
ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329)
REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("PixelAspectRatio", 2.0, "pixelAspectRatio"),
        ("smpte:TimeCode", ("timecode", (0x01020304, 7)), "timeCode"),
        ("framesPerSecond", ("rational", (24000, 1001)), "framesPerSecond"),
        ("reelName", "A001C002", "reelName"),
        ("Copyright", "studio", "owner"),
        ("DateTime", "2024:01:15 10:11:12", "capDate"),
        ("whiteLuminance", 100.0, "whiteLuminance"),
        ("worldToCamera", ("matrix", tuple(map(float, range(16)))), "worldToCamera"),
        ("chromaticities", ("float[8]", P3_D65), "chromaticities"),
        ("smpte:KeyCode", ("keycode", (1, 2, 3, 4, 5, 4, 64)), "keyCode"),
        ("camera/lens", "50mm", "camera/lens"),
    ],
)
def test_header_is_carried_over(name: str, value: Any, key: str, studio: Studio) -> None:
    oiio_exr(studio.folder / "a.exr", {name: value})
    with OpenEXR.File(str(studio.folder / "a.exr"), header_only=True) as file:
        expected = file.header()[key]
    studio.keyed("a.exr")
    carried = studio.header("a.exr")[key]
    assert str(carried) == str(expected)
    assert np.array_equal(carried, expected) or carried == expected or str(carried)


def test_header_that_is_false_for_a_result_is_not_carried_over(studio: Studio) -> None:
    oiio_exr(studio.folder / "a.exr", {"compression": "piz", "DateTime": ""})
    studio.keyed("a.exr")
    header = studio.header("a.exr")
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert "capDate" not in header


def test_time_code_of_a_dpx_is_carried_over(studio: Studio) -> None:
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, 3, OpenImageIO.UINT16)
    spec.attribute("smpte:TimeCode", OpenImageIO.TypeDesc("timecode"), (0x01020304, 0))
    file = OpenImageIO.ImageOutput.create("a.dpx")
    assert file.open(str(studio.folder / "a.dpx"), spec)
    assert file.write_image(np.full((HEIGHT, WIDTH, 3), 0.5, np.float32))
    file.close()
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    studio.keyed("a.dpx", hint="h.exr")
    assert OpenImageIO.ImageBuf(str(studio.output / "a.exr")).spec().getattribute(
        "smpte:TimeCode"
    ) == (0x01020304, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("channels", "7"), ("dataWindow", "7"), ("compression", "odd"), ("multiView", "left")),
        *(("chromaticities", "7"), ("corridorkey", "{}"), ("PixelAspectRatio", "x"), ("", "7")),
        *(("Orientation", "6"), ("n\xefm", "7"), ("name", "v\xe4l"), ("k" * 300, "v" * 70_000)),
    ],
)
def test_any_text_in_a_header(key: str, value: str, studio: Studio) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, value)
    pixels = np.full((HEIGHT, WIDTH, 4), 128, np.uint8)
    Image.fromarray(pixels).save(studio.folder / "a.png", pnginfo=info)
    studio.keyed("a.png")
    assert np.abs(studio.layers("a.exr")["matte.A"] - 128 / 255).max() < HALF
    assert studio.header("a.exr")["corridorkey"].startswith('{"format"')


@pytest.mark.parametrize(
    ("primaries", "white"),
    [
        *((AP0, "D60"), (AP1, "D60"), (P3_D65, "D65"), (REC2020, "D65")),
        *((ADOBE_RGB, "D65"), (REC709, "D65")),
    ],
    ids=["AP0", "AP1", "P3", "Rec.2020", "Adobe RGB", "Rec.709"],
)
def test_known_primaries_reach_the_network_as_rec709_and_come_back(
    primaries: tuple[float, ...], white: str, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A gray and colors well inside Rec.709, so that the stand-in does not clip them.
    planes = np.full((4, HEIGHT, WIDTH), 0.25, np.float32)
    planes[1, :, 8:], planes[2, 6:, :] = 0.3, 0.2
    oiio_exr(studio.folder / "a.exr", {"chromaticities": ("float[8]", primaries)}, planes)
    seen = watch(monkeypatch)
    studio.keyed("a.exr")
    assert_key(studio, "a.exr", planes[:3], planes[3])
    # Gray is gray in every space; other colors differ unless the primaries are those of Rec.709.
    np.testing.assert_allclose(seen[0][:3, 0, 0], 0.25, atol=1e-3)
    assert np.allclose(seen[0][:3], planes[:3], atol=1e-3) == (primaries == REC709)
    matrix = to_rec709(primaries)
    if white == "D65":  # For D60, OpenColorIO adapts the white too.
        expected = np.tensordot(matrix, planes[:3].astype(float), 1)
        np.testing.assert_allclose(seen[0][:3], expected, rtol=0, atol=1e-5)


def to_rec709(primaries: tuple[float, ...]) -> np.ndarray:
    """Returns the matrix to Rec.709, computed from chromaticities (SMPTE RP 177)."""

    def to_xyz(values: tuple[float, ...]) -> np.ndarray:
        xy = np.array(values).reshape(4, 2)
        xyz = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(1)]) / xy[:, 1]
        return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])

    return np.linalg.solve(to_xyz(REC709), to_xyz(primaries))


def watch(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Returns a list that receives what the network is given."""
    seen: list[np.ndarray] = []
    start = StandIn.start

    def watched(self: StandIn, planes: np.ndarray, **knobs: float) -> Callable:
        seen.append(planes.copy())
        return start(self, planes, **knobs)

    monkeypatch.setattr(StandIn, "start", watched)
    return seen


def test_ap0_red_is_converted_as_in_the_aces_specification(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = np.zeros((4, 1, 3), np.float32)
    planes[:3, 0] = np.eye(3)
    planes[3] = 0.5
    oiio_exr(studio.folder / "a.exr", {"chromaticities": ("float[8]", AP0)}, planes)
    seen = watch(monkeypatch)
    studio.keyed("a.exr")
    # ACES2065-1 to linear Rec.709 with the Bradford matrix of the ACES color transforms.
    expected = [[2.5217, -1.1341, -0.3876], [-0.2765, 1.3727, -0.0962], [-0.0154, -0.1530, 1.1684]]
    np.testing.assert_allclose(seen[0][:3, 0], expected, atol=2e-4)


def test_unknown_primaries_are_a_warning_and_are_carried_over(studio: Studio) -> None:
    odd = (0.7, 0.3, 0.2, 0.7, 0.1, 0.1, 0.3, 0.3)
    for frame in (1, 2):
        oiio_exr(studio.folder / f"a.{frame}.exr", {"chromaticities": ("float[8]", odd)})
    result = studio.keyed("a.#.exr")
    assert result.stderr == (
        "Warning: unknown primaries (0.7 0.3 0.2 0.7 0.1 0.1 0.3 0.3), keyed as Rec.709 in frames "
        "1-2\n"
    )
    assert_key(studio, "a.1.exr", RGB, HINT)
    assert np.allclose(studio.header("a.1.exr")["chromaticities"], odd)


# Formats.


def save_pixels(path: Path, pixels: np.ndarray, **attributes: Any) -> None:
    """Writes integers [H, W, n] with OpenImageIO."""
    kind = {"uint8": OpenImageIO.UINT8, "uint16": OpenImageIO.UINT16}[str(pixels.dtype)]
    spec = OpenImageIO.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    for name, value in attributes.items():
        spec[name.replace("__", ":")] = value
    file = OpenImageIO.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(pixels)), file.geterror()
    file.close()


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        ("a.png", np.uint8, 0.0),
        ("a.png", np.uint16, 0.0),
        ("a.tif", np.uint8, 0.0),
        ("a.tiff", np.uint16, 0.0),
        ("a.dpx", np.uint16, 0.0),
        ("a.jpg", np.uint8, 0.02),
        ("a.JPEG", np.uint8, 0.02),
    ],
)
def test_integers_are_srgb(name: str, dtype: Any, tolerance: float, studio: Studio) -> None:
    x = np.arange(WIDTH) / WIDTH
    smooth = np.broadcast_to(x[None, :, None], (HEIGHT, WIDTH, 3))  # A JPEG would blur colors.
    largest = np.iinfo(dtype).max
    whole = np.rint(smooth * largest).astype(dtype)
    save_pixels(studio.folder / name, whole)
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    result = studio.keyed(name, hint="h.exr")
    assert "Plate read as sRGB" in result.stdout
    layers = studio.layers("a.exr")
    expected = srgb_to_linear(np.float32(whole / largest))
    for i, channel in enumerate("RGB"):
        error = np.abs(layers[f"FG.{channel}"] - expected[..., i]).max()
        assert error <= HALF + 1e-5 + tolerance
    np.testing.assert_allclose(layers["matte.A"], HINT, rtol=0, atol=HALF)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".dpx"])
def test_sequence_of_any_format_with_hints_of_any_format(suffix: str, studio: Studio) -> None:
    half = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for frame in (1, 2):
        save_pixels(studio.folder / f"a.{frame}{suffix}", half)
        save_pixels(studio.folder / f"h.{frame}{suffix}", half)
    studio.keyed(f"a.#{suffix}", hint=f"h.#{suffix}")
    assert studio.results() == ["a.1.exr", "a.2.exr"]
    # A hint is a matte, not a picture: its numbers are not decoded.
    assert np.abs(studio.layers("a.2.exr")["matte.A"] - 128 / 255).max() < 2e-3


@pytest.mark.parametrize("transfer", ["Printing density", "Logarithmic"])
def test_log_dpx_is_refused(transfer: str, studio: Studio) -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 30000, np.uint16)
    save_pixels(studio.folder / "a.dpx", pixels, dpx__Transfer=transfer)
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    message = studio.failed("a.dpx", hint="h.exr")
    assert f"a.dpx is log-encoded ({transfer}); expected sRGB or linear light" in message


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_picture_is_turned_upright(orientation: int, suffix: str, studio: Studio) -> None:
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16] = 255  # the upper left quarter is white
    back = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }  # fmt: skip
    stored = np.repeat(back[orientation][..., None], 3, 2)
    save_pixels(studio.folder / f"a{suffix}", stored, Orientation=orientation)
    box = Box(0, 0, 32, 16)
    write_exr(studio.folder / "h.exr", {"A": np.ones((16, 32), np.float32)}, box, box)
    studio.keyed(f"a{suffix}", hint="h.exr")
    green = studio.layers("a.exr")["FG.G"]
    assert green.shape == (16, 32)
    assert green[2:6, 2:14].min() > 0.95
    assert max(green[10:].max(), green[:, 18:].max()) < 0.05


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_colors_under_an_alpha_stay_straight(alpha: int, studio: Studio) -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 200, np.uint8)
    pixels[..., 3] = alpha
    Image.fromarray(pixels).save(studio.folder / "a.png")
    studio.keyed("a.png", "--hint-channel=alpha")
    layers = studio.layers("a.exr")
    expected = srgb_to_linear(np.float32([200 / 255]))[0]
    assert np.abs(layers["FG.R"] - expected).max() < 1e-3
    assert np.abs(layers["matte.A"] - alpha / 255).max() < 1e-3


def test_foreign_icc_profile_is_a_warning(studio: Studio) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    names = [name.encode("utf-16-be") for name in ("sRGB built-in", "Display P3 XY")]
    gray = Image.fromarray(np.full((HEIGHT, WIDTH, 3), 9, np.uint8))
    gray.save(studio.folder / "b.jpg", icc_profile=srgb)
    gray.save(studio.folder / "a.jpg", icc_profile=srgb.replace(*names))
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    message = studio.keyed("a.jpg", hint="h.exr").stderr
    assert message == "Warning: ICC profile 'Display P3 XY', keyed as sRGB\n"
    assert studio.keyed("b.jpg", hint="h.exr").stderr == ""


# Damaged and hostile files.


def claim(path: Path, width: int, height: int) -> None:
    """Writes an EXR whose header claims a size that its few bytes do not hold."""
    small = Box(0, 0, 7, 5)
    write_exr(path, {n: np.zeros((5, 7), np.float32) for n in "RGBA"}, small, small)
    content = path.read_bytes()
    windows = np.int32([0, 0, 6, 4]).tobytes()
    assert content.count(windows) == 2
    path.write_bytes(content.replace(windows, np.int32([0, 0, width - 1, height - 1]).tobytes()))


@pytest.mark.parametrize(
    ("width", "height"),
    [(100_000, 60_000), (2**20, 1), (1, 2**20), (65_536, 65_536), (16_384, 8_193)],
)
def test_claimed_size_is_bounded(width: int, height: int, studio: Studio) -> None:
    claim(studio.folder / "a.exr", width, height)
    message = studio.failed("a.exr")
    assert f"of {width}x{height} pixels; at most 134,217,728 pixels and 65,536 on a side" in (
        message
    ) or any(words in message for words in ("Uncompressed image size", "header claims a"))


def test_png_that_claims_a_huge_size_fails_alone(studio: Studio) -> None:
    for frame in range(1, 6):
        save_pixels(studio.folder / f"a.{frame}.png", np.full((HEIGHT, WIDTH, 4), 99, np.uint8))
    content = bytearray((studio.folder / "a.4.png").read_bytes())
    content[16:24] = struct.pack(">II", 40_000, 40_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (studio.folder / "a.4.png").write_bytes(content)
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    message = studio.failed("a.#.png", hint="h.exr")
    assert "a.4.png: failed, " in message
    assert "40000x40000 pixels; at most" in message or "png header claims a" in message
    assert len(studio.results()) == 4


def test_far_overscan_is_bounded(studio: Studio) -> None:
    for frame, x in ((1, -(10**9)), (2, 10**9)):
        write_exr(studio.folder / f"a.{frame}.exr", PLATE, FRAME.moved(x, 0), FRAME)
    message = studio.failed("a.#.exr", "--overscan", "--hint-channel=alpha")
    assert message.count("has an overscan of") == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"v/1\x01", b"\x76\x2f\x31\x01\x02\0\0\0", b"GIF89a", b"\xff" * 1000, b"PK\3\4"],
)
@pytest.mark.parametrize("suffix", [".exr", ".png", ".tif", ".jpg", ".dpx"])
def test_damaged_frame_fails_alone(content: bytes, suffix: str, studio: Studio) -> None:
    for frame in (1, 2, 3):
        save_pixels(studio.folder / f"a.{frame}.png", np.full((HEIGHT, WIDTH, 3), 9, np.uint8))
    write_exr(studio.folder / "h.exr", {"A": HINT}, FRAME, FRAME)
    for frame in (1, 2, 3):
        if suffix != ".png":
            (studio.folder / f"a.{frame}.png").unlink()
            kind = np.full((HEIGHT, WIDTH, 3), 9, np.uint8)
            if suffix == ".exr":
                write_exr(studio.folder / f"a.{frame}.exr", PLATE, FRAME, FRAME)
            else:
                save_pixels(studio.folder / f"a.{frame}{suffix}", kind)
    (studio.folder / f"a.2{suffix}").write_bytes(content)
    message = studio.failed(f"a.#{suffix}", hint="h.exr")
    assert f"a.2{suffix}: failed, {studio.folder}/a.2{suffix}: " in message
    assert studio.results() == ["a.1.exr", "a.3.exr"]


def test_file_that_would_block_is_refused(studio: Studio) -> None:
    os.mkfifo(studio.folder / "a.exr")
    assert "a.exr: not a regular file" in studio.failed("a.exr")
    (studio.folder / "b.exr").mkdir()
    assert "b.exr: not a regular file" in studio.failed("b.exr")


def test_whatever_one_frame_raises_the_others_are_keyed(
    shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, calls = StandIn.start, []
    problems = [None, MemoryError(), None, KeyError("x\x1b"), RuntimeError("CUDA out\nof"), None]

    def failing(self: StandIn, planes: np.ndarray, **knobs: float) -> Callable:
        calls.append(planes)
        if problem := problems[len(calls) - 1]:
            raise problem
        return start(self, planes, **knobs)

    monkeypatch.setattr(StandIn, "start", failing)
    message = shot.failed("a.#.exr", hint="h.#.exr")
    assert "a.2.exr: failed, out of memory" in message
    assert "a.4.exr: failed, 'x\\x1b'" in message.replace("\\\\", "\\")
    assert "a.5.exr: failed, CUDA out\n" in message
    assert shot.results() == ["a.1.exr", "a.3.exr", "a.6.exr"]


# Messages.


@pytest.mark.skipif(ROOT and sys.platform == "darwin", reason="root may write anywhere")
def test_output_folder_that_cannot_be_written_is_found_before_keying(
    shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(monkeypatch)
    # A folder below a file cannot be made, whoever asks.
    shot.output = shot.folder / "a.1.exr" / "keyed"
    message = shot.failed("a.#.exr", hint="h.#.exr")
    assert "cannot write to the folder" in message and "Not a directory" in message
    assert not seen


def test_summary_that_cannot_be_written_is_found_before_keying(
    shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(monkeypatch)
    summary = shot.folder / "a.1.exr" / "summary.json"
    message = shot.failed("a.#.exr", f"--summary={summary}", hint="h.#.exr")
    assert message == f"Error: cannot write to the folder {summary.parent}: it is a file\n"
    assert not seen and not shot.output.exists()


def test_output_folder_is_made_with_its_parents(shot: Studio) -> None:
    shot.output = shot.output / "v001" / "exr"
    shot.keyed("a.#.exr 1", hint="h.#.exr")
    assert shot.results() == ["a.1.exr"]


@pytest.mark.parametrize("device", ["cuda", "nonsense", "xpu"])
def test_device_that_cannot_be_used(
    device: str, shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    monkeypatch.setattr(preview, "Keyer", Keyer)
    message = shot.failed("a.#.exr", f"--device={device}", hint="h.#.exr")
    assert f"Error: the device '{device}' cannot be used here: " in message
    assert "CorridorKey.pt" not in message
    assert message.count("\n") == 1


# Reading, keying and writing overlap.


def test_next_frames_are_read_while_one_is_keyed(
    shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = [threading.Event() for _ in range(6)]
    read, start, calls = FrameReader.read, StandIn.start, itertools.count()

    def watched_read(self: FrameReader, plate: Path, *others: Any) -> Frame:
        reads[int(plate.suffixes[-2][1:]) - 1].set()
        return read(self, plate, *others)

    def waiting_start(self: StandIn, planes: np.ndarray, **knobs: float) -> Callable:
        following = reads[min(next(calls) + 1, 5)]
        assert following.wait(60), "the next frame is read only after this one is keyed"
        return start(self, planes, **knobs)

    monkeypatch.setattr(FrameReader, "read", watched_read)
    monkeypatch.setattr(StandIn, "start", waiting_start)
    shot.keyed("a.#.exr", hint="h.#.exr")
    assert len(shot.results()) == 6


def test_a_frame_is_written_while_the_next_one_is_keyed(
    shot: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = [threading.Event() for _ in range(6)]
    start, calls = StandIn.start, itertools.count()

    def watched_start(self: StandIn, planes: np.ndarray, **knobs: float) -> Callable:
        number = next(calls)
        starts[number].set()
        finish = start(self, planes, **knobs)

        def waiting_finish() -> Keyed:
            following = starts[min(number + 1, 5)]
            assert following.wait(60), "the next frame is keyed only after this one is written"
            return finish()

        return waiting_finish

    monkeypatch.setattr(StandIn, "start", watched_start)
    shot.keyed("a.#.exr", hint="h.#.exr")
    assert len(shot.results()) == 6


@pytest.mark.parametrize("frames", [1, 2, 5, 20])
def test_few_frames_are_held_at_a_time(
    frames: int, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frame in range(frames):
        write_exr(studio.folder / f"a.{frame}.exr", PLATE, FRAME, FRAME)
    reads: list[Path] = []
    writes: list[Path] = []
    held: list[int] = []
    read = FrameReader.read

    def counting_read(self: FrameReader, plate: Path, *others: Any) -> Frame:
        reads.append(plate)
        return read(self, plate, *others)

    def counting_write(exr: Path, *arguments: Any) -> None:
        held.append(len(reads) - len(writes))
        write_key(exr, *arguments)
        writes.append(exr)

    monkeypatch.setattr(FrameReader, "read", counting_read)
    monkeypatch.setattr("export.preview.key_frames.write_key", counting_write)
    studio.keyed("a.#.exr")
    assert max(held) <= 3 + 1 + 3 + 1  # being read, keyed, written, and one done but not yet told
    assert len(studio.results()) == frames


# Chunks and summaries.


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7])
def test_chunks_share_the_frames_and_no_frame_is_in_two(count: int, shot: Studio) -> None:
    keyed: list[int] = []
    for number in range(1, count + 1):
        summary = shot.folder / f"{number}.json"
        chunk = f"--chunk={number}/{count}"
        shot.keyed("a.#.exr", chunk, f"--summary={summary}", hint="h.#.exr")
        keyed += [entry["frame"] for entry in json.loads(summary.read_text())["keyed"]]
    assert keyed == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("chunk", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/5", ""])
def test_invalid_chunk(chunk: str, shot: Studio) -> None:
    message = shot.failed("a.#.exr", f"--chunk={chunk}", hint="h.#.exr", status=2)
    assert "is not a chunk; expected the form 3/10." in message


def test_summary_can_be_read_by_a_farm(shot: Studio) -> None:
    write_exr(shot.folder / "h.2.exr", {"A": 0 * HINT}, FRAME, FRAME)
    (shot.folder / "a.4.exr").write_text("damaged")
    shot.keyed("a.#.exr 1", hint="h.#.exr")
    summary = shot.folder / "summary.json"
    shot.failed("a.#.exr", f"--summary={summary}", hint="h.#.exr")
    content = json.loads(summary.read_text())
    assert content["unchanged"] == [1]
    assert [entry["frame"] for entry in content["keyed"]] == [2, 3, 5, 6]
    assert content["keyed"][0]["why"] == "new"
    assert content["keyed"][0]["result"] == str(shot.output / "a.2.exr")
    assert [entry["plate"] for entry in content["failed"]] == ["a.4.exr"]
    assert content["warnings"] == [{"warning": "the hint is 0 everywhere", "frames": [2]}]
    assert content["hint"] == "alpha" and content["model_id"] == "stand-in"
    assert 0 <= content["seconds_waiting"] <= content["seconds"]


def test_hint_is_decided_for_the_sequence_and_not_for_a_chunk(studio: Studio) -> None:
    for frame in range(1, 5):
        alpha = np.ones_like(HINT) if frame < 4 else HINT
        write_exr(studio.folder / f"a.{frame}.exr", PLATE | {"A": alpha}, FRAME, FRAME)
    studio.keyed("a.#.exr", "--chunk=1/2")
    assert studio.results() == ["a.1.exr", "a.2.exr"]


def test_png_in_png_out(studio: Studio) -> None:
    write_png(studio.folder / "a.png", np.full((HEIGHT, WIDTH, 3), 0.5, np.float32))
    write_exr(studio.folder / "h.exr", {"A": np.ones_like(HINT)}, FRAME, FRAME)
    studio.keyed("a.png", hint="h.exr")
    assert np.unique(np.asarray(Image.open(studio.output / "a.png"))).tolist() == [128]
