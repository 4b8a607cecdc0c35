"""Runs `tools/bazel` on a machine with no interface but loopback, and an empty home."""

import os
import shutil
import subprocess
from pathlib import Path

# Each call has a network of its own, in which it cannot reach the server of the call before.
_THEN_SHUT_DOWN = 'tools/bazel "$@"; status=$?; tools/bazel shutdown; exit $status'


class Machine:
    """A machine with no network. It has no Bazel on PATH, unless BAZEL_REAL names a Bazel.

    Args:
        clone: Folder in which the commands run.
        home: Its home, an empty folder.
        variables: Further environment variables.
    """

    def __init__(self, clone: Path, home: Path, **variables: str) -> None:
        self._clone = clone
        self._home = home
        self._variables = {"HOME": str(home), "PATH": os.environ["PATH"], **variables}

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script in bash; its result has stdout and stderr together in `stdout`."""
        changes = []
        # BAZEL_REAL may be a script that runs the Debian root's Bazel, whose Java needs its /etc.
        if "BAZEL_REAL" not in self._variables:
            for path in filter(None, map(shutil.which, ("bazel", "bazelisk"))):
                changes += ["--ro-bind", "/dev/null", path]
            # Inside a Debian root, the host's users and names are in /host-etc.
            changes += ["--ro-bind-try", "/host-etc", "/etc"]
        return subprocess.run(
            [
                *("bwrap", "--dev-bind", "/", "/", "--unshare-net", *changes),
                *("bash", "-c", script, "bash", *arguments),
            ],
            cwd=self._clone,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def bazel(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs `tools/bazel`, and ends its server."""
        return self.run(_THEN_SHUT_DOWN, *arguments)

    def remove(self) -> None:
        """Removes what Bazel keeps in the home."""
        self.bazel("clean", "--expunge")
        # Not left to Bazel, which cannot remove names that are not ASCII.
        shutil.rmtree(self._home)
