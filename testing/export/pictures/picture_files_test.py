"""Reads files of other writers, and lets other readers read ours."""

import dataclasses
import os
import random
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import tifffile
from OpenImageIO import HALF, ImageOutput, ImageSpec, TypeDesc
from PIL import Image

from export.pictures.compositing import Floats
from export.pictures.layers import Channel, choose_colors
from export.pictures.picture_files import PictureError, open_picture, read_attribute
from export.pictures.picture_writer import write_exr, write_png
from export.pictures.windows import Box

HEIGHT, WIDTH = 21, 34
RGBA = np.random.default_rng(0).random((HEIGHT, WIDTH, 4), np.float32)


@dataclasses.dataclass
class Picture:
    """Everything in the main layer of a file.

    Attributes:
        rgb: Colors [H, W, 3] of the data window, or None.
        alpha: Alpha [H, W], or None.
        data_window: Data window in frame coordinates.
        display_window: Display window in the file's coordinates.
        linear: True for linear light.
    """

    rgb: Floats | None
    alpha: Floats | None
    data_window: Box
    display_window: Box
    linear: bool


def read_picture(path: Path, view: str | None = None) -> Picture:
    """Reads everything in the main layer of a file."""
    with open_picture(path) as file:
        layers = file.layers(view)
        layer = layers[0] if layers[0].channels.keys() == {"A"} else choose_colors(layers)
        part = next(iter(layer.channels.values())).part
        box = file.data_window(part)
        colors, alpha = layer.colors(), layer.channels.get("A")
        return Picture(
            np.moveaxis(file.read(colors, box), 0, 2) if colors else None,
            file.read([alpha], box)[0] if alpha else None,
            box,
            file.frame(part),
            file.header(part).linear,
        )


def save_exr(path: Path, channels: dict[str, np.ndarray], **header: Any) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} | header
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


def planes(names: str, dtype: Any = np.float32) -> dict[str, np.ndarray]:
    """Returns channels of RGBA by name; other names get its red."""
    return {
        name: np.ascontiguousarray(RGBA[..., max("RGBA".find(name), 0)].astype(dtype))
        for name in names
    }


