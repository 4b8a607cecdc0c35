"""A file appears whole or not at all, wherever another user of its folder points the way."""

import fcntl
import multiprocessing
import os
import signal
from collections.abc import Callable
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
    process.join(60)
    process.kill()
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


def _exchange(folder: Path, witness: Path) -> None:
    """Puts a folder with a link to `witness` in the place of the only folder in `folder`."""
    (hidden,) = (path for path in folder.iterdir() if path.is_dir())
    hidden.rename(folder / "taken")
    hidden.mkdir()
    (hidden / "file").symlink_to(witness)


def test_an_exchanged_temporary_folder_leads_nowhere_else(tmp_path: Path) -> None:
    path, witness = tmp_path / "shared/file", tmp_path / "witness"
    path.parent.mkdir()
    witness.write_text("untouched")
    with replacing(path) as partial:
        _exchange(path.parent, witness)
        partial.write_text("new")
    assert witness.read_text() == "untouched"
    assert path.read_text() == "new" and not path.is_symlink()
    assert list((path.parent / "taken").iterdir()) == []


def _skip_unless_folders_can_be_given_away(folder: Path) -> None:
    folder.mkdir()
    try:
        os.chown(folder, 65534, 65534)
    except OSError as error:
        # Neither an ordinary user nor root in a sandbox's namespace may.
        pytest.skip(f"cannot give a folder to another user: {error}")


@pytest.mark.parametrize("harm", ["link inside", "other owner"])
def test_a_temporary_folder_that_is_exchanged_as_it_is_made_is_not_used(
    harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, witness = tmp_path / "shared/file", tmp_path / "witness"
    path.parent.mkdir()
    witness.write_text("untouched")
    if harm == "other owner":
        _skip_unless_folders_can_be_given_away(tmp_path / "gift")
    make = os.mkdir
    exchanged = []

    def make_and_exchange(name: str, *arguments: int, dir_fd: int) -> None:
        monkeypatch.undo()
        make(name, *arguments, dir_fd=dir_fd)
        _exchange(path.parent, witness)
        if harm == "other owner":
            (path.parent / name / "file").unlink()
            os.chown(path.parent / name, 65534, 65534)
        exchanged.append(path.parent / name)

    monkeypatch.setattr(os, "mkdir", make_and_exchange)
    with replacing(path) as partial:
        (theirs,) = exchanged
        if theirs.exists() and not list(theirs.iterdir()):
            (theirs / "file").symlink_to(witness)
        partial.write_text("new")
    assert witness.read_text() == "untouched"
    assert path.read_text() == "new" and not path.is_symlink()


def test_a_link_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match=f"cannot write {path}: "), replacing(path) as partial:
        partial.symlink_to("/etc/passwd")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_a_folder_that_somebody_has_locked_is_written_to(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert _run(tmp_path / "file", "new") == 0
    os.close(descriptor)


def _write_nothing(partial: Path) -> None:
    assert not partial.exists()


def _write_to_a_folder(partial: Path) -> None:
    partial.mkdir()
    partial.write_text("text")


def _fail_as_a_library(partial: Path) -> None:
    raise RuntimeError(f"iostream error in {partial}, of {partial.name}")


@pytest.mark.parametrize(
    "write, words",
    [
        (_write_nothing, "cannot write {}: No such file or directory"),
        (_write_to_a_folder, "[Errno 21] Is a directory: '{}'"),
        (_fail_as_a_library, "iostream error in {}, of file"),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_an_error_names_the_file_that_the_caller_named(
    write: Callable[[Path], None],
    words: str,
    relative: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("file") if relative else tmp_path / "file"
    with pytest.raises((OSError, RuntimeError)) as caught, replacing(path) as partial:
        write(partial)
    assert str(caught.value) == words.format(path)
    assert list(tmp_path.iterdir()) == []
