from pathlib import Path

import pytest

from export.pictures.frame_sequence import SequenceError, frame_sequence


@pytest.mark.parametrize(
    ("text", "frames", "first"),
    [
        ("shot.####.exr 1001-1010", list(range(1001, 1011)), "shot.1001.exr"),
        ("shot.%04d.exr 1001-1010x2", [1001, 1003, 1005, 1007, 1009], "shot.1001.exr"),
        ("a/shot_####.png 1-3,8,12-10", [1, 2, 3, 8, 12, 11, 10], "a/shot_0001.png"),
        ("my shot v2.@@@.TIF   7, 9", [7, 9], "my shot v2.007.TIF"),
        ("shot.#.tiff 99-101", [99, 100, 101], "shot.99.tiff"),
        ("shot.%d.exr -2-0", [-2, -1, 0], "shot.-2.exr"),
        ("shot.v002.####.exr 1001", [1001], "shot.v002.1001.exr"),
        ("shot.####.exr 100000", [100000], "shot.100000.exr"),
    ],
)
def test_frames_as_artists_write_them(text: str, frames: list[int], first: str) -> None:
    sequence = frame_sequence(text)
    assert sequence.frames is not None
    assert list(sequence.frames) == frames
    assert sequence.path(frames[0]) == Path(first)


@pytest.mark.parametrize("file", ["still.exr", "a b/shot.1001.exr", "x 1-5.png"])
def test_still_is_the_same_for_every_frame(file: str) -> None:
    sequence = frame_sequence(f" {file} ")
    assert sequence.frames is None
    assert sequence.path(None) == sequence.path(7) == Path(file)


@pytest.mark.parametrize("padding", ["####", "%04d", "@@@@", "#"])
def test_without_a_range_the_frames_are_those_on_disk(padding: str, tmp_path: Path) -> None:
    for name in ("shot.1001.exr", "shot.1002.exr", "shot.1005.exr", "other.1003.exr", "shot.exr"):
        (tmp_path / name).touch()
    sequence = frame_sequence(f"{tmp_path}/shot.{padding}.exr")
    assert sequence.frames is not None
    assert list(sequence.frames) == [1001, 1002, 1005]
    assert sequence.path(1005) == tmp_path / "shot.1005.exr"


def test_frame_that_is_not_in_the_range() -> None:
    with pytest.raises(SequenceError, match=r"^shot\.####\.exr has no frame 1002$"):
        frame_sequence("shot.####.exr 1001-1005x2").path(1002)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' does not name one of .exr, .png, .tif, .tiff"),
        ("shot.####.mov 1-5", "does not name one of"),
        ("shot.####.exr 1001-", "'1001-' is not a frame range such as 1001-1010"),
        ("shot.####.exr 1001-1010x0", "is not a frame range"),
        ("shot.####.exr first", "is not a frame range"),
        ("shot.####.exr 1-2x0.5", "frames that are not whole numbers"),
        ("shot.exr 1001-1010", "shot.exr is one file; write ####"),
        ("shot.1001.exr 1001-1010", "shot.1001.exr is one file"),
        ("shot_####_v2.exr 1-5", "the frame number must come right before the extension"),
        ("nowhere/shot.####.exr", "there is no frame of nowhere/shot.####.exr on disk"),
    ],
)
def test_what_names_no_frames(text: str, message: str) -> None:
    with pytest.raises(SequenceError) as caught:
        frame_sequence(text)
    assert message in str(caught.value)
