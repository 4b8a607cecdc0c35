"""The export on a bad machine: killed, crowded, on a full disk, in odd surroundings.

After each, the next plain run must succeed with no help, give the very bytes of an undisturbed one,
and leave nothing else in the folder.
"""

import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from testing import faults

_KILLS = 25
"""With each signal."""

_SEED = random.SystemRandom().randrange(10**6)

needs_bwrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="this machine has no bubblewrap")


def _command(checkpoint_file: Path, output: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "export.export_torchscript", "--no-validate", "--resolution=256"),
        f"--checkpoint={checkpoint_file}",
        f"--output={output}",
    ]


def _start(command: list[str]) -> subprocess.Popen[str]:
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run(command: list[str]) -> tuple[int, str]:
    process = _start(command)
    printed, _ = process.communicate()
    return process.returncode, printed


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def plain(checkpoint_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    """The digest of an undisturbed run, and how long it took."""
    output = tmp_path_factory.mktemp("plain") / "CorridorKey.pt"
    start = time.monotonic()
    status, printed = _run(_command(checkpoint_file, output))
    assert status == 0, printed
    return _digest(output), time.monotonic() - start


@pytest.fixture
def heals(checkpoint_file: Path, plain: tuple[str, float]) -> Callable[[Path], None]:
    """The next plain run succeeds, and leaves nothing but its output."""

    def check(output: Path) -> None:
        status, printed = _run(_command(checkpoint_file, output))
        assert status == 0, printed
        assert [path.name for path in output.parent.iterdir()] == [output.name]
        assert _digest(output) == plain[0]

    return check


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_random_moments(
    number: signal.Signals,
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
    heals: Callable[[Path], None],
    record_property: faults.Recorder,
) -> None:
    moments = random.Random(f"{_SEED} {number}")
    print(f"seed {_SEED}")
    output = tmp_path / "CorridorKey.pt"
    hidden = 0
    fault = f"the export is killed at a random moment: {number.name}"
    with faults.row(record_property, "machine", fault) as row:
        while row.tried < _KILLS:
            output.write_text("old")
            process = _start(_command(checkpoint_file, output))
            time.sleep(moments.uniform(0, plain[1]))
            process.send_signal(number)
            process.communicate()
            if process.returncode == 0:
                continue  # it was done before
            with row.attempt():
                # SIGTERM before Python is told what to do with it, or after.
                assert process.returncode == -number or (
                    number == signal.SIGTERM and process.returncode == 1
                )
                # At the very end the new file is there, whole, and Python is still winding up.
                assert output.read_bytes() == b"old" or _digest(output) == plain[0]
                left = {path.name for path in tmp_path.iterdir()} - {output.name}
                hidden += len(left)
                assert number == signal.SIGKILL or not left
                heals(output)
        row.saw = "the old file; " + (
            f"{hidden} times a hidden folder beside it, which the next run removed"
            if number == signal.SIGKILL
            else "nothing beside it"
        )


@pytest.mark.parametrize("count", [2, 5])
def test_several_at_once_onto_one_file(
    count: int,
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
    heals: Callable[[Path], None],
    record_property: faults.Recorder,
) -> None:
    output = tmp_path / "CorridorKey.pt"
    fault = f"{count} exports at once onto one file"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        processes = [_start(_command(checkpoint_file, output)) for _ in range(count)]
        printed = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == count * [0], printed
        assert [path.name for path in tmp_path.iterdir()] == [output.name]
        assert _digest(output) == plain[0]
        row.saw = "each says that it wrote the file, whose bytes are the usual ones"
        heals(output)


# Runs a command, and fills what is left of the disk as soon as a file is there; then makes room and
# runs it again.
_FILL = """
folder="$1"
fill_at() {
  until compgen -G "$folder/$1" >/dev/null; do sleep 0.002; done
  exec dd if=/dev/zero of="$folder/filler" bs=1M status=none 2>/dev/null
}
fill_at "$2" &
shift 2
"$@" && exit 90
ls -A "$folder" | sed 's/^/left: /'
kill $! 2>/dev/null
rm -f "$folder/filler"
"$@" >/dev/null || exit 91
shopt -s dotglob
exec sha256sum "$folder"/*
"""


def _small_disk(megabytes: int, folder: Path) -> list[str]:
    """A command to put before another, for which the folder is a disk of its own."""
    return [
        *("bwrap", "--dev-bind", "/", "/"),
        *("--size", f"{megabytes}000000", "--tmpfs", str(folder)),
    ]


@needs_bwrap
def test_too_small_a_disk(
    checkpoint_file: Path,
    tmp_path: Path,
    heals: Callable[[Path], None],
    record_property: faults.Recorder,
) -> None:
    output = tmp_path / "CorridorKey.pt"
    with faults.row(record_property, "machine", "too small a disk for the export") as row:
        for megabytes in (1, 50, 300, 500):
            with row.attempt():
                disk = _small_disk(megabytes, tmp_path)
                status, printed = _run([*disk, *_command(checkpoint_file, output)])
                row.saw = printed.splitlines()[-1]
                assert (status, row.saw.partition(":")[0]) == (1, "Error"), printed
                heals(output)


@needs_bwrap
@pytest.mark.parametrize(
    ("fault", "filled_at", "said"),
    [
        # libtorch's message. export/artifact/archive.py asks for the space before, which helps
        # unless another process takes it meanwhile.
        ("the disk fills up while libtorch saves", ".*/*/raw.pt", "c10::Error"),
        ("the disk fills up as the last file is written", ".*/CorridorKey.pt", "No space left"),
    ],
)
def test_the_disk_fills_up(
    fault: str,
    filled_at: str,
    said: str,
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
    record_property: faults.Recorder,
) -> None:
    output = tmp_path / "CorridorKey.pt"
    fill = ["bash", "-c", _FILL, "bash", str(tmp_path), filled_at]
    command = [*_small_disk(700, tmp_path), *fill, *_command(checkpoint_file, output)]
    with faults.row(record_property, "machine", fault) as row:
        for _ in range(3):
            with row.attempt():
                status, printed = _run(command)
                (row.saw,) = {line for line in printed.splitlines() if said in line}
                assert status == 0, printed  # the second run, when there is room
                # What the first run left, sha256sum would find to be a folder.
                assert printed.splitlines()[-1] == f"{plain[0]}  {output}"
                assert "Is a directory" not in printed


def _as_nobody(folder: Path) -> list[str]:
    shutil.chown(folder, 65534, 65534)
    # Bazel's folders may lie in root's HOME, which nobody else may enter: here they lie in another.
    output_base = Path(os.environ["TEST_TMPDIR"].partition("/execroot/")[0])
    *parents, top, _ = map(str, output_base.parents)
    enterable = [("--perms", "0755", "--dir", parent) for parent in reversed(parents)]
    return [
        *("bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", top),
        *itertools.chain(*enterable),
        *("--bind", str(output_base), str(output_base)),
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    ]


def _faketime(offset: str) -> Callable[[Path], list[str]]:
    return lambda _: ["faketime", "-f", offset]


@pytest.mark.parametrize(
    ("fault", "before"),
    [
        (
            "all of the machine but the output's folder is read-only, HOME too",
            lambda folder: [
                *("bwrap", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", "/tmp"),
                *("--bind", str(folder), str(folder)),
            ],
        ),
        ("there is no HOME", lambda _: ["env", "--unset=HOME"]),
        ("HOME with spaces and letters that are not ASCII", lambda _: ["env", "HOME=/höme ö'hara"]),
        ("umask 077", lambda _: ["sh", "-c", 'umask 077; exec "$@"', "sh"]),
        ("the clock is a year behind", _faketime("-365d")),
        ("the clock is a year ahead", _faketime("+365d")),
        pytest.param(
            "an unprivileged user",
            _as_nobody,
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"),
        ),
    ],
)
def test_odd_surroundings(
    fault: str,
    before: Callable[[Path], list[str]],
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
    record_property: faults.Recorder,
) -> None:
    output = tmp_path / "CorridorKey.pt"
    prefix = before(tmp_path)
    if not shutil.which(prefix[0]):
        pytest.skip(f"this machine has no {prefix[0]}")
    for path in (*tmp_path.parents, checkpoint_file, *checkpoint_file.parents):
        if path.is_relative_to(os.environ["TEST_TMPDIR"]):
            path.chmod(0o755)  # another user than this test's is to read it
    with faults.row(record_property, "machine", f"the export: {fault}") as row, row.attempt():
        status, printed = _run([*prefix, *_command(checkpoint_file, output)])
        assert status == 0, printed
        assert [path.name for path in tmp_path.iterdir()] == [output.name]
        assert _digest(output) == plain[0]
        row.saw = "nothing: the usual bytes"
