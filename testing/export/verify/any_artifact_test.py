"""Whatever verify is given for an artefact, torch sees none that is hostile.

verify loads a file in a child process, and has no torch itself: the tests watch for the child.
"""

import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from export.verify.archive_check import MANIFEST, ArchiveError, check_archive
from export.verify.verify import main
from testing.depth import DEPTH
from testing.export.verify.small_artifact import CODE, rewrite, write_small_artifact
from testing.hostile.archives import DATA, HOSTILE

_started: list[list[str]] = []
"""Command lines of the children of this process, as the interpreter itself reports them."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _started.append(list(map(str, arguments[1])))


sys.addaudithook(_watch)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("any_artifact") / "CorridorKey.pt"
    write_small_artifact(path)
    return path


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm, without a manifest beside it."""
    return Path(shutil.copy(good, tmp_path))


@contextmanager
def loads() -> Iterator[list[list[str]]]:
    """Yields the processes that were started to load a file."""
    probes: list[list[str]] = []
    before = len(_started)
    yield probes
    probes += [
        command for command in _started[before:] if "export.verify.artifact_probe" in command
    ]


def verify(path: Path) -> dict[str, Any]:
    """The verdict of the command line, which exits accordingly."""
    result = CliRunner().invoke(main, [str(path), "--no-probe", "--json"])
    verdict: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if verdict["verified"] else 1)
    return verdict


def test_good_file_is_loaded_and_verified(path: Path) -> None:
    with loads() as probes:
        verdict = verify(path)
    assert verdict["verified"], verdict
    assert len(probes) == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("harm", "message"), [pytest.param(harm, message, id=name) for name, harm, message in HOSTILE]
)
def test_hostile_archive_is_refused_unloaded(
    harm: Callable[[Path], object], message: str, path: Path
) -> None:
    check_archive(path)
    harm(path)
    content, beside = path.read_bytes(), set(path.parent.iterdir())
    with loads() as probes:
        verdict = verify(path)
    (check,) = (check for check in verdict["checks"] if check["outcome"] == "refused")
    assert check["name"] == "archive"
    assert re.search(message, check["detail"])
    assert not probes
    assert path.read_bytes() == content
    assert set(path.parent.iterdir()) == beside


@pytest.mark.parametrize("fault", ["a name that leads elsewhere", "a record twice", "a zip bomb"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_verify_needs_no_torch_to_refuse(fault: str, path: Path) -> None:
    harm = next(harm for name, harm, _ in HOSTILE if name == fault)
    harm(path)
    without_torch = (
        "import sys; sys.modules['torch'] = None; import export.verify.verify as v; v.main()"
    )
    process = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {without_torch}", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1, process.stderr
    assert process.stdout.splitlines()[-1].startswith("REFUSED: ")


def test_megabyte_of_opcodes_is_no_work(path: Path) -> None:
    # Half an hour of work, where what it takes grows with the square of the size.
    rewrite(path, DATA, b"\x80\x02", b"\x80\x02" + b"N" * 300_000 + b"(t" * 300_000)
    with loads() as probes:
        verify(path)
    assert len(probes) == 1  # it is a sound pickle, and libtorch has its own limits


def damage(path: Path, dice: random.Random) -> None:
    """Flips bits in one record that is no tensor, and mends its checksum."""
    name = dice.choice([DATA, DATA, CODE, MANIFEST])
    with zipfile.ZipFile(path) as archive:
        old = archive.read(name)
    new = bytearray(old)
    for _ in range(dice.choice((1, 1, 3))):
        new[dice.randrange(len(new))] ^= 1 << dice.randrange(8)
    rewrite(path, name, old, bytes(new))


def test_damage_with_its_checksum_mended(good: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    path = tmp_path / good.name
    loaded = 0
    for _ in range(200 * DEPTH):
        shutil.copy(good, path)
        damage(path, dice)
        try:
            check_archive(path)
        except ArchiveError:
            continue
        # What is left is for the child to judge; that takes seconds, so a few do.
        if loaded < 3 * DEPTH:
            loaded += 1
            verify(path)
    assert loaded == 3 * DEPTH
