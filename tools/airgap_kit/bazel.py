"""Runs a second Bazel on the same workspace, with an output base of its own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from export.common.atomic import replacing


def command() -> list[str]:
    """Returns the command that starts the Bazel that is running.

    The Debian root names it in CORRIDORKEY_BAZEL, Bazelisk in BAZEL_REAL; else it is on PATH.
    """
    inside = os.environ.get("CORRIDORKEY_BAZEL", "").splitlines()
    return inside or [os.environ.get("BAZEL_REAL") or shutil.which("bazel") or "bazel"]


class Bazel:
    """A Bazel with an output base and a repository cache of its own."""

    def __init__(self, workspace: Path, scratch: Path) -> None:
        self._workspace = workspace
        self._scratch = scratch
        self._cache = scratch / "cache"
        self._startup = [*command(), f"--output_base={scratch / 'output_base'}"]

    def prefer(self, registry: str) -> None:
        """Makes Bazel ask a registry first. A flag would come after those in rc files.

        Args:
            registry: URL of the registry.
        """
        first = self._scratch / "bazelrc"
        first.write_text(f"common --registry={registry}\n")
        others = {
            # The second is that of Debian's Bazel, and imports the first one.
            "--nosystem_rc": [Path("/etc/bazel.bazelrc"), Path("/etc/bazel/bazelrc")],
            "--noworkspace_rc": [self._workspace / ".bazelrc"],
            "--nohome_rc": [Path.home() / ".bazelrc"],
        }
        self._startup.append(f"--bazelrc={first}")
        for flag, paths in others.items():
            # Debian's own file names no registry. Alone it keeps its place, or stays turned off.
            if flag not in self._startup and paths[0].exists():
                self._startup += [flag, *(f"--bazelrc={path}" for path in paths if path.exists())]

    def run(self, *arguments: str) -> str:
        """Runs a command and returns its output, stdout and stderr together."""
        return subprocess.run(
            [*self._startup, *arguments],
            cwd=self._workspace,
            # A registry on loopback is reached directly, even if the machine has a proxy.
            env={"no_proxy": "127.0.0.1"} | os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout

    def fetch(self, repository: str, *flags: str) -> str:
        """Fetches a repository and returns Bazel's output. `take` then returns the downloads."""
        cache = f"--repository_cache={self._cache}"
        return self.run("fetch", "--noshow_progress", cache, f"--repo={repository}", *flags)

    def take(self, sha256: str, path: Path) -> bool:
        """Copies a downloaded file, whose digest Bazel has checked.

        Args:
            sha256: Digest of the file.
            path: Path of the copy. Its folder is created.

        Returns:
            Whether the file was downloaded.
        """
        downloaded = self._cache / "content_addressable/sha256" / sha256 / "file"
        if not downloaded.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            shutil.copyfile(downloaded, partial)
        return True


@contextlib.contextmanager
def start(workspace: Path) -> Iterator[Bazel]:
    """Runs a Bazel for a `with` block, and removes all its files afterwards."""
    with tempfile.TemporaryDirectory(prefix="airgap-kit-", ignore_cleanup_errors=True) as scratch:
        bazel = Bazel(workspace, Path(scratch))
        try:
            yield bazel
        finally:
            bazel.run("shutdown")
