"""Checks every source file with every linter, and that each linter refuses an unclean file."""

import os
from pathlib import Path

import pytest

from tools.lint import check, linters

_FILES = linters.source_files()
_each_linter = pytest.mark.parametrize("linter", linters.LINTERS, ids=lambda linter: linter.name)

_ROOMS = {"export", "testing", "third_party", "tools", "wrapper"}
_TOP_FILES = {"BUILD.bazel", "LICENSE", "MODULE.bazel", "README.md"}

_UNCLEAN = {
    "ruff check": ("unclean.py", "import os\n"),
    "ruff format": ("unclean.py", "x=1\n"),
    "mypy": ("unclean.py", 'x: int = "one"\n'),
    "buildifier": ("BUILD.bazel", 'load("//:a.bzl", "unused")\n'),
    "shellcheck": (".ci/run", "#!/bin/bash\ncd $1\n"),
}


@_each_linter
def test_every_source_file_is_clean(linter: linters.Linter) -> None:
    files = linter.select(_FILES)
    assert files
    result = linters.run(linter.check, files, Path.cwd())
    assert result.returncode == 0, result.stdout


@_each_linter
def test_an_unclean_file_is_refused(linter: linters.Linter, tmp_path: Path) -> None:
    name, text = _UNCLEAN[linter.name]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert linter.name in check.check([name], tmp_path)
    assert (tmp_path / name).read_text() == text


def test_every_bash_script_is_checked() -> None:
    (shellcheck,) = (linter for linter in linters.LINTERS if linter.name == "shellcheck")
    scripts = {name for name in _FILES if Path(name).read_bytes()[:16] == b"#!/usr/bin/env b"}
    scripts.discard(os.environ["TEST_BINARY"])  # Bazel starts this test with a bash script.
    assert scripts <= set(shellcheck.select(_FILES))


def test_a_clean_file_passes(tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text('"""Does nothing."""\n')
    assert check.check(["clean.py"], tmp_path) == []


def test_the_top_holds_the_rooms_and_nothing_else() -> None:
    tops = {Path(file).parts[0] for file in _FILES}
    assert {top for top in tops if not top.startswith(".")} == _ROOMS | _TOP_FILES
