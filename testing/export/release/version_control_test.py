"""tools/workspace_status in real git repositories, and the .vcs.json that is made from it."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from export.release import write_version_control

SCRIPT = Path("tools/workspace_status").absolute()


def git(folder: Path, *arguments: str) -> str:
    """Runs git with a fixed identity."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def details(folder: Path) -> dict[str, Any]:
    """Returns the version control details of a release that is built in a folder."""
    result = subprocess.run(
        [SCRIPT],
        cwd=folder,
        # The sandbox of this test may be inside a repository.
        env={"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    tar = folder.parent / "CorridorKey-1.0.tar"
    tar.write_bytes(b"abc")
    made = write_version_control.version_control(result.stdout, tar)
    assert made.pop("release") == {
        "file": "CorridorKey-1.0.tar",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "bytes": 3,
    }
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Returns a repository with one commit on its branch `work`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--initial-branch=work")
    (folder / "file").write_text("content")
    git(folder, "add", "file")
    git(folder, "commit", "--message=first")
    return folder


def test_clean_repository(repository: Path) -> None:
    assert details(repository) == {
        "commit": git(repository, "rev-parse", "HEAD"),
        "dirty": False,
        "branch": "work",
        "remote": None,
    }


@pytest.mark.parametrize("name", ["file", "new"])
def test_change_makes_it_dirty(name: str, repository: Path) -> None:
    (repository / name).write_text("changed")
    assert details(repository)["dirty"] is True


def test_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "--detach")
    assert details(repository)["branch"] is None
    assert details(repository)["commit"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a.git", "https://example.com/a.git"),
        ("https://user:pass@word@example.com/a.git", "https://example.com/a.git"),
        ("https://token@example.com/a@b.git", "https://example.com/a@b.git"),
        ("https://example.com/a.git?token=secret", "https://example.com/a.git"),
        ("ssh://git@example.com:22/a.git", "ssh://example.com:22/a.git"),
        ("git@example.com:a.git", "git@example.com:a.git"),
    ],
)
def test_remote_has_no_credentials(url: str, shown: str, repository: Path) -> None:
    git(repository, "remote", "add", "origin", url)
    assert details(repository)["remote"] == shown


def test_remote_is_that_of_the_branch(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://example.com/origin")
    git(repository, "remote", "add", "studio", "https://example.com/studio")
    git(repository, "config", "branch.work.remote", "studio")
    assert details(repository)["remote"] == "https://example.com/studio"


def test_folder_without_git_gives_nulls(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    assert details(folder) == {"commit": None, "dirty": None, "branch": None, "remote": None}


def test_machine_without_git_gives_nothing(repository: Path) -> None:
    result = subprocess.run(
        ["/bin/bash", SCRIPT],
        cwd=repository,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == ""


def test_the_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "status").write_text("BUILD_EMBED_LABEL \nSTABLE_GIT_DIRTY true\n")
    (tmp_path / "a.tar").touch()
    names = [str(tmp_path / name) for name in ("status", "a.tar", "out.json")]
    monkeypatch.setattr(sys, "argv", ["write", *names])
    runpy.run_path(write_version_control.__file__, run_name="__main__")
    assert json.loads((tmp_path / "out.json").read_text())["dirty"] is True
