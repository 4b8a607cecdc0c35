"""Runs on a sequence: what is keyed again, what a run reports, and how it overlaps its work.

The network is a stand-in, as in any_files_test.py.
"""

import itertools
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from export.pictures.keyer import Keyed, Keyer
from export.pictures.picture_writer import write_exr, write_png
from export.preview import preview
from export.preview.frame_reader import Frame, FrameReader
from export.preview.keyed_files import write_key
from testing.export.preview.stand_in import (
    FRAME,
    HEIGHT,
    HINT,
    PLATE,
    RGB,
    WIDTH,
    StandIn,
    Studio,
    assert_key,
    shot,
    studio,
    watch,
)

__all__ = ["shot", "studio"]

ROOT = os.geteuid() == 0


# Stale results.


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
