"""Defines the linters: which files each reads, how it checks them and how it fixes them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from subprocess import CompletedProcess

from python.runfiles import runfiles

from export.common.child_environment import child_environment

_PYTHON_FILES = ("*.py",)
_BAZEL_FILES = ("BUILD.bazel", "MODULE.bazel", "*.bzl")
# Scripts have no suffix.
_BASH_FILES = (
    ".ci/run",
    "tools/bazel",
    "tools/debian_root/common",
    "tools/debian_root/enter",
    "tools/debian_root/make",
    "tools/debian_root/pack",
    "tools/workspace_status",
)


def _runfile(path: str) -> str:
    """Returns the path of a file that Bazel provides."""
    tree = runfiles.Create()
    found: str | None = tree.Rlocation(path) if tree else None
    if not found:
        raise FileNotFoundError(f"there is no {path} in the runfiles of this program")
    return found


_RUFF = (sys.executable, "-m", "ruff")
_BUILDIFIER = _runfile("buildifier/buildifier")
# The program that the wheel installs, beside its empty package.
_SHELLCHECK = next(
    str(program) for path in sys.path if (program := Path(path, "bin/shellcheck")).exists()
)


@dataclass(frozen=True)
class Linter:
    """One linter.

    Attributes:
        name: Name that messages and tests use.
        patterns: Patterns of the names of the files that it reads.
        check: Command that fails if a file is not clean; the files' paths are appended.
        fix: Command that fixes what it can, in place; empty if the linter fixes nothing.
    """

    name: str
    patterns: tuple[str, ...]
    check: tuple[str, ...]
    fix: tuple[str, ...] = ()

    def select(self, files: list[str]) -> list[str]:
        """Returns the files that this linter reads."""
        return [
            file
            for file in files
            if any(PurePath(file).match(pattern) for pattern in self.patterns)
        ]


# `format` runs them in this order: ruff's fixes may leave lines for its formatter.
LINTERS = (
    Linter(
        name="ruff check",
        patterns=_PYTHON_FILES,
        check=(*_RUFF, "check", "--no-cache", "--output-format=concise"),
        fix=(*_RUFF, "check", "--no-cache", "--fix"),
    ),
    Linter(
        name="ruff format",
        patterns=_PYTHON_FILES,
        check=(*_RUFF, "format", "--no-cache", "--diff"),
        fix=(*_RUFF, "format", "--no-cache"),
    ),
    Linter(
        name="mypy",
        patterns=_PYTHON_FILES,
        check=(sys.executable, "-m", "mypy", f"--cache-dir={os.devnull}"),
    ),
    Linter(
        name="buildifier",
        patterns=_BAZEL_FILES,
        check=(_BUILDIFIER, "-mode=diff", "-lint=warn"),
        fix=(_BUILDIFIER, "-mode=fix", "-lint=fix"),
    ),
    Linter(
        name="shellcheck",
        patterns=_BASH_FILES,
        check=(_SHELLCHECK, "--external-sources", "--color=never"),
    ),
)


def source_files() -> list[str]:
    """Returns the path of every file of `//:sources`, relative to the top of the repository."""
    top = Path(_runfile("_main/MODULE.bazel")).parent
    files = []
    for folder, subfolders, names in os.walk(top):
        if Path(folder) == top and "external" in subfolders:
            subfolders.remove("external")  # Bazel puts the files of other repositories there.
        # rules_python 1.7 and later puts these files of its own beside a program.
        subfolders[:] = [name for name in subfolders if not name.endswith(".venv")]
        names = [name for name in names if not name.endswith("_stage2_bootstrap.py")]
        files += [str(Path(folder, name).relative_to(top)) for name in names]
    return sorted(files)


def run(command: tuple[str, ...], files: list[str], top: Path) -> CompletedProcess[str]:
    """Runs a linter's command.

    Args:
        command: `check` or `fix` of a linter.
        files: Paths relative to `top`.
        top: Folder to run in.

    Returns:
        The exit status and the output; stdout holds stderr too.
    """
    return subprocess.run(
        [*command, *files],
        cwd=top,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
