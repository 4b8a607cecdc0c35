"""Provides a machine of stand-ins: a copy of tools/ and a PATH with few commands."""

import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

_TOOLS = pathlib.Path("tools").resolve()

# Commands that behave the same on every machine. apt-get, sudo and the like are not among them.
_REAL_COMMANDS = (
    "awk bash cat chmod cp date df dirname env find flock grep gzip id ln mkdir mktemp mv readlink "
    "rm sed setpriv sha256sum sleep tail tar touch true"
)


Result = subprocess.CompletedProcess[str]


class Machine:
    """A folder with a workspace, a home and a PATH of its own.

    Attributes:
        folder: Holds everything of the machine.
        workspace: A clone: tools/, .bazelversion and an empty MODULE.bazel.
        commands: The only folder on PATH.
        log: One line for each call of a stand-in.
        home: HOME.
        cache: Folder in which tools/bazel keeps its roots.
        environment: Environment of every command.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.workspace = folder / "work space"
        self.commands = folder / "commands"
        self.log = folder / "log"
        self.home = folder / "home of o'hara"
        self.cache = self.home / ".cache" / "corridorkey-nuke"
        self.environment = {"HOME": str(self.home), "PATH": str(self.commands)}

        shutil.copytree(_TOOLS, self.workspace / "tools")
        (self.workspace / ".bazelversion").write_text("7.7.1\n")
        (self.workspace / "MODULE.bazel").touch()
        # A clone that was built before, so that no test depends on this machine's free disk space.
        (self.workspace / "bazel-out").mkdir()
        self.home.mkdir()
        self.commands.mkdir()
        self.log.touch()
        for name in _REAL_COMMANDS.split():
            real = shutil.which(name)
            assert real, f"{name} is not on this machine"
            (self.commands / name).symlink_to(real)

    def stand_in(self, path: str | pathlib.Path, body: str) -> pathlib.Path:
        """Replaces a command by a bash script that logs its calls; returns the script's path."""
        path = self.commands / path
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/bash\necho "{path.name} $*" >>"{self.log}"\n{body}\n')
        path.chmod(0o755)
        return path

    def calls(self, start: str) -> list[str]:
        """Returns the logged calls that begin with `start`."""
        return [line for line in self.log.read_text().splitlines() if line.startswith(start)]

    def start(self, *command: str | pathlib.Path, **options: Any) -> subprocess.Popen[str]:
        """Starts a command in a session of its own, in which SIGINT has its default effect."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            command,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **{"env": self.environment, "cwd": self.workspace, **pipes, **options},
        )

    def run(self, *command: str | pathlib.Path, stdin: str = "", **options: Any) -> Result:
        """Runs a command and waits for its end."""
        with self.start(*command, **options) as process:
            stdout, stderr = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until the condition is true; fails after 30 seconds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.01)


def first_line(process: subprocess.Popen[str]) -> str:
    """Waits for the first line that a process writes to stderr, and returns it."""
    assert process.stderr
    return process.stderr.readline()


def signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends a signal to every process of the group, as Ctrl-C does."""
    os.killpg(process.pid, number)


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    """Returns a machine whose PATH has only the commands that every machine has."""
    return Machine(tmp_path)
