"""Movies in and review movies out: every frame is the right one, in the right colors.

The network is a stand-in that returns its input, so results equal plate and hint.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from OpenImageIO import HALF, ImageOutput, ImageSpec, TypeDesc
from PIL import Image

from export.pictures.movies import containers
from export.pictures.movies.movie import MovieError, open_movie
from export.pictures.movies.movie_colors import color_frame
from export.pictures.picture_writer import write_exr, write_png
from export.pictures.windows import Box
from export.preview.review import write_review
from testing.export.preview.claimed_movie import ClaimedMovie
from testing.export.preview.stand_in import Studio, studio

__all__ = ["studio"]

HEIGHT, WIDTH = 48, 64
FRAME = Box(0, 0, WIDTH, HEIGHT)
LOSSLESS = {"qp": "0"}


def write_planes(
    path: Path,
    frames: Sequence[Sequence[int]],
    layout: str = "yuv444p",
    codec: str = "libx264",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    tags: tuple[int, int, int] = (1, 1, 1),
    options: dict[str, str] | None = None,
    edit: Callable[[Any], object] = id,
) -> None:
    """Writes a movie whose planes are flat.

    Args:
        path: File to write.
        frames: Code value of each plane, for each frame.
        layout: The library's name of the planes' layout.
        codec: The library's name of the codec.
        size: Width and height.
        tags: Transfer function, matrix and range, as the library numbers them.
        options: Options of the codec.
        edit: Changes the stream before anything is written.
    """
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, Fraction(25), options=options or LOSSLESS)
        (stream.width, stream.height), stream.pix_fmt = size, layout
        context = stream.codec_context
        context.color_trc, context.colorspace, context.color_range = tags
        edit(stream)
        for values in frames:
            frame = av.VideoFrame(*size, layout)
            for plane, value in zip(frame.planes, values, strict=True):
                wide = any(component.bits > 8 for component in frame.format.components)
                kind = np.uint16 if wide else np.uint8
                plane.update(np.full(plane.buffer_size // kind().itemsize, value, kind).tobytes())
            frame.color_trc, frame.colorspace, frame.color_range = tags
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def grays(count: int) -> list[tuple[int, int, int]]:
    """Returns frames with luma 20, 24, 28 and so on."""
    return [(16 + 4 * number, 128, 128) for number in range(1, count + 1)]


@pytest.fixture
def hint(studio: Studio) -> str:
    """Name of a hint that is 0.5 everywhere."""
    write_exr(studio.folder / "h.exr", {"A": np.full((HEIGHT, WIDTH), 0.5)}, FRAME, FRAME)
    return "h.exr"


# Colors.

WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def to_codes(rgb: Sequence[float], matrix: int, full: bool) -> list[int]:
    """Converts R'G'B' to Y'CbCr of 8 bits by ITU-R BT.709, BT.601 or BT.2020."""
    kr, kb = WEIGHTS[matrix]
    y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    chroma = [(rgb[2] - y) / (2 - 2 * kb), (rgb[0] - y) / (2 - 2 * kr)]
    if full:
        return [round(255 * y), *(round(128 + 255 * c) for c in chroma)]
    return [round(16 + 219 * y), *(round(128 + 224 * c) for c in chroma)]


def to_linear(value: float, transfer: int) -> float:
    """Decodes one number by the curve of ITU-T H.273."""
    if transfer in (1, 6, 14, 15):
        return value / 4.5 if value < 0.081 else ((value + 0.099) / 1.099) ** (1 / 0.45)
    if transfer == 13:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return value ** {4: 2.2, 5: 2.8, 8: 1.0}[transfer]


@pytest.mark.parametrize(
    ("transfer", "matrix", "full"),
    [
        *((1, 1, False), (1, 1, True), (1, 6, False), (1, 6, True), (1, 9, False)),
        *((13, 1, False), (4, 1, False), (5, 1, False), (8, 1, False), (6, 6, False)),
        *((14, 9, False), (15, 9, False)),
    ],
)
def test_known_colors_come_out_in_linear_light(
    transfer: int, matrix: int, full: bool, hint: str, studio: Studio
) -> None:
    colors = [(0.1, 0.7, 0.2), (0.8, 0.5, 0.4), (0.5, 0.5, 0.5), (0.05, 0.1, 0.9)]
    frames = [to_codes(rgb, matrix, full) for rgb in colors]
    tags = (transfer, matrix, 2 if full else 1)
    write_planes(studio.folder / "a.mp4", frames, tags=tags)
    result = studio.keyed("a.mp4", hint=hint)
    matrix_name = {1: "BT.709", 6: "BT.601", 9: "BT.2020"}[matrix]
    codes = "0-255" if full else "16-235"
    assert f", Y'CbCr by {matrix_name}, {codes} (--gamma-input)\n" in result.stdout
    assert "assumed" not in result.stdout
    for number, rgb in enumerate(colors, 1):
        layers = studio.layers(f"a.{number:04d}.exr")
        for channel, value in zip("RGB", rgb, strict=True):
            # Y'CbCr of 8 bits is off by up to 0.5 in each number, R'G'B' by up to 1.5/219.
            low, high = (to_linear(max(value + d, 0), transfer) for d in (-1.5 / 219, 1.5 / 219))
            found = layers[f"FG.{channel}"]
            assert low - 1e-3 <= found.min() and found.max() <= high + 1e-3, (number, channel)


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_what_the_file_does_not_say_is_assumed_and_said(
    height: int, matrix: int, studio: Studio
) -> None:
    rgb = (0.1, 0.7, 0.2)
    frames = [to_codes(rgb, matrix, False)]
    write_planes(studio.folder / "a.mp4", frames, size=(WIDTH, height), tags=(2, 2, 0))
    box = Box(0, 0, WIDTH, height)
    write_exr(studio.folder / "h.exr", {"A": np.ones((height, WIDTH))}, box, box)
    result = studio.keyed("a.mp4", hint="h.exr")
    name = {6: "BT.601", 1: "BT.709"}[matrix]
    assert (
        f"Plate read as Rec.709 (assumed, the file does not say), Y'CbCr by {name} (assumed), "
        "16-235 (--gamma-input)\n"
    ) in result.stdout
    layers = studio.layers("a.0001.exr")
    for channel, value in zip("RGB", rgb, strict=True):
        assert abs(layers[f"FG.{channel}"].mean() - to_linear(value, 1)) < 0.01


def test_the_users_encoding_counts(hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", [to_codes((0.5, 0.5, 0.5), 1, False)])
    studio.keyed("a.mp4", "--gamma-input=sRGB", hint=hint)
    assert abs(studio.layers("a.0001.exr")["FG.G"].mean() - to_linear(0.5, 13)) < 5e-3
    studio.keyed("a.mp4", "--gamma-input=Linear", "--overwrite", hint=hint)
    assert abs(studio.layers("a.0001.exr")["FG.G"].mean() - 0.5) < 5e-3


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_other_curves_are_refused(transfer: int, name: str, hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(1), tags=(transfer, 9, 1))
    message = studio.failed("a.mp4", hint=hint)
    assert f"a.mp4 is encoded in {name}; expected Rec.709, sRGB, a gamma or linear" in message


def test_ten_bits_and_subsampled_colors(studio: Studio) -> None:
    rgb = (0.2, 0.6, 0.3)
    codes = [4 * code for code in to_codes(rgb, 1, False)]
    for codec, layout, suffix in (
        ("prores_ks", "yuv422p10le", "mov"),
        ("dnxhd", "yuv422p10le", "mov"),
        ("libx264", "yuv420p10le", "mp4"),
    ):
        size = (256, 128) if codec == "dnxhd" else (WIDTH, HEIGHT)
        options = {"profile": "dnxhr_hqx"} if codec == "dnxhd" else {}
        path = studio.folder / f"{codec}.{suffix}"
        write_planes(path, [codes], layout, codec, size, options=options)
        pixels = color_frame(open_movie(path).frame(1)).pixels
        assert pixels.shape == (size[1], size[0], 3)
        assert np.abs(pixels - rgb).max() < 0.015, codec


# Frames.


@pytest.mark.parametrize("frames", ["", " 1-24", " 7", " 3-20x4,22"])
def test_frame_range_of_a_movie(frames: str, hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a b.mp4", grays(24), options={**LOSSLESS, "bf": "3", "g": "10"})
    studio.keyed(f"a b.mp4{frames}", hint=hint)
    wanted = {"": range(1, 25), " 1-24": range(1, 25), " 7": [7]}
    numbers = list(wanted.get(frames, [3, 7, 11, 15, 19, 22]))
    assert studio.results() == [f"a b.{number:04d}.exr" for number in numbers]
    for number in numbers:
        expected = to_linear(4 * number / 219, 1)
        found = studio.layers(f"a b.{number:04d}.exr")["FG.G"]
        assert abs(found - expected).max() < 2e-3, number
    assert f"{len(numbers)} unchanged" in studio.keyed(f"a b.mp4{frames}", hint=hint).stdout


@pytest.mark.parametrize("bf", ["0", "3"])
@pytest.mark.parametrize("group", ["1", "7", "250"])
def test_any_order_of_frames(bf: str, group: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_planes(path, grays(40), options={**LOSSLESS, "bf": bf, "g": group})
    movie = open_movie(path)
    assert movie.count == 40 and movie.rate == 25
    dice = random.Random(0)
    for number in [*range(1, 41), *range(40, 0, -1), *(dice.randint(1, 40) for _ in range(40))]:
        luma = np.frombuffer(movie.frame(number).planes[0], np.uint8)[0]
        assert luma == 16 + 4 * number


@pytest.mark.parametrize("frames", ["0-3", "1-25", "30", "-1"])
def test_range_outside_of_the_movie(frames: str, hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(24))
    message = studio.failed(f"a.mp4 {frames}", hint=hint, status=2)
    assert f"a.mp4 has the frames 1-24; the range {frames} names others" in message


def test_chunks_of_a_movie(hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(9))
    studio.keyed("a.mp4", "--chunk=2/3", hint=hint)
    assert studio.results() == ["a.0004.exr", "a.0005.exr", "a.0006.exr"]


def test_movie_of_hints_is_not_decoded_to_linear_light(studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(3))
    write_planes(studio.folder / "h.mov", grays(3))
    studio.keyed("a.mp4", hint="h.mov")
    for number in (1, 2, 3):
        matte = studio.layers(f"a.{number:04d}.exr")["matte.A"]
        assert abs(matte - 4 * number / 219).max() < 1e-3


def test_alpha_of_a_movie_is_the_hint(studio: Studio) -> None:
    planes = [(64 + 400, 512, 512, 1023 * number // 4) for number in (1, 2, 3)]
    options = {"profile": "4444", "alpha_bits": "16"}
    write_planes(studio.folder / "a.mov", planes, "yuva444p10le", "prores_ks", options=options)
    assert "Hint from alpha" in studio.keyed("a.mov").stdout
    for number in (1, 2, 3):
        matte = studio.layers(f"a.{number:04d}.exr")["matte.A"]
        assert abs(matte - number / 4).max() < 2e-3


def test_rate_and_pixel_aspect_are_carried_over(hint: str, studio: Studio) -> None:
    def edit(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2)

    write_planes(studio.folder / "a.mp4", grays(1), edit=edit)
    studio.keyed("a.mp4", hint=hint)
    header = studio.header("a.0001.exr")
    assert header["pixelAspectRatio"] == 2.0
    assert header["framesPerSecond"] == Fraction(25)


def test_movie_of_a_phone_is_turned_upright(studio: Studio) -> None:
    path = studio.folder / "a.mp4"
    write_planes(path, grays(1), edit=lambda stream: stream.set_display_rotation(90))
    pixels = color_frame(open_movie(path).frame(1)).pixels
    assert pixels.shape == (WIDTH, HEIGHT, 3)


# Damaged and hostile files.


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\x18ftypqt  ",
        b"not a movie" * 99,
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n",
        b"RIFF\0\0\0\0AVI LIST",
        b"\xff" * 4096,
    ],
)
def test_file_that_is_not_a_movie(content: bytes, hint: str, studio: Studio) -> None:
    (studio.folder / "a.mov").write_bytes(content)
    message = studio.failed("a.mov", hint=hint, status=2)
    assert "a.mov cannot be read as a movie: " in message
    assert not studio.output.exists()


def test_missing_movie_and_one_that_would_block(hint: str, studio: Studio) -> None:
    assert "a.mov: No such file" in studio.failed("a.mov 1-3", hint=hint, status=2)
    os.mkfifo(studio.folder / "b.mov")
    assert "b.mov: not a regular file" in studio.failed("b.mov", hint=hint, status=2)


def test_movie_that_is_cut_off(hint: str, studio: Studio) -> None:
    path = studio.folder / "a.mov"
    write_planes(path, grays(9))
    path.write_bytes(path.read_bytes()[:-900])
    assert "cannot be read as a movie" in studio.failed("a.mov", hint=hint, status=2)


def test_sound_without_a_picture(hint: str, studio: Studio) -> None:
    with av.open(str(studio.folder / "a.mov"), "w") as file:
        stream = file.add_stream("pcm_s16le", 48000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        samples.sample_rate = 48000
        file.mux(stream.encode(samples))
    assert "a.mov has 0 video tracks; expected one" in studio.failed("a.mov", hint=hint, status=2)


@pytest.mark.parametrize("codec", ["prores_ks", "mjpeg", "libx264"])
def test_damaged_frame_fails_with_those_that_depend_on_it(
    codec: str, hint: str, studio: Studio
) -> None:
    path = studio.folder / "a.mov"
    layout = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj444p", "libx264": "yuv444p"}[codec]
    codes = [(4 * y, 512, 512) if codec == "prores_ks" else (y, 128, 128) for y, _, _ in grays(9)]
    options = {"bf": "0", "g": "3", "qp": "0"} if codec == "libx264" else {}
    write_planes(path, codes, layout, codec, options=options)
    with av.open(str(path)) as file:
        packet = [packet for packet in file.demux(video=0) if packet.size][4]
        position, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[position + 8 : position + size] = b"\xff" * (size - 8)
    path.write_bytes(content)
    message = studio.failed("a.mov", hint=hint)
    bad = {5, 6} if codec == "libx264" else {5}
    for number in range(1, 10):
        line = f"a.mov frame {number}: failed, {path}: frame {number} is damaged\n"
        assert (line in message) == (number in bad)
    assert len(studio.results()) == 9 - len(bad)


def test_claimed_size_is_bounded(hint: str, studio: Studio) -> None:
    path = studio.folder / "a.mov"
    write_planes(path, [(400, 512, 512)], "yuv422p10le", "prores_ks", options={})
    content = path.read_bytes()
    size = WIDTH.to_bytes(2, "big") + HEIGHT.to_bytes(2, "big")
    assert size in content
    path.write_bytes(content.replace(size, b"\xff\xff\xff\xff"))
    message = studio.failed("a.mov", hint=hint, status=2)
    assert "a.mov has frames of 65535x65535 pixels; at most 134,217,728 pixels" in message


@pytest.mark.parametrize(
    ("movie", "reason"),
    [
        (ClaimedMovie(samples=80_000_000), "takes more than 2 GiB of memory or 60 s to open"),
        (ClaimedMovie(samples=50_000_000, tracks=5), "takes more than 2 GiB of memory or 60 s"),
        (ClaimedMovie(samples=1_000_000, edits=400), "takes more than 2 GiB of memory or 60 s"),
        (ClaimedMovie(samples=2000, size=64, overlap=True), "has frames that share their bytes"),
    ],
    ids=["samples", "tracks", "edits", "shared"],
)
def test_claimed_tables_are_bounded(movie: ClaimedMovie, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(movie.content())
    with pytest.raises(MovieError, match=reason):
        open_movie(path)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os._exit(3)", r"takes more than 2 GiB of memory or 60 s to open"),
        ("signal.raise_signal(signal.SIGSEGV)", r"crashes the library .*, by SIGSEGV; expected a"),
        ("os.abort()", r"crashes the library .*, by SIGABRT; expected a"),
        ("signal.raise_signal(signal.SIGKILL)", r"was killed, probably because the system ran out"),
        ("import nothing_like_it", r"the process that tried it failed with exit status 1\. "),
    ],
)
def test_each_end_of_the_child_has_its_own_message(
    end: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mov"
    write_planes(path, grays(1))
    program = f"import os, signal; {end}"
    with monkeypatch.context() as patch:
        patch.setattr(containers, "_COMMAND", (sys.executable, "-c", program))
        with pytest.raises(MovieError, match=reason) as caught:
            open_movie(path)
    assert str(caught.value).startswith(f"{path} ")
    assert open_movie(path).count == 1


def test_many_damaged_frames_take_no_more_time_than_others(tmp_path: Path) -> None:
    """All in the group of one key frame, and each cut by the end of the file."""
    path = tmp_path / "a.mov"
    path.write_bytes(ClaimedMovie(samples=50_000, size=100, overlap=True, start=60).content())
    start = time.process_time()
    movie = open_movie(path)
    assert movie.count == 50_000
    with pytest.raises(MovieError, match="frame 1 is damaged"):
        movie.frame(1)
    assert time.process_time() - start < 20  # 1 s here; squared, it would be minutes.


# Review movies.


def test_review_movie_looks_like_the_pngs(studio: Studio) -> None:
    colors = [(0.1, 0.7, 0.2), (0.8, 0.5, 0.4), (0.95, 0.95, 0.95), (0.02, 0.02, 0.02)]
    for number, rgb in enumerate(colors, 1):
        pixels = np.broadcast_to(np.float32(rgb), (HEIGHT - 1, WIDTH - 1, 3))
        write_png(studio.folder / f"a.{number}.png", pixels)
    box = Box(0, 0, WIDTH - 1, HEIGHT - 1)
    write_exr(studio.folder / "h.exr", {"A": np.ones((HEIGHT - 1, WIDTH - 1))}, box, box)
    movie = studio.folder / "review.mp4"
    for rate, options in ((24, []), (Fraction(30000, 1001), ["--frame-rate=29.97"])):
        result = studio.keyed("a.#.png", f"--movie={movie}", *options, hint="h.exr")
        assert f"Wrote {movie}: 4 frames at {float(rate):.5g} per second\n" in result.stdout
        made = open_movie(movie)
        assert (made.count, made.rate) == (4, rate)
        for number in range(1, 5):
            frame = color_frame(made.frame(number))
            assert (frame.curve, frame.note) == ("sRGB", ", Y'CbCr by BT.709, 16-235")
            # The size is even: the last row and column are repeated.
            assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
            with Image.open(studio.output / f"a.{number}.png") as image:
                png = np.asarray(image) / 255
            # Y'CbCr of 8 bits, and the loss of the codecs on a flat color.
            assert np.abs(frame.pixels[:-1, :-1] - png).max() < 3 / 255, number
    assert not list(studio.folder.glob(".*"))


def test_review_movie_has_the_rate_of_the_plate_and_can_be_keyed(hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(5))
    movie = studio.folder / "review.mp4"
    studio.keyed("a.mp4", f"--movie={movie}", hint=hint)
    assert open_movie(movie).rate == 25
    studio.output = studio.output.parent / "again"
    studio.keyed("review.mp4 2-3", hint=hint)
    assert studio.results() == ["review.0002.exr", "review.0003.exr"]


@pytest.mark.parametrize(
    ("kind", "value", "rate"),
    [
        ("rational", (25, 1), 25),
        *(("rational", (0, 0), 24), ("string", "x", 24), ("float", 30.0, 24)),
        ("int[3]", (1, 2, 3), 24),
    ],
)
def test_rate_of_another_type_is_not_used(kind: str, value: Any, rate: int, tmp_path: Path) -> None:
    exr, pixels = tmp_path / "a.exr", np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    spec = ImageSpec(WIDTH, HEIGHT, 3, HALF)
    spec.attribute("framesPerSecond", TypeDesc(kind), value)
    file = ImageOutput.create(str(exr))
    assert file.open(str(exr), spec) and file.write_image(pixels)
    file.close()
    write_png(tmp_path / "a.png", pixels)
    write_review(tmp_path / "review.mp4", [exr], None)
    assert open_movie(tmp_path / "review.mp4").rate == rate


def test_review_movie_is_written_whole_or_not_at_all(hint: str, studio: Studio) -> None:
    half = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    for number in (1, 2):
        write_png(studio.folder / f"a.{number}.png", half)
    movie = studio.folder / "review.mp4"
    movie.write_text("old")
    (studio.folder / "a.2.png").write_text("damaged")
    message = studio.failed("a.#.png", f"--movie={movie}", hint=hint)
    assert message.endswith(f"it keys only the missing frames. {movie} is not written.\n")
    write_png(studio.folder / "a.2.png", half[:, 4:])
    box = Box(0, 0, WIDTH - 4, HEIGHT)
    write_exr(studio.folder / "h.2.exr", {"A": np.ones((HEIGHT, WIDTH - 4))}, box, box)
    write_exr(studio.folder / "h.1.exr", {"A": np.ones((HEIGHT, WIDTH))}, FRAME, FRAME)
    message = studio.failed("a.#.png", f"--movie={movie}", hint="h.#.exr")
    assert "the frames have several sizes, 64x48 and 60x48" in message
    assert movie.read_text() == "old"
    assert not list(studio.folder.glob(".*"))


def test_review_movie_that_cannot_be_written(hint: str, studio: Studio) -> None:
    write_planes(studio.folder / "a.mp4", grays(1))
    plate = studio.folder / "a.mp4"
    message = studio.failed("a.mp4", f"--movie={plate}", hint=hint, status=2)
    assert "--movie is the plate or hint. Choose another file." in message
    message = studio.failed("a.mp4", "--movie=review.avi", hint=hint, status=2)
    assert "review.avi does not end in .mp4." in message
    message = studio.failed("a.mp4", f"--movie={plate}/review.mp4", hint=hint)
    assert "cannot write to the folder" in message
    assert not studio.output.exists()


def test_a_movie_that_changes_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_planes(path, grays(3))
    assert open_movie(path).count == 3
    write_planes(path, grays(5))
    os.utime(path, (1, 1))
    assert open_movie(path).count == 5
    with pytest.raises(MovieError, match="has no frame 6; its frames are 1-5"):
        open_movie(path).frame(6)
