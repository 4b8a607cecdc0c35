"""Starts every program that people run, as Bazel built it."""

import os
import subprocess
from pathlib import Path

import pytest

_PROGRAMS = os.environ["PROGRAMS"].split()


@pytest.mark.parametrize("program", _PROGRAMS, ids=lambda program: Path(program).name)
def test_help_says_how_to_use_it(program: str) -> None:
    process = subprocess.run(
        [Path(program).absolute(), "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("Usage: "), process.stdout