def save_png_16(path: Path, samples: np.ndarray) -> Path:
    """Writes a 16-bit PNG, by its specification, from samples [H, W, 3 or 4]."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


# EXR


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIP", "ZIPS", "PIZ"])
def test_exr_is_read_without_changes(
    dtype: Any, tiled: bool, compression: str, tmp_path: Path
) -> None:
    header: dict[str, Any] = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION")}
    if tiled:
        tiles = OpenEXR.TileDescription()
        tiles.xSize = tiles.ySize = 16
        header |= {"type": OpenEXR.tiledimage, "tiles": tiles}
    picture = read_picture(save_exr(tmp_path / "a.exr", planes("RGBA", dtype), **header))
    assert picture.rgb is not None and picture.alpha is not None
    assert picture.rgb.dtype == picture.alpha.dtype == np.float32
    assert np.array_equal(picture.rgb, RGBA[..., :3].astype(dtype))
    assert np.array_equal(picture.alpha, RGBA[..., 3].astype(dtype))
    assert picture.data_window == picture.display_window == Box(0, 0, WIDTH, HEIGHT)
    assert picture.linear


def test_highlights_and_negatives_of_an_exr_are_kept(tmp_path: Path) -> None:
    values = np.array([[-0.5, 65504.0, np.inf]], np.float32)
    picture = read_picture(save_exr(tmp_path / "a.exr", dict.fromkeys("RGB", values)))
    assert picture.rgb is not None
    assert np.array_equal(picture.rgb[..., 1], values)


@pytest.mark.parametrize(
    ("display", "in_frame"),
    [
        ((0, 0, 99, 79), Box(-5, 3, WIDTH, HEIGHT)),
        ((10, 10, 19, 19), Box(-15, -7, WIDTH, HEIGHT)),
    ],
    ids=["crop", "overscan"],
)
def test_windows_of_an_exr(display: tuple[int, ...], in_frame: Box, tmp_path: Path) -> None:
    path = save_exr(
        tmp_path / "a.exr",
        planes("RGB"),
        dataWindow=(np.int32([-5, 3]), np.int32([-5 + WIDTH - 1, 3 + HEIGHT - 1])),
        displayWindow=(np.int32(display[:2]), np.int32(display[2:])),
    )
    picture = read_picture(path)
    left, top, right, bottom = display
    assert picture.data_window == in_frame
    assert picture.display_window == Box(left, top, right - left + 1, bottom - top + 1)
    assert picture.rgb is not None
    assert np.array_equal(picture.rgb, RGBA[..., :3])


def test_file_with_only_a_matte_or_only_luminance(tmp_path: Path) -> None:
    matte = read_picture(save_exr(tmp_path / "a.exr", planes("A")))
    assert matte.rgb is None
    assert matte.alpha is not None and np.array_equal(matte.alpha, RGBA[..., 3])
    gray = read_picture(save_exr(tmp_path / "y.exr", planes("Y")))
    assert gray.alpha is None
    assert gray.rgb is not None and np.array_equal(gray.rgb, np.repeat(RGBA[..., :1], 3, 2))


def test_other_layers_are_ignored(tmp_path: Path) -> None:
    channels = planes("RGB") | {"depth.Z": RGBA[..., 3].copy(), "FG.R": RGBA[..., 3].copy()}
    picture = read_picture(save_exr(tmp_path / "a.exr", channels))
    assert picture.rgb is not None and np.array_equal(picture.rgb, RGBA[..., :3])
    assert picture.alpha is None


@pytest.mark.parametrize("names", ["RG", "Z"])
def test_error_lists_unknown_channels(names: str, tmp_path: Path) -> None:
    path = save_exr(tmp_path / "a.exr", planes(names))
    with pytest.raises(
        PictureError, match=rf"a\.exr has the channels {', '.join(names)}; expected"
    ):
        read_picture(path)


@pytest.mark.parametrize("name", ["a.exr", "a.png", "a.tif"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.6, 0.95])
def test_truncated_file_is_named(name: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / name
    noise = (RGBA[..., :3] * 255).astype(np.uint8)
    if path.suffix == ".exr":
        save_exr(path, planes("RGB"))
    else:
        Image.fromarray(noise).save(path, compression="tiff_lzw")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# PNG and TIFF


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_8_bits(suffix: str, mode: str, tmp_path: Path) -> None:
    whole = (RGBA * 255).astype(np.uint8)
    channels = {"L": [0], "LA": [0, 3], "RGB": [0, 1, 2], "RGBA": [0, 1, 2, 3]}[mode]
    path = tmp_path / f"a{suffix}"
    Image.fromarray(whole[..., channels].squeeze(), mode).save(path)
    picture = read_picture(path)
    rgb = whole[..., [0, 0, 0] if len(channels) < 3 else [0, 1, 2]]
    assert picture.rgb is not None
    assert np.array_equal(np.rint(picture.rgb * 255), rgb)
    assert picture.rgb.max() <= 1
    assert (picture.alpha is not None) == ("A" in mode)
    if picture.alpha is not None:
        assert np.array_equal(np.rint(picture.alpha * 255), whole[..., 3])
    assert not picture.linear


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_all_read(suffix: str, channels: int, tmp_path: Path) -> None:
    whole = np.rint(RGBA[..., :channels] * 65535).astype(np.uint16)
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        save_png_16(path, whole)
    else:
        extra = ["unassalpha"] if channels == 4 else []
        tifffile.imwrite(path, whole, photometric="rgb", extrasamples=extra)
    picture = read_picture(path)
    assert picture.rgb is not None
    # The colors are straight; they are not multiplied by the alpha.
    assert np.array_equal(np.rint(picture.rgb * 65535), whole[..., :3])
    assert not picture.linear


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_in_floats_is_linear(dtype: Any, planar: Any, tmp_path: Path) -> None:
    samples = 3 * RGBA[..., :3].astype(dtype)
    stored = np.moveaxis(samples, 2, 0) if planar == "separate" else samples
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    picture = read_picture(tmp_path / "a.tif")
    assert picture.rgb is not None and np.array_equal(picture.rgb, samples)
    assert picture.linear


def test_lzw_with_predictor(tmp_path: Path) -> None:
    whole = (RGBA[..., :3] * 255).astype(np.uint8)
    Image.fromarray(whole).save(tmp_path / "a.tif", compression="tiff_lzw", tiffinfo={317: 2})
    picture = read_picture(tmp_path / "a.tif")
    assert picture.rgb is not None and np.array_equal(np.rint(picture.rgb * 255), whole)


@pytest.mark.parametrize("name", ["a.gif", "a.mov", "a", "exr"])
def test_unknown_suffix(name: str, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"unknown suffix; expected one of \.exr, \.png, "):
        read_picture(tmp_path / name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"No such file or directory"):
        read_picture(tmp_path / "a.exr")


# Writing.


def test_written_exr_is_read_by_openexr(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    channels = {"R": RGBA[..., 0], "matte.A": RGBA[..., 3], "FG.R": 1e6 * RGBA[..., 1]}
    data, display = Box(-5, 3, WIDTH, HEIGHT), Box(0, 0, 64, 48)
    write_exr(path, channels, data, display, {"corridorkey": '{"knobs": 5}'})
    with OpenEXR.File(str(path), separate_channels=True) as file:
        header, written = file.header(), file.channels()
        assert [window.tolist() for window in header["dataWindow"]] == [[-5, 3], [28, 23]]
        assert [window.tolist() for window in header["displayWindow"]] == [[0, 0], [63, 47]]
        assert header["compression"] == OpenEXR.ZIP_COMPRESSION
        assert header["corridorkey"] == '{"knobs": 5}'
        assert set(written) == {"R", "matte.A", "FG.R"}
        assert {channel.type() for channel in written.values()} == {OpenEXR.HALF}
        assert np.array_equal(written["R"].pixels, RGBA[..., 0].astype(np.half))
        assert np.array_equal(written["matte.A"].pixels, RGBA[..., 3].astype(np.half))
        assert written["FG.R"].pixels.max() == np.finfo(np.half).max  # Not infinite.


def test_written_exr_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.exr", "b.exr"):
        write_exr(
            tmp_path / name, planes("RGB"), Box(0, 0, WIDTH, HEIGHT), Box(0, 0, WIDTH, HEIGHT)
        )
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_attribute_is_read_back_and_none_if_missing(tmp_path: Path) -> None:
    window = Box(0, 0, WIDTH, HEIGHT)
    write_exr(tmp_path / "a.exr", planes("RGB"), window, window, {"corridorkey": "text"})
    assert read_attribute(tmp_path / "a.exr", "corridorkey") == "text"
    assert read_attribute(tmp_path / "a.exr", "other") is None
    assert read_attribute(tmp_path / "b.exr", "corridorkey") is None


def test_written_png_is_read_by_pillow(tmp_path: Path) -> None:
    srgb = (1.4 * RGBA - 0.2)[..., :3]  # Pixels are not adjacent in memory.
    write_png(tmp_path / "a.png", srgb)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB"
        assert np.abs(np.asarray(image) - 255.0 * np.clip(srgb, 0, 1)).max() <= 0.5001


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"missing/a\.png"):
        write_png(tmp_path / "missing" / "a.png", RGBA[..., :3])
    window = Box(0, 0, WIDTH, HEIGHT)
    with pytest.raises(OSError, match=r"missing/a\.exr"):
        write_exr(tmp_path / "missing" / "a.exr", planes("RGB"), window, window)


@pytest.mark.parametrize("side", [16_384, 65_536])
def test_claimed_tiles_are_bounded(side: int, tmp_path: Path) -> None:
    """A picture of 64 x 64 whose one tile would take gigabytes."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), tile=(64, 64))
    assert read_picture(path).data_window == Box(0, 0, 64, 64)
    content = path.read_bytes()
    for tag in (322, 323):  # TileWidth and TileLength
        (short, long) = (struct.pack("<HHIH", tag, kind, 1, 64) for kind in (3, 4))
        old = short if short in content else long
        assert content.count(old) == 1
        content = content.replace(old + bytes(2), struct.pack("<HHII", tag, 4, 1, side))
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"has tiles of|exceeds the .* limit"):
        read_picture(path)


