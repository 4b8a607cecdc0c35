"""Makes a clone of this checkout, with a Bazel that logs what ran each action.

with clone.start(folder) as a_clone:
    a_clone.connect("remote-cache-endpoint", "--remote_cache=grpc://127.0.0.1:8980")
    build = a_clone.build("//export:corridorkey_pt", "--config=remote-cache")
    assert build.runners["linux-sandbox"] == 0
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testing import nested_bazel
from testing.servers import java_truststore

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Spawn:
    """One action that was run, or taken from the cache.

    Attributes:
        target: Label of its target.
        runner: `linux-sandbox`, `remote` or `remote cache hit`.
        seconds: Duration of each part: `totalTime`, `executionWallTime`, `uploadTime`, ...
    """

    target: str
    runner: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class Build:
    """A build that succeeded.

    Attributes:
        output: Output of Bazel, stdout and stderr.
        spawns: Actions, without those that are internal to Bazel.
        seconds: Duration of the command.
    """

    output: str
    spawns: list[Spawn]
    seconds: float

    @property
    def runners(self) -> Counter[str]:
        """Returns the number of actions of each runner."""
        return Counter(spawn.runner for spawn in self.spawns)


@dataclass(frozen=True)
class Clone:
    """A clone and its Bazel.

    Attributes:
        workspace: Top folder of the clone.
        bazel: Runs a Bazel command in it.
    """

    workspace: Path
    bazel: nested_bazel.Bazel

    def connect(self, config: str, endpoint: str) -> None:
        """Writes user.bazelrc as tools/REMOTE.md says."""
        (self.workspace / "user.bazelrc").write_text(f"build:{config} {endpoint}\n")

    def forget(self) -> None:
        """Removes what was built and keeps what was downloaded."""
        assert self.bazel("clean").returncode == 0

    def build(self, *arguments: str, command: str = "build") -> Build:
        """Builds with stand-in weights, and fails the test if that fails.

        Args:
            *arguments: Targets and flags.
            command: `build` or `test`.
        """
        log = self.workspace.parent / "execution.json"
        options = ["--config=ci", "--config=untrained", f"--execution_log_json_file={log}"]
        start = time.monotonic()
        result = self.bazel(command, *options, *arguments)
        seconds = time.monotonic() - start
        print(f"$ bazel {command} {' '.join(arguments)}\n{result.stdout}")
        assert result.returncode == 0
        return Build(result.stdout, list(_spawns(log.read_text())), seconds)

    def digest(self, path: str) -> str:
        """Returns the SHA-256 of an output, given its path below bazel-bin."""
        with (self.workspace / "bazel-bin" / path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _spawns(log: str) -> Iterator[Spawn]:
    """Reads an execution log, which is a sequence of JSON objects."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(log):
        entry, position = decoder.raw_decode(log, position)
        position = re.compile(r"\s*").match(log, position).end()  # type: ignore[union-attr]
        times = {
            name: float(value.removesuffix("s"))
            for name, value in entry.get("metrics", {}).items()
            if name.endswith("Time") and name != "startTime"
        }
        yield Spawn(entry["targetLabel"], entry["runner"], times)


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Clone]:
    """Clones this checkout for a `with` block; nothing is downloaded or built yet.

    Args:
        folder: New folder for the clone and everything that its Bazel writes; removed at the end.

    Yields:
        The clone.
    """
    folder.mkdir(parents=True)
    startup = []
    if _CERTIFICATES.exists():
        startup.append(java_truststore.startup_option(_CERTIFICATES, folder))
    parts = os.environ["SOURCES"].split()
    try:
        with nested_bazel.start(folder, parts=parts, startup=startup) as bazel:
            yield Clone(folder / "workspace", bazel)
    finally:
        # Bazel makes the folders of outputs read-only.
        subprocess.run(["chmod", "--recursive", "u+w", folder], check=True)
        shutil.rmtree(folder)
