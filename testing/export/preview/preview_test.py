"""Runs the preview from its command line: real frames in, real files out."""

import json
import os
import re
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from export.pictures.keyer import Keyed, Keyer
from export.pictures.picture_writer import write_exr, write_png
from export.pictures.windows import Box
from export.preview.preview import main
from export.tracing.plate import green_screen_plate
from wrapper.knobs import KNOBS

HEIGHT, WIDTH = 45, 80
FRAME = Box(0, 0, WIDTH, HEIGHT)
RGBA = green_screen_plate(HEIGHT, WIDTH)[0].permute(1, 2, 0).numpy()

HALF = 2.0**-11
"""Largest rounding error of a number up to 1 in half float."""


def decode(srgb: np.ndarray) -> np.ndarray:
    """Decodes sRGB by IEC 61966-2-1, in float64."""
    srgb = srgb.astype(np.float64)
    return np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def encode(linear: np.ndarray) -> np.ndarray:
    """Encodes sRGB by IEC 61966-2-1, in float64."""
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


LINEAR = decode(RGBA[..., :3]).astype(np.half).astype(np.float32)
PLATE = {name: LINEAR[..., i] for i, name in enumerate("RGB")}
HINT = RGBA[..., 3].astype(np.half).astype(np.float32)


def preview(plate: str | Path, output: Path, model: Path, *options: str | Path) -> Result:
    arguments = ["--plate", plate, "--output", output, "--model", model, *options]
    return CliRunner().invoke(main, list(map(str, arguments)))