@pytest.mark.parametrize(
    "content",
    [
        b"P6\n4 4\n255\n" + bytes(48),  # PNM
        b"BM" + struct.pack("<IHHI12x", 54, 0, 0, 54) + bytes(64),  # BMP
        b"8BPS\0\1" + bytes(40),  # Photoshop
        b"GIF89a" + bytes(40),
        b"",
    ],
)
def test_content_of_another_format_is_not_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(content)
    with pytest.raises(PictureError, match="not an EXR, PNG, TIFF, JPEG or DPX file"):
        read_picture(path)


def test_volume_is_refused(tmp_path: Path) -> None:
    """A picture of 64 x 64 whose one tile is 60,000 layers deep."""
    path = tmp_path / "a.tif"
    tags = {
        **dict.fromkeys((256, 257, 322, 323), 64),  # sides of the picture and of its tiles
        258: 8,
        259: 1,
        262: 1,
        277: 1,  # 8 bits, uncompressed, gray, one channel
        324: 8,
        325: 4096,  # offset and size of the tile
        32997: 60_000,
        32998: 60_000,  # depths of the picture and of its tiles
    }
    header = b"II*\0" + struct.pack("<I", 8 + 4096) + bytes(4096) + struct.pack("<H", len(tags))
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())]
    path.write_bytes(header + b"".join(entries) + bytes(4))
    with pytest.raises(PictureError, match="is a volume"):
        read_picture(path)


