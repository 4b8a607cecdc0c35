"""The linters: which files each looks at, how it checks them and how it mends them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from subprocess import CompletedProcess

from python.runfiles import runfiles

_PYTHON_FILES = ("*.py",)
_BAZEL_FILES = ("BUILD.bazel", "MODULE.bazel", "*.bzl")

_RUFF = (sys.executable, "-m", "ruff")
_BUILDIFIER = runfiles.Create().Rlocation("buildifier/buildifier")


@dataclass(frozen=True)
class Linter:
    """One tool.

    Attributes:
        name: What a person calls it.
        patterns: Names of the files it looks at.
        check: Command that fails if a file is not clean, before the files.
        fix: Command that mends what it can, before the files; empty where there is none.
    """

    name: str
    patterns: tuple[str, ...]
    check: tuple[str, ...]
    fix: tuple[str, ...] = ()

    def of(self, files: list[str]) -> list[str]:
        """Those of the files that this linter looks at."""
        return [
            file
            for file in files
            if any(PurePath(file).match(pattern) for pattern in self.patterns)
        ]


# In the order that mends: ruff's fixes may leave lines for its formatter.
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
)


def source_files() -> list[str]:
    """Every file of `//:sources`, among the runfiles of this program; relative to the top."""
    top = Path(runfiles.Create().Rlocation("_main/MODULE.bazel")).parent
    files = []
    for folder, subfolders, names in os.walk(top):
        if Path(folder) == top and "external" in subfolders:
            subfolders.remove("external")  # Bazel's folder for the files of other repositories
        files += [str(Path(folder, name).relative_to(top)) for name in names]
    return sorted(files)


def run(command: tuple[str, ...], files: list[str], top: Path) -> CompletedProcess[str]:
    """Runs a linter's command on files that are relative to `top`; its words go to stdout."""
    return subprocess.run(
        [*command, *files],
        cwd=top,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
