"""A Bazel beside the one that runs, on the same workspace, with an output base of its own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from export.common.atomic import replacing


def command() -> list[str]:
    """How to start Bazel as the running one was: the air-gapped root says, or Bazelisk, or PATH."""
    inside = os.environ.get("CORRIDORKEY_BAZEL", "").splitlines()
    return inside or [os.environ.get("BAZEL_REAL") or shutil.which("bazel") or "bazel"]


class Bazel:
    """One Bazel, and what it downloads.

    Attributes:
        external: Where its repositories are.
    """

    def __init__(self, workspace: Path, scratch: Path) -> None:
        self.external = scratch / "output_base/external"
        self._workspace = workspace
        self._cache = scratch / "cache"
        self._startup = [*command(), f"--output_base={scratch / 'output_base'}"]

    def run(self, *arguments: str) -> str:
        """Runs a command; returns what it says."""
        return subprocess.run(
            [*self._startup, *arguments],
            cwd=self._workspace,
            # For a registry on loopback, even where all else goes by way of a proxy.
            env={"no_proxy": "127.0.0.1"} | os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout

    def fetch(self, repository: str, *flags: str) -> str:
        """Fetches a repository; returns what Bazel says, and `take` gives what it downloaded."""
        cache = f"--repository_cache={self._cache}"
        return self.run("fetch", "--noshow_progress", cache, f"--repo={repository}", *flags)

    def take(self, sha256: str, path: Path) -> bool:
        """Copies a file that was downloaded, whose digest Bazel has checked.

        Args:
            sha256: Which file.
            path: Where to; its folder is made too.

        Returns:
            Whether it was downloaded.
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
    """Runs a Bazel for a `with` block; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="airgap-kit-", ignore_cleanup_errors=True) as scratch:
        bazel = Bazel(workspace, Path(scratch))
        try:
            yield bazel
        finally:
            bazel.run("shutdown")