# Files that claim more than they have.


def png_with_text(text: tuple[bytes, bytes]) -> bytes:
    """Returns a PNG of 8 x 8 with one more chunk."""
    stored = BytesIO()
    Image.new("RGB", (8, 8)).save(stored, "PNG")
    content, (kind, value) = stored.getvalue(), text
    length, checksum = (struct.pack(">I", n) for n in (len(value), zlib.crc32(kind + value)))
    return content[:33] + length + kind + value + checksum + content[33:]


def jpeg_with_scans(count: int, comment: bytes = b"") -> bytes:
    """Returns a progressive JPEG whose last scan is repeated, with a comment before its scans."""
    stored = BytesIO()
    Image.new("L", (16, 16), 128).save(stored, "JPEG", progressive=True)
    content = stored.getvalue()
    last = content.rindex(b"\xff\xda")
    segment = b"\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment
    return content[:2] + segment + content[2:last] + content[last:-2] * count + content[-2:]


def tiff_of(jpeg: bytes, tags: dict[int, int], big: bool = False) -> bytes:
    """Returns a gray TIFF of 64 x 64 whose one strip or tile is a JPEG, in the other byte order."""
    tags = {256: 64, 257: 64, 258: 8, 259: 7, 262: 1, 277: 1} | tags
    start = 16 if big else 8
    header = struct.pack(">2sHHHQ", b"MM", 43, 8, 0, start + len(jpeg)) if big else b"MM\0*"
    header = header if big else header + struct.pack(">I", start + len(jpeg))
    # Every value is a number of 32 or 64 bits; the directory follows the JPEG.
    entry, kind = (">HHQQ", 16) if big else (">HHII", 4)
    entries = b"".join(struct.pack(entry, tag, kind, 1, tags[tag]) for tag in sorted(tags))
    count = struct.pack(">Q" if big else ">H", len(tags))
    return header + jpeg + count + entries + bytes(8)


def jpeg_tiff(
    side: int = 64, scans: int = 1, rows: int = 64, tile: int = 0, big: bool = False
) -> bytes:
    """Returns a TIFF whose JPEG is 64 wide and `side` tall."""
    stored = BytesIO()
    Image.new("L", (64, side), 128).save(stored, "JPEG", progressive=scans > 1)
    content = stored.getvalue()
    last = content.rindex(b"\xff\xda")
    jpeg = content[:last] + content[last:-2] * scans + content[-2:]
    start = 16 if big else 8
    if tile:
        return tiff_of(jpeg, {322: 64, 323: tile, 324: start, 325: len(jpeg)}, big)
    return tiff_of(jpeg, {273: start, 278: rows, 279: len(jpeg)}, big)


def described_tiff() -> bytes:
    """Returns a TIFF with two descriptions, as tifffile writes them."""
    stored = BytesIO()
    with tifffile.TiffWriter(stored) as file:
        tag = (270, 2, 6, b"again\0", True)
        pixels = np.zeros((8, 8, 3), np.uint8)
        file.write(pixels, photometric="rgb", description="text", extratags=[tag])
    assert stored.getvalue().count(struct.pack("<HH", 270, 2)) >= 2
    return stored.getvalue()


def twice(content: bytes, tag: int) -> bytes:
    """Returns a TIFF whose last tag is replaced by another of its tags."""
    start = int.from_bytes(content[4:8])
    count = int.from_bytes(content[start : start + 2])
    entries = [content[start + 2 + 12 * n : start + 14 + 12 * n] for n in range(count)]
    (repeated,) = [entry for entry in entries if int.from_bytes(entry[:2]) == tag]
    return content[: start + 2] + b"".join([*entries[:-1], repeated]) + content[-8:]