def layers(path: Path) -> dict[str, np.ndarray]:
    """Reads every channel of an EXR with the OpenEXR library."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels.astype(float) for name, channel in file.channels().items()}


@pytest.fixture(scope="module")
def keyed(model_file: Path) -> Keyed:
    """Key of the linear plate."""
    return Keyer(model_file).key(LINEAR, HINT, gamma_input=1)


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """Path of the linear plate with the hint in its alpha."""
    path = tmp_path / "plate.exr"
    write_exr(path, PLATE | {"A": HINT}, FRAME, FRAME)
    return path


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Folder with frames 1001 to 1010; 1004 is truncated."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for frame in range(1001, 1011):
        darker = {name: pixels * (1 - 0.02 * (frame - 1001)) for name, pixels in PLATE.items()}
        write_exr(folder / f"shot.{frame}.exr", darker | {"A": HINT}, FRAME, FRAME)
    whole = folder / "shot.1004.exr"
    os.truncate(whole, whole.stat().st_size // 2)
    return folder


# Contents of the results.


def test_layers_are_the_key_in_linear_light(
    still: Path, keyed: Keyed, model_file: Path, tmp_path: Path
) -> None:
    result = preview(still, tmp_path / "out", model_file)
    assert result.exit_code == 0, result.output
    written = layers(tmp_path / "out" / "plate.exr")
    assert set(written) == {"R", "G", "B", "A", "FG.R", "FG.G", "FG.B", "matte.A"}
    foreground, matte = decode(keyed.foreground), keyed.matte.astype(float)
    assert 0.05 < matte.mean() < 0.95  # Otherwise the products below test nothing.
    for name in ("A", "matte.A"):
        np.testing.assert_allclose(written[name], matte, rtol=0, atol=HALF)
    for i, name in enumerate("RGB"):
        np.testing.assert_allclose(written[f"FG.{name}"], foreground[..., i], rtol=0, atol=HALF)
        np.testing.assert_allclose(written[name], foreground[..., i] * matte, rtol=0, atol=HALF)


def test_png_is_the_frame_over_a_checkerboard(
    still: Path, keyed: Keyed, model_file: Path, tmp_path: Path
) -> None:
    preview(still, tmp_path / "out", model_file)
    with Image.open(tmp_path / "out" / "plate.png") as image:
        pixels = np.asarray(image).astype(float)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    background = decode(np.where((y // 48 + x // 48) % 2, 0.5, 0.4))[..., None]
    matte = keyed.matte[..., None].astype(float)
    expected = decode(keyed.foreground) * matte + background * (1 - matte)
    # The PNG has 8 bits.
    np.testing.assert_allclose(pixels, 255 * encode(expected), rtol=0, atol=0.501)


@pytest.mark.parametrize(
    ("linear", "options", "message"),
    [
        (True, [], "Plate read as linear"),
        (False, [], "Plate read as sRGB"),
        (True, ["--gamma-input", "sRGB"], "Plate read as sRGB"),
        (False, ["--gamma-input=linear"], "Plate read as linear"),
    ],
)
def test_encoding_follows_the_format_unless_an_option_names_it(
    linear: bool, options: list[str], message: str, model_file: Path, tmp_path: Path
) -> None:
    if linear:
        write_exr(tmp_path / "plate.exr", PLATE, FRAME, FRAME)
        rgb = LINEAR
    else:
        write_png(tmp_path / "plate.png", RGBA[..., :3])
        rgb = np.rint(RGBA[..., :3] * 255).astype(np.float32) / np.float32(255)
    write_exr(tmp_path / "hint.exr", {"A": HINT}, FRAME, FRAME)
    plate = tmp_path / ("plate.exr" if linear else "plate.png")
    result = preview(plate, tmp_path / "out", model_file, "--hint", tmp_path / "hint.exr", *options)
    assert result.exit_code == 0, result.output
    assert message in result.stdout
    expected = Keyer(model_file).key(rgb, HINT, gamma_input=int("linear" in message))
    written = layers(tmp_path / "out" / "plate.exr")
    np.testing.assert_allclose(written["A"], expected.matte, rtol=0, atol=HALF)


@pytest.mark.parametrize("channel", ["alpha", "red", "luminance", None])
def test_hint_channel(channel: str | None, keyed: Keyed, model_file: Path, tmp_path: Path) -> None:
    other = np.zeros_like(HINT)
    hints = {
        "alpha": {"R": other, "G": other, "B": other, "A": HINT},
        "red": {"R": HINT, "G": other, "B": other, "A": other},
        "luminance": {"R": HINT, "G": HINT, "B": HINT, "A": other},
        None: {"Y": HINT, "Z": HINT},
    }
    write_exr(tmp_path / "plate.exr", PLATE, FRAME, FRAME)
    write_exr(tmp_path / "hint.exr", hints[channel], FRAME, FRAME)
    options: list[str | Path] = ["--hint", tmp_path / "hint.exr"]
    if channel:
        options += ["--hint-channel", channel]
    result = preview(tmp_path / "plate.exr", tmp_path / "out", model_file, *options)
    assert result.exit_code == 0, result.output
    assert f"Hint from {channel or 'luminance'}\n" in result.stdout
    # The luminance is a rounded sum of three products, and the network amplifies differences.
    matte = layers(tmp_path / "out" / "plate.exr")["A"]
    np.testing.assert_allclose(matte, keyed.matte, rtol=0, atol=HALF + 1e-4)


def test_every_knob_except_the_output_mode_is_an_option(
    still: Path, model_file: Path, tmp_path: Path
) -> None:
    moved = {"despill_strength": 7.5, "gamma_input": 0, "refiner_strength": 0.25, "screen_color": 2}
    moved |= {"detail": 0.5, "despill_mode": 1, "highlights": 1, "hint_source": 1, "despeckle": 3}
    assert set(moved) == {knob.name for knob in KNOBS} - {"output_mode"}
    options = [
        "--despill-strength=7.5",
        "--gamma-input=srgb",
        "--refiner-strength=0.25",
        "--screen-color=blue",
        "--detail=0.5",
        "--despill-mode=preserve",
        "--highlights=keep",
        "--hint-source=screen",
        "--despeckle=3",
    ]
    result = preview(still, tmp_path / "out", model_file, *options)
    assert result.exit_code == 0, result.output
    expected = Keyer(model_file).key(LINEAR, HINT, **moved)
    written = layers(tmp_path / "out" / "plate.exr")
    for i, name in enumerate("RGB"):
        np.testing.assert_allclose(
            written[f"FG.{name}"], decode(expected.foreground[..., i]), rtol=0, atol=HALF
        )


def test_a_shot_without_a_hint_is_keyed_by_its_screen(
    shot: Path, model_file: Path, tmp_path: Path
) -> None:
    for frame in (1001, 1002):
        write_exr(shot / f"bare.{frame}.exr", PLATE, FRAME, FRAME)
    plate, screen = f"{shot}/bare.####.exr", "--hint-source=screen"
    result = preview(plate, tmp_path / "out", model_file)
    assert result.exit_code == 1, result.output
    result = preview(plate, tmp_path / "out", model_file, screen)
    assert result.exit_code == 0, result.output
    assert "Hint from the screen\n" in result.stdout
    expected = Keyer(model_file).key(LINEAR, HINT, gamma_input=1, hint_source=1)
    for frame in (1001, 1002):
        matte = layers(tmp_path / "out" / f"bare.{frame}.exr")["A"]
        np.testing.assert_allclose(matte, expected.matte, rtol=0, atol=HALF)
    result = preview(plate, tmp_path / "out", model_file, screen, "--hint-channel=alpha")
    assert result.exit_code == 2
    assert "With --hint-source screen no hint is read." in result.stderr


def test_untrained_weights_are_reported(still: Path, model_file: Path, tmp_path: Path) -> None:
    result = preview(still, tmp_path / "out", model_file)
    first = result.stdout.splitlines()[0]
    assert first.startswith(f"{model_file}: CorridorKey_untrained_64, on ")
    assert first.endswith("Its weights are the untrained stand-in, which cannot key.")


# A shot with a bad frame.


def test_bad_frame_fails_alone_and_is_keyed_alone_after_a_fix(
    shot: Path, model_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    result = preview(f"{shot}/shot.####.exr 1001-1010", output, model_file)
    assert result.exit_code == 1
    good = [frame for frame in range(1001, 1011) if frame != 1004]
    names = {f"shot.{frame}.{suffix}" for frame in good for suffix in ("exr", "png")}
    assert {path.name for path in output.iterdir()} == names
    assert "9 keyed (9 new), 0 unchanged, 1 failed" in result.stdout
    report, error = result.stderr.splitlines()
    assert report == (
        f"shot.1004.exr: failed, {shot}/shot.1004.exr: "
        "Some scanline chunks were missing or corrupted"
    )
    assert error.startswith("Error: 1 of 10 frames failed: shot.1004.exr. Fix")

    before = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    write_exr(shot / "shot.1004.exr", PLATE | {"A": HINT}, FRAME, FRAME)
    result = preview(f"{shot}/shot.####.exr 1001-1010", output, model_file)
    assert result.exit_code == 0, result.output
    assert "1 keyed (1 new), 9 unchanged, 0 failed" in result.stdout
    after = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    assert after.keys() - before.keys() == {"shot.1004.exr", "shot.1004.png"}
    assert {name: after[name] for name in before} == before


def test_each_frame_is_keyed_from_its_own_plate(
    shot: Path, model_file: Path, tmp_path: Path
) -> None:
    result = preview(f"{shot}/shot.%04d.exr 1001,1009", tmp_path / "out", model_file)
    assert result.exit_code == 0, result.output
    keyer = Keyer(model_file)
    for frame, light in ((1001, 1.0), (1009, 0.84)):
        rgb = (LINEAR * np.float32(light)).astype(np.half).astype(np.float32)
        expected = keyer.key(rgb, HINT, gamma_input=1)
        matte = layers(tmp_path / "out" / f"shot.{frame}.exr")["A"]
        np.testing.assert_allclose(matte, expected.matte, rtol=0, atol=HALF)


def test_frame_with_one_of_two_files_is_keyed_again(
    shot: Path, model_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for killed in ("shot.1001.png", "shot.1002.exr"):
        preview(f"{shot}/shot.####.exr 1001-1002", output, model_file)
        (output / killed).unlink()
        result = preview(f"{shot}/shot.####.exr 1001-1002", output, model_file)
        assert "1 keyed (1 new), 1 unchanged" in result.stdout
        assert (output / killed).exists()


def test_missing_plate_and_missing_hint_fail_one_frame_each(
    shot: Path, model_file: Path, tmp_path: Path
) -> None:
    (shot / "shot.1002.exr").unlink()
    for frame in (1001, 1002, 1005):
        write_exr(shot / f"hint.{frame}.exr", {"A": HINT}, FRAME, FRAME)
    hint = f"{shot}/hint.####.exr"
    plate = f"{shot}/shot.####.exr 1001-1003,1005"
    result = preview(plate, tmp_path / "out", model_file, "--hint", hint)
    assert result.exit_code == 1
    assert re.search(r"^shot\.1002\.exr: failed, .*No such file", result.stderr, re.MULTILINE)
    assert (
        f"shot.1003.exr: failed, the hint {shot}/hint.####.exr has no frame 1003\n" in result.stderr
    )
    assert "2 keyed (2 new), 0 unchanged, 2 failed" in result.stdout


def test_still_hint_serves_every_frame(shot: Path, model_file: Path, tmp_path: Path) -> None:
    write_exr(tmp_path / "hint.exr", {"A": HINT}, FRAME, FRAME)
    hint = ["--hint", str(tmp_path / "hint.exr")]
    result = preview(f"{shot}/shot.####.exr 1001-1002", tmp_path / "out", model_file, *hint)
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_result_of_other_settings_is_not_replaced_without_overwrite(
    still: Path, model_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    preview(still, output, model_file)
    before = layers(output / "plate.exr")
    record = json.loads(header(output / "plate.exr")["corridorkey"])
    assert record["settings"]["despill_strength"] == 0.0

    result = preview(still, output, model_file, "--despill-strength=5", "--screen-color=Blue")
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {output}/plate.exr exists and was made with another despill_strength, "
        "screen_color. Choose another --output, or use --overwrite\n"
    )
    assert np.array_equal(layers(output / "plate.exr")["FG.G"], before["FG.G"])

    result = preview(still, output, model_file, "--despill-strength=5", "--overwrite")
    assert result.exit_code == 0, result.output
    assert not np.array_equal(layers(output / "plate.exr")["FG.G"], before["FG.G"])


def header(path: Path) -> dict[str, str]:
    with OpenEXR.File(str(path), header_only=True) as file:
        return dict(file.header())


def test_file_of_another_program_is_not_replaced(
    still: Path, model_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    write_exr(tmp_path / "out" / "plate.exr", PLATE, FRAME, FRAME)
    result = preview(still, tmp_path / "out", model_file)
    assert result.exit_code == 1
    assert "exists and is not a key of this program" in result.stderr


# Inputs that cannot be keyed.


def test_folder_of_the_plates_is_refused(still: Path, model_file: Path) -> None:
    result = preview(still, still.parent, model_file)
    assert result.exit_code == 2
    assert "Choose another folder." in result.stderr


def test_hint_for_other_frames_is_refused(shot: Path, model_file: Path, tmp_path: Path) -> None:
    hint = f"{shot}/shot.####.exr 1006-1010"
    for plate, frames in (("shot.####.exr 1001-1005", "has 1001-1005"), ("a.exr", "is a still")):
        result = preview(f"{shot}/{plate}", tmp_path / "out", model_file, "--hint", hint)
        assert result.exit_code == 2
        assert f"The hint has frames 1006-1010; the plate {frames}." in result.stderr


@pytest.mark.parametrize(
    ("plate", "message"),
    [
        ("shot.####.exr 1001", "Invalid value for '--plate'"),
        ("shot.####.avi 1-5", "does not name a file; expected one of .exr, .png"),
    ],
)
def test_plate_that_is_not_named_correctly(plate: str, message: str, tmp_path: Path) -> None:
    model = tmp_path / "CorridorKey.pt"
    result = preview(plate + "-", tmp_path / "out", model)
    assert result.exit_code == 2
    assert message in result.stderr


def test_file_that_is_not_a_model(still: Path, tmp_path: Path) -> None:
    result = preview(still, tmp_path / "out", still)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {still} is not a CorridorKey.pt: ")
    assert not (tmp_path / "out").exists()
