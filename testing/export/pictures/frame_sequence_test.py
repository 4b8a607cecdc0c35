"""Frame sequences: names, padding, ranges and the frames on disk."""

import os
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
        ("shot.%4d.exr -2", [-2], "shot.-002.exr"),
        ("shot.v002.####.exr 1001", [1001], "shot.v002.1001.exr"),
        ("shot.####.exr 100000", [100000], "shot.100000.exr"),
        ("shot_####_v2.exr 1-2", [1, 2], "shot_0001_v2.exr"),
        ("####.exr 5,5,5", [5], "0005.exr"),
        ("shot.########.jpg 86400", [86400], "shot.00086400.jpg"),
        # Only the file's own name is searched for a placeholder, and folders are left alone.
        ("/me@studio/shot#2/a.####.exr 7", [7], "/me@studio/shot#2/a.0007.exr"),
        ("take_%03d/a.####.exr 7", [7], "take_%03d/a.0007.exr"),
        ("a,b/sh,010.####.exr 7", [7], "a,b/sh,010.0007.exr"),
        # Hyphens and digits beside the placeholder belong to the name.
        ("sh010-####.exr 1001", [1001], "sh010-1001.exr"),
        ("2024-01-15-####.exr 12", [12], "2024-01-15-0012.exr"),
        ("hd_1920x1080####.exr 1001", [1001], "hd_1920x10801001.exr"),
        ("1-10x2.####.exr 3", [3], "1-10x2.0003.exr"),
        # Of several placeholders, the longest is meant; %d wins over # and @.
        ("me@studio.####.exr 1", [1], "me@studio.0001.exr"),
        ("@@@@_take#2.exr 1", [1], "0001_take#2.exr"),
        ("shot#2.%04d.exr 1", [1], "shot#2.0001.exr"),
        # Any other character is an ordinary one.
        ("what?.####.exr 1", [1], "what?.0001.exr"),
        ("[a]{b}*.####.exr 1", [1], "[a]{b}*.0001.exr"),
        ("100%.####.exr 1", [1], "100%.0001.exr"),
        ("ümläut 日本.####.exr 1", [1], "ümläut 日本.0001.exr"),
        ("a\nb.####.exr 1", [1], "a\nb.0001.exr"),
        ("a.exr.####.exr 1", [1], "a.exr.0001.exr"),
        (os.fsdecode(b"\xff.####.exr 1"), [1], os.fsdecode(b"\xff.0001.exr")),
    ],
)
def test_frames_as_artists_write_them(text: str, frames: list[int], first: str) -> None:
    sequence = frame_sequence(text)
    assert sequence.frames is not None
    assert list(sequence.frames) == frames
    assert sequence.path(frames[0]) == Path(first)


@pytest.mark.parametrize("file", ["still.exr", "a b/shot.1001.exr", "x 1-5.png", "me@studio/a.jpg"])
def test_still_is_the_same_for_every_frame(file: str) -> None:
    sequence = frame_sequence(f" {file} ")
    assert sequence.frames is None
    assert sequence.path(None) == sequence.path(7) == Path(file)