def many_directories(count: int, blocks: int) -> bytes:
    """Returns a TIFF of directories that share one list of the sizes of their JPEGs."""
    size = 2 + 12 * 5 + 4
    zeros = 8 + count * size
    tags = {256: 64, 257: 64, 259: 7, 273: zeros, 279: zeros}
    content = b"MM\0*" + struct.pack(">I", 8)
    for number in range(1, count + 1):
        entries = [
            struct.pack(">HHII", tag, 4, blocks if tag in (273, 279) else 1, value)
            for tag, value in tags.items()
        ]
        following = 8 + number * size if number < count else 0
        content += struct.pack(">H", len(tags)) + b"".join(entries) + struct.pack(">I", following)
    return content + bytes(2**20)


def exr_with(channels: int = 3, attributes: int = 0, views: int = 0) -> bytes:
    """Returns an EXR of 8 x 8 whose pixels are missing."""

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        text = f"{name}\0{kind}\0".encode()
        return text + struct.pack("<i", len(value)) + value

    described = struct.pack("<i4xii", 1, 1, 1)
    listed = b"".join(b"c%d\0" % number + described for number in range(channels))
    window = struct.pack("<4i", 0, 0, 7, 7)
    return (
        b"v/1\x01\2\0\0\0"
        + b"".join(attribute(f"a{number}", "int", bytes(4)) for number in range(attributes))
        + attribute("multiView", "stringvector", bytes(4 * views))
        + attribute("channels", "chlist", listed + b"\0")
        + attribute("compression", "compression", b"\0")
        + attribute("dataWindow", "box2i", window)
        + attribute("displayWindow", "box2i", window)
        + attribute("lineOrder", "lineOrder", b"\0")
        + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
        + attribute("screenWindowCenter", "v2f", bytes(8))
        + attribute("screenWindowWidth", "float", struct.pack("<f", 1))
        + b"\0"
        + bytes(2**16)
    )


