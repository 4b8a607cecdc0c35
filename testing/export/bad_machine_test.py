"""The exporter on a bad machine: killed, short of memory, on a full disk, in odd environments.

After each fault, the next plain run must succeed without help, write the same bytes as an
undisturbed run, and leave nothing else in the folder.
"""

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

from export.common.digests import sha256

_KILLS = 25
"""Number of kills with each signal."""

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
    return sha256(path)


@pytest.fixture(scope="module")
def plain(checkpoint_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    """Returns the digest of an undisturbed run, and its duration in seconds."""
    output = tmp_path_factory.mktemp("plain") / "CorridorKey.pt"
    start = time.monotonic()
    status, printed = _run(_command(checkpoint_file, output))
    assert status == 0, printed
    return _digest(output), time.monotonic() - start


@pytest.fixture
def heals(checkpoint_file: Path, plain: tuple[str, float]) -> Callable[[Path], None]:
    """Returns a check that the next plain run succeeds and leaves only its output."""

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
) -> None:
    moments = random.Random(f"{_SEED} {number}")
    print(f"seed {_SEED}")
    output = tmp_path / "CorridorKey.pt"
    kills = 0
    while kills < _KILLS:
        output.write_text("old")
        process = _start(_command(checkpoint_file, output))
        time.sleep(moments.uniform(0, plain[1]))
        process.send_signal(number)
        process.communicate()
        if process.returncode == 0:
            continue  # It finished before the signal.
        kills += 1
        # SIGTERM ends Python itself until command_line.run handles it.
        assert process.returncode == -number or (
            number == signal.SIGTERM and process.returncode == 1
        )
        # If the signal came at the very end, the new file is complete.
        assert output.read_bytes() == b"old" or _digest(output) == plain[0]
        left = {path.name for path in tmp_path.iterdir()} - {output.name}
        assert number == signal.SIGKILL or not left
        heals(output)


@pytest.mark.parametrize("count", [2, 5])
def test_several_at_once_onto_one_file(
    count: int,
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
    heals: Callable[[Path], None],
) -> None:
    output = tmp_path / "CorridorKey.pt"
    processes = [_start(_command(checkpoint_file, output)) for _ in range(count)]
    printed = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == count * [0], printed
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    assert _digest(output) == plain[0]
    heals(output)


# Runs a command and fills the disk as soon as a file appears; then makes room and runs it again.
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
    """Returns a command prefix that mounts a disk of this size on the folder."""
    return [
        *("bwrap", "--dev-bind", "/", "/"),
        *("--size", f"{megabytes}000000", "--tmpfs", str(folder)),
    ]


@needs_bwrap
def test_too_small_a_disk(
    checkpoint_file: Path,
    tmp_path: Path,
    heals: Callable[[Path], None],
) -> None:
    output = tmp_path / "CorridorKey.pt"
    for megabytes in (1, 50, 300, 500):
        disk = _small_disk(megabytes, tmp_path)
        status, printed = _run([*disk, *_command(checkpoint_file, output)])
        assert status == 1
        assert printed.splitlines()[-1].startswith("Error:"), printed
        heals(output)


@needs_bwrap
@pytest.mark.parametrize(
    ("filled_at", "message"),
    [
        # libtorch's message. export/artifact/archive.py checks the space beforehand, which does
        # not help if another process takes it meanwhile.
        pytest.param(".*/*/raw.pt", "c10::Error", id="while libtorch saves"),
        pytest.param(".*/CorridorKey.pt", "No space left", id="as the last file is written"),
    ],
)
def test_the_disk_fills_up(
    filled_at: str,
    message: str,
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
) -> None:
    output = tmp_path / "CorridorKey.pt"
    fill = ["bash", "-c", _FILL, "bash", str(tmp_path), filled_at]
    command = [*_small_disk(700, tmp_path), *fill, *_command(checkpoint_file, output)]
    for _ in range(3):
        status, printed = _run(command)
        assert message in printed
        assert status == 0, printed  # The second run, with enough room, succeeded.
        # sha256sum would report a folder that the first run had left.
        assert printed.splitlines()[-1] == f"{plain[0]}  {output}"
        assert "Is a directory" not in printed


def _as_nobody(folder: Path) -> list[str]:
    shutil.chown(folder, 65534, 65534)
    # Other users cannot enter root's HOME, where Bazel's folders may be: mount them elsewhere.
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
    "before",
    [
        pytest.param(
            lambda folder: [
                *("bwrap", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", "/tmp"),
                *("--bind", str(folder), str(folder)),
            ],
            id="read-only but for the output's folder",
        ),
        pytest.param(lambda _: ["env", "--unset=HOME"], id="no HOME"),
        pytest.param(lambda _: ["env", "HOME=/höme ö'hara"], id="HOME that is not ASCII"),
        pytest.param(lambda _: ["sh", "-c", 'umask 077; exec "$@"', "sh"], id="umask 077"),
        pytest.param(_faketime("-365d"), id="the clock is a year behind"),
        pytest.param(_faketime("+365d"), id="the clock is a year ahead"),
        pytest.param(
            _as_nobody,
            id="an unprivileged user",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user"),
        ),
    ],
)
def test_odd_environments(
    before: Callable[[Path], list[str]],
    checkpoint_file: Path,
    tmp_path: Path,
    plain: tuple[str, float],
) -> None:
    output = tmp_path / "CorridorKey.pt"
    prefix = before(tmp_path)
    if not shutil.which(prefix[0]):
        pytest.skip(f"this machine has no {prefix[0]}")
    for path in (*tmp_path.parents, checkpoint_file, *checkpoint_file.parents):
        if path.is_relative_to(os.environ["TEST_TMPDIR"]):
            path.chmod(0o755)  # Another user reads it.
    status, printed = _run([*prefix, *_command(checkpoint_file, output)])
    assert status == 0, printed
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    assert _digest(output) == plain[0]
