"""A program starts where the user is, and SIGTERM ends it as Ctrl-C does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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


def run(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *args],
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
