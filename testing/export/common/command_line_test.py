"""A program starts where the user is, ends by SIGTERM as by Ctrl-C, and prints any text."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from export.common import command_line

def main():
    try:
        print(os.getcwd(), flush=True)
        if "wait" in sys.argv:
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        print("cleaned up", flush=True)

command_line.run(main)
"""


COMMAND = """
import click
from export.common import command_line

@click.command()
@click.argument("name")
def main(name):
    click.echo(name)

command_line.run(main)
"""


def run(
    *args: str, cwd: Path, program: str = PROGRAM, **environment: str
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        cwd=cwd,
        env={"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_relative_paths_start_where_the_user_is(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    result = run(cwd=tmp_path, BUILD_WORKING_DIRECTORY=str(tmp_path / "user"))
    assert result.stdout == f"{tmp_path}/user\ncleaned up\n"


def test_without_bazel_the_directory_stays(tmp_path: Path) -> None:
    assert run(cwd=tmp_path).stdout == f"{tmp_path}\ncleaned up\n"


def test_sigterm_cleans_up_as_ctrl_c_does(tmp_path: Path) -> None:
    result = run("wait", cwd=tmp_path)
    assert result.stdout.endswith("cleaned up\n")
    assert "KeyboardInterrupt" in result.stderr
    assert result.returncode == -signal.SIGINT


@pytest.mark.parametrize("args", [("a.pt", "\x1b[2JVERIFIED"), ("--\x1b[2J", "a.pt")])
def test_a_wrong_command_line_is_quoted_without_control_characters(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    result = run(*args, cwd=tmp_path, program=COMMAND)
    assert result.returncode == 2
    assert "\x1b" not in result.stderr
    assert "\\x1b[2J" in result.stderr


def test_text_that_the_terminal_lacks_is_printed_as_an_escape(tmp_path: Path) -> None:
    result = run("日.pt", cwd=tmp_path, program=COMMAND, PYTHONIOENCODING="cp1252")
    assert (result.returncode, result.stdout) == (0, "\\u65e5.pt\n")
