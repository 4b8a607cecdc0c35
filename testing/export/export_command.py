"""Runs the exporter at 256, in this process or in a new one."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from export.export_torchscript import main


def export(checkpoint_file: Path, output: Path, *options: str | Path) -> Result:
    """Runs an export in this process."""
    arguments = ["--checkpoint", checkpoint_file, "--output", output, "--resolution=256", *options]
    return CliRunner().invoke(main, list(map(str, arguments)))


def start(
    checkpoint_file: Path, output: Path, *options: str | Path, **settings: str
) -> subprocess.Popen[str]:
    """Starts an export in a new process, with environment settings."""
    arguments = ["--checkpoint", checkpoint_file, "--output", output, "--resolution=256", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "export.export_torchscript", *arguments],
        cwd=output.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def failure(result: Result, folder: Path) -> str:
    """Returns the message of a run that failed with status 1 and left nothing in the folder."""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert not list(folder.iterdir())
    return result.stderr.removeprefix("Error: ")
