"""Files as studios have them: each gives the right key, or a clear message.

The network is a stand-in that returns its input, so results equal plate and hint.
"""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from export.pictures.compositing import srgb_to_linear
from export.pictures.picture_writer import write_exr
from export.pictures.windows import Box
from testing.export.preview.stand_in import (
    FRAME,
    HALF,
    HEIGHT,
    HINT,
    PLATE,
    RGB,
    WIDTH,
    StandIn,
    Studio,
    assert_key,
    oiio_exr,
    shot,
    studio,
    watch,
)

__all__ = ["shot", "studio"]


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


# Statements of a file about itself.


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