NOISE = random.Random(0).randbytes(2**18)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", png_with_text((b"zTXt", b"k\0\0" + zlib.compress(b"text"))), ""),
        ("a.png", png_with_text((b"iTXt", b"k\0\0\0\0\0" + b"<text>" * 40_000)), ""),
        ("a.png", png_with_text((b"zTXt", b"k\0\0" + NOISE)), "128 KiB of compressed text"),
        ("a.png", png_with_text((b"iTXt", b"k\0\1\0\0\0" + NOISE)), "128 KiB of compressed text"),
        ("a.jpg", jpeg_with_scans(50), ""),
        ("a.jpg", jpeg_with_scans(1, b"\xff\xda" * 1000), ""),
        ("a.jpg", jpeg_with_scans(1) + b"\xff\xda" * 1000, ""),
        ("a.jpg", jpeg_with_scans(101), "more than 100 scans"),
        ("a.jpg", b"\xff\xd8" + b"\xff\x01" * 70_000, "more than 65,536 segments"),
        *(
            ("a.tif", content, reason)
            for big in (False, True)
            for content, reason in (
                (jpeg_tiff(big=big), ""),
                (jpeg_tiff(tile=64, big=big), ""),
                (jpeg_tiff(rows=2**32 - 1, scans=50, big=big), ""),
                (jpeg_tiff(scans=101, big=big), "more than 100 scans"),
                (jpeg_tiff(scans=101, tile=64, big=big), "more than 100 scans"),
                (jpeg_tiff(side=65_500, big=big), "a JPEG of 64x65500 pixels .* of 64x64"),
                (jpeg_tiff(side=65_500, rows=2**32 - 1, big=big), "a JPEG of 64x65500 pixels"),
                (jpeg_tiff(side=65_488, tile=64, big=big), "a JPEG of 64x65488 pixels .* 64x64"),
            )
        ),
        ("a.tif", described_tiff(), ""),
        ("a.tif", twice(jpeg_tiff(), 278), "has the tag 278 twice in one directory"),
        ("a.tif", tiff_of(b"", {259: 6, 273: 8, 279: 1}), "JPEG of TIFF 6.0, which is obsolete"),
        (
            "a.tif",
            tiff_of(b"", {322: 128, 323: 65_488, 324: 8, 325: 1}),
            "JPEGs of 128x65488 pixels in a picture of 64x64",
        ),
        ("a.tif", tiff_of(b"", {273: 8}), "has no sizes of its JPEGs"),
        ("a.tif", tiff_of(b"", {273: 8, 279: 1 << 31}), "share their bytes, or go beyond its end"),
        ("a.tif", b"MM\0*" + struct.pack(">IH", 8, 5000), "a directory of 5,000 entries"),
        ("a.tif", tiff_of(b"", {273: 2**32 - 1, 279: 1}), "a.tif"),
        ("a.tif", tiff_of(b"", {273: 2**64 - 1, 279: 1}, big=True), "a.tif"),
        ("a.tif", b"MM\0+" + struct.pack(">HHQ", 8, 0, 2**64 - 1), "a.tif"),
        (
            "a.tif",
            jpeg_tiff().replace(struct.pack(">HH", 259, 4), struct.pack(">HH", 259, 9)),
            "has the tag 259 in values of the type 9",
        ),
        ("a.tif", many_directories(1000, 2**17), "or more than 131,072"),
        ("a.tif", many_directories(1025, 2), "more than 1,024 directories"),
        ("a.exr", exr_with(channels=1025), "1,025 channels or more; at most 1,024 are read"),
        ("a.exr", exr_with(channels=200_000), "1,025 channels or more; at most 1,024 are read"),
        ("a.exr", exr_with(attributes=20_000), "a part with more than 1,000 attributes"),
        ("a.exr", exr_with(views=2**20), "a list of strings of 4,194,304 bytes"),
    ],
)
def test_what_expands_is_bounded(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    start = time.process_time()
    if not reason:
        assert read_picture(path).rgb is not None
        return
    with pytest.raises(PictureError, match=reason):
        read_picture(path)
    assert time.process_time() - start < 5  # Milliseconds here; a bomb took minutes.


@pytest.mark.parametrize(
    ("compression", "width", "refused"),
    [("ZIP", 1024, False), ("ZIPS", 65_536, False), ("ZIP", 65_536, True), ("PIZ", 65_536, True)],
)
def test_blocks_of_an_exr_are_bounded(
    compression: str, width: int, refused: bool, tmp_path: Path
) -> None:
    """Files that end before their pixels, with zeros to 4 MB, so that the library believes them."""
    path = tmp_path / "a.exr"
    spec = ImageSpec(width, 32, 300, HALF)
    spec.channelnames = ["R", "G", "B", *(f"layer.{number}" for number in range(297))]
    spec.attribute("compression", compression.lower())
    file = ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    file.close()
    os.truncate(path, 2**22)
    expected = "in blocks of more than 268,435,456 values" if refused else "a.exr: "
    with pytest.raises(PictureError, match=expected), open_picture(path) as picture:
        picture.read([Channel(0, 0)], Box(0, 0, 1, 1))


def _exr_with(folder: Path, attribute: str, kind: str, value: Any) -> Path:
    """Writes an EXR with an attribute of a type, as OIIO names it."""
    path = folder / "a.exr"
    spec = ImageSpec(8, 8, 3, HALF)
    spec.attribute(attribute, TypeDesc(kind), value)
    file = ImageOutput.create(str(path))
    assert file.open(str(path), spec) and file.write_image(np.zeros((8, 8, 3), np.float32))
    file.close()
    return path


@pytest.mark.parametrize(
    ("kind", "value", "works"),
    [
        *(("int", 5, False), ("float", 1.0, False), ("float[4]", (1.0, 2.0, 3.0, 4.0), False)),
        *(("string", "left", True), ("string[2]", ("left", "right"), True)),
    ],
)
def test_views_of_another_type(kind: str, value: Any, works: bool, tmp_path: Path) -> None:
    path = _exr_with(tmp_path, "multiView", kind, value)
    if works:
        assert read_picture(path, "left").rgb is not None
        return
    with pytest.raises(PictureError, match=r"a\.exr has a multiView that is not text"):
        read_picture(path)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("string", "x"), ("int", 5), ("float", 1.0), ("float[3]", (1.0, 2.0, 3.0))],
)
def test_chromaticities_of_another_type(kind: str, value: Any, tmp_path: Path) -> None:
    path = _exr_with(tmp_path, "chromaticities", kind, value)
    with open_picture(path) as picture:
        warning = picture.header().warning
    assert warning == "chromaticities that are not 8 numbers, keyed as Rec.709"


def test_attribute_is_read_from_an_exr_only(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    Image.new("RGB", (8, 8)).save(path, "TIFF", software="text")
    assert read_attribute(path, "Software") is None