@pytest.mark.parametrize(
    "name",
    ["shot#2.exr", "me@home.exr", "####.exr", "%04d.exr", "a.exr 1-5.exr", " a .exr", "a#b@c.exr"],
)
def test_name_of_an_existing_file_is_a_still(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    sequence = frame_sequence(str(tmp_path / name))
    assert sequence.frames is None
    assert sequence.path(1) == tmp_path / name


def test_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.exr").touch()
    assert frame_sequence("~/a.exr").path(None) == tmp_path / "a.exr"
    assert frame_sequence("~/a.####.exr 7").path(7) == tmp_path / "a.0007.exr"


@pytest.mark.parametrize("folder", ["plain", "me@studio", "shot#2", "a %04d", "[x]*"])
@pytest.mark.parametrize("padding", ["####", "%04d", "@@@@", "#"])
def test_without_a_range_the_frames_are_those_on_disk(
    padding: str, folder: str, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir()
    for name in ("shot.1001.exr", "shot.1002.exr", "shot.1005.exr", "other.1003.exr", "shot.exr"):
        (tmp_path / folder / name).touch()
    sequence = frame_sequence(f"{tmp_path}/{folder}/shot.{padding}.exr")
    assert sequence.frames is not None
    assert list(sequence.frames) == [1001, 1002, 1005]
    assert sequence.path(1005) == tmp_path / folder / "shot.1005.exr"


@pytest.mark.parametrize(
    ("padding", "frames"),
    [("####", [1, 3]), ("###", [1, 2]), ("%03d", [1, 2]), ("##", [12345]), ("#", [7, 12345])],
)
def test_frames_on_disk_have_the_digits_of_the_placeholder(
    padding: str, frames: list[int], tmp_path: Path
) -> None:
    for number in ("0001", "0003", "001", "002", "7", "12345"):
        (tmp_path / f"a.{number}.exr").touch()
    sequence = frame_sequence(f"{tmp_path}/a.{padding}.exr")
    assert sequence.frames is not None
    # 12345 has more digits than any placeholder, and so belongs to all of them.
    assert list(sequence.frames) == sorted({*frames, 12345})
    assert all(sequence.path(frame).exists() for frame in sequence.frames)


def test_sequence_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "2024-01-15-0001.exr").touch()
    monkeypatch.chdir(tmp_path)
    assert list(frame_sequence("2024-01-15-####.exr").frames or []) == [1]


def test_frame_outside_the_range() -> None:
    with pytest.raises(SequenceError, match=r"^shot\.####\.exr has no frame 1002$"):
        frame_sequence("shot.####.exr 1001-1005x2").path(1002)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' does not name a file; expected one of .exr, .png"),
        ("shot.####.avi 1-5", "does not name a file; expected one of"),
        ("shot.####.mov 1-5", "No such file"),
        ("shot.exr 1001-1010", "shot.exr is one file; expected ####"),
        ("shot.1001.exr 1001-1010", "shot.1001.exr is one file"),
        ("shot#2/shot.1001.exr 1001-1010", "is one file"),
        ("nowhere/shot.####.exr", "cannot list the folder nowhere: No such file or directory"),
        ("a#b@c.exr 1-5", "a#b@c.exr has several placeholders: #, @."),
        ("a.\0.exr", "contains a null character"),
        ("\x1b[31m", "does not name a file"),
    ],
)
def test_invalid_name(text: str, message: str) -> None:
    with pytest.raises(SequenceError) as caught:
        frame_sequence(text)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "frame_range",
    [
        *("1001-", "first", "1001 1005", "1001..1005", "1-10x0", "1-2x0.5", "1-10y3", "1-10:3"),
        *(
            "1,,2",
            "1-2-3",
            "1e3",
            "0x10",
            "\u0661-\u0663",
            "#",
            "1-10x-2",
            "\x1b[31m",
            "1001-1010x",
            "-",
        ),
        *("99999999999", "1 - 5"),
    ],
)
def test_invalid_range(frame_range: str) -> None:
    with pytest.raises(SequenceError, match="is not a frame range; expected the form") as caught:
        frame_sequence(f"shot.####.exr {frame_range}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("frame_range", ["1-99999999", "1-600000,700000-1300000"])
def test_too_many_frames(frame_range: str) -> None:
    with pytest.raises(SequenceError, match=r"frames; at most 1,000,000$"):
        frame_sequence(f"shot.####.exr {frame_range}")


def test_no_frame_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.001.exr").touch()
    with pytest.raises(SequenceError, match=r"is on disk; a\.001\.exr has another number of d"):
        frame_sequence(f"{tmp_path}/a.####.exr")
    with pytest.raises(SequenceError, match=r"no frame of .*/b\.####\.exr is on disk$"):
        frame_sequence(f"{tmp_path}/b.####.exr")


def test_file_that_is_also_a_sequence(tmp_path: Path) -> None:
    for name in ("a.####.exr", "a.0001.exr"):
        (tmp_path / name).touch()
    with pytest.raises(SequenceError, match="is a file, and also a sequence with frames on disk"):
        frame_sequence(f"{tmp_path}/a.####.exr")
    assert list(frame_sequence(f"{tmp_path}/a.####.exr 1").frames or []) == [1]
