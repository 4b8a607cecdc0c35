"""A file appears whole or not at all, and the next writer removes what a killed one left."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from export.common.atomic import replacing


def _write(path: Path, content: str, at: str = "") -> None:
    with replacing(path) as partial:
        partial.write_text(content)
        if at == "killed":
            os.kill(os.getpid(), signal.SIGKILL)


def _run(path: Path, content: str, at: str = "") -> int | None:
    process = multiprocessing.get_context("fork").Process(target=_write, args=(path, content, at))
    process.start()
    process.join()
    return process.exitcode


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    _write(path, "old")
    with pytest.raises(TypeError):
        _write(path, None)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_leftovers_of_a_killed_writer_are_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file [1]*"
    others = [tmp_path / ".file [1]*.notes", tmp_path / ".file 1.abcd1234.partial"]
    for other in others:
        other.mkdir()
    _write(path, "old")
    assert _run(path, "new", at="killed") == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 4, "the killed process left nothing"
    assert _run(path, "new") == 0
    assert path.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


@pytest.mark.parametrize("name", ["x" * 238, "x" * 255, "ü" * 127 + "x", "日" * 85])
def test_the_longest_names_that_file_systems_allow(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    _write(path, "old")
    assert _run(path, "new", at="killed") == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2, "the killed process left nothing"
    _write(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "new"


def test_the_folder_of_a_running_writer_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as first:
        first.write_text("first")
        assert _run(path, "second") == 0
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
