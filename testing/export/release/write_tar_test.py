"""The program that writes a release's tar: the whole tar, or one message and none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from export.release.canonical_tar import check_canonical


def run(folder: Path, tar: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.run(
        [sys.executable, "-m", "export.release.write_tar", folder, tar],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a small release whose file is a link, as in Bazel's sandbox."""
    folder = tmp_path / "CorridorKey-1.0"
    folder.mkdir()
    (tmp_path / "elsewhere").write_text("abc")
    (folder / "CorridorKey.pt").symlink_to(tmp_path / "elsewhere")
    return folder


def test_tar_of_a_folder(folder: Path, tmp_path: Path) -> None:
    tar = tmp_path / "out.tar"
    result = run(folder, tar)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert list(check_canonical(tar)) == ["CorridorKey.pt"]


def test_folder_without_a_canonical_tar_is_one_message(folder: Path, tmp_path: Path) -> None:
    tar = tmp_path / "out.tar"
    (folder / "a b").touch()
    result = run(folder, tar)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{tar} is not written, because of {folder}: ")
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [folder, tmp_path / "elsewhere"]
