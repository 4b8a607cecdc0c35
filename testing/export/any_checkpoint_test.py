"""The exporter writes the right file from any checkpoint, or prints one message and writes none.

It runs no code from a file, and needs no more memory than the size of the file.
"""

import os
import pickle
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from export.common.digests import sha256
from export.verify.children import confined
from export.verify.children.confined import Limits
from testing.export.export_command import export, failure, start
from testing.hostile import checkpoints as hostile_checkpoints
from testing.hostile.checkpoints import HOSTILE, Hostile
from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint

GB = 10**9
every_hostile = pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.fault)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[Hostile, Path]:
    """Writes every hostile file; returns their paths."""
    folder = tmp_path_factory.mktemp("hostile")
    files = {hostile: folder / f"{n}{hostile.suffix}" for n, hostile in enumerate(HOSTILE)}
    for hostile, path in files.items():
        hostile.write(path)
    return files


@every_hostile
def test_hostile_file_is_one_message_and_no_output(
    hostile: Hostile,
    written: dict[Hostile, Path],
    tmp_path: Path,
) -> None:
    path = written[hostile]
    result = export(path, tmp_path / "CorridorKey.pt")
    message = failure(result, tmp_path)
    assert message.startswith(str(path))
    assert re.search(hostile.message, message)
    assert not result.stdout
    assert message.count("\n") <= 8 and len(message) < 2000
    assert not hostile_checkpoints.witness(path).exists()


def test_code_in_the_hostile_pickles_is_real(tmp_path: Path) -> None:
    harm = hostile_checkpoints.Harm(tmp_path / "ran")
    pickle.loads(pickle.dumps(harm, 2)).close()
    assert (tmp_path / "ran").exists()


def test_hostile_files_take_no_memory(written: dict[Hostile, Path], tmp_path: Path) -> None:
    paths = {str(path): hostile for hostile, path in written.items()}
    limits = Limits(memory=6 * GB, seconds=300, file_bytes=1 << 16, writable=tmp_path)
    answers = confined.run("testing.export.checkpoint_child", {"paths": [*paths]}, limits)
    next(answers)  # what confines the child
    peaks = {"": next(answers)["peak"]}
    for answer in answers:
        assert answer["message"], paths[answer["path"]].fault
        more = answer["peak"] - max(peaks.values())
        peaks[answer["path"]] = answer["peak"]
        # The largest file has 73 MB and is read before it is refused.
        assert more < 0.15 * GB, paths[answer["path"]].fault
    assert peaks.keys() == {"", *paths}


@pytest.fixture(scope="module")
def exported(checkpoint_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Returns the SHA-256 of an undisturbed export of the checkpoint."""
    output = tmp_path_factory.mktemp("exported") / "CorridorKey.pt"
    process = start(checkpoint_file, output, "--no-validate")
    assert process.wait() == 0
    return sha256(output)


@pytest.mark.parametrize("change", ["cut", "overwritten", "removed"])
def test_file_that_changes_after_it_was_read(
    change: str,
    checkpoint_file: Path,
    exported: str,
    tmp_path: Path,
) -> None:
    path = Path(shutil.copy(checkpoint_file, tmp_path))
    output = tmp_path / "CorridorKey.pt"
    process = start(path, output, "--no-validate", PYTHONUNBUFFERED="1")
    assert process.stdout
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("Loaded "):
            if change == "removed":
                path.unlink()
            else:
                with path.open("r+b") as file:
                    file.truncate(0)
                    file.truncate(checkpoint_file.stat().st_size if change != "cut" else 0)
    assert process.wait() == 0, printed
    assert sha256(output) == exported


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Writes to a file from a thread until the end of the block."""
    done = threading.Event()

    def write() -> None:
        with path.open("r+b", buffering=0) as file:
            while not done.wait(0.001):
                os.pwrite(file.fileno(), b"\0", path.stat().st_size - 1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_file_that_changes_while_it_is_read(checkpoint_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(checkpoint_file, tmp_path))
    with writing(path):
        for _ in range(5):
            with pytest.raises(CheckpointError, match="changed while it was read"):
                load_checkpoint(path, 256)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_named_pipe_is_not_waited_for(suffix: str, tmp_path: Path) -> None:
    path, folder = tmp_path / f"pipe{suffix}", tmp_path / "output"
    os.mkfifo(path)
    folder.mkdir()
    process = start(path, folder / "CorridorKey.pt")
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert printed == f"Error: {path} is a folder, a pipe or a device, not a file\n"
    assert not list(folder.iterdir())


def test_folder(tmp_path: Path) -> None:
    folder = tmp_path / "weights.safetensors"
    folder.mkdir()
    result = export(folder, tmp_path / "CorridorKey.pt")
    assert result.exit_code == 2
    assert f"'{folder}' is a directory" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [folder]
