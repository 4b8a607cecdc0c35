"""Runs a Bazel in which @corridorkey_green is a checkpoint of 16 kB."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from testing import nested_bazel

WEIGHTS = b"\x08\x00\x00\x00\x00\x00\x00\x00{}" + bytes(range(256)) * 64
"""The checkpoint."""

_PUBLISHED = "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b"


@contextlib.contextmanager
def start(scratch: Path, *startup: str) -> Iterator[nested_bazel.Bazel]:
    """Runs a Bazel for a `with` block, as `nested_bazel.start` does.

    Args:
        scratch: Empty folder for the workspace and everything that Bazel writes.
        *startup: Further startup options.
    """
    with nested_bazel.start(scratch, startup=startup) as bazel:
        pins = scratch / "workspace/third_party/checkpoints/checkpoints.bzl"
        text = pins.read_text()
        assert text.count(_PUBLISHED) == 1
        pins.chmod(0o644)
        pins.write_text(text.replace(_PUBLISHED, hashlib.sha256(WEIGHTS).hexdigest()))
        yield bazel


def fetch(
    bazel: nested_bazel.Bazel, source: str, *flags: str, cache: str | Path = ""
) -> tuple[int, str]:
    """Fetches the checkpoint from `source`, and returns Bazel's exit status and output.

    Args:
        bazel: Bazel from `start`.
        source: Value of CORRIDORKEY_GREEN: a file, a URL, or "" for the hub.
        *flags: Further flags.
        cache: Repository cache. Without one, Bazel fetches from `source` each time.
    """
    result = bazel(
        "query",
        "@corridorkey_green//:all",
        f"--repository_cache={cache}",
        "--http_connector_attempts=1",
        f"--repo_env=CORRIDORKEY_GREEN={source}",
        *flags,
    )
    return result.returncode, result.stdout


def assert_one_message(output: str, problem: str) -> None:
    """Asserts that one message names the checkpoint, the problem and three ways to supply it."""
    assert output.count(f"Checkpoint @corridorkey_green: {problem}") == 1, output
    message = output.split("Checkpoint @corridorkey_green:")[1]
    for way in ("1. a local copy:", "2. a mirror:", "3. the hub:", "--config=demo"):
        assert message.count(way) == 1, output
