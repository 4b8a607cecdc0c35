"""Runs a Bazel inside a test, in a scratch copy of a module.

    with nested_bazel.start(tmp_path) as bazel:
        result = bazel("query", "@corridorkey_green//:all", "--repo_env=CORRIDORKEY_GREEN=/nowhere")
        assert "there is no such file" in result.stdout

By default the copy holds MODULE.bazel, .bazelrc, third_party and tools of this module, so that the
test runs the real repository rules.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

RUNFILES = Path(__file__).absolute().parent.parent
"""Top of the tree that contains this file: a test's runfiles.

Links in the path are not resolved, so that the test finds only what it declares.
"""

SKELETON = ("MODULE.bazel", "BUILD.bazel", ".bazelrc", "third_party", "tools")
"""The parts of this module that its repository rules need; `//:skeleton` provides them."""

_DEBIAN_BAZEL = Path("/usr/share/bazel/build-label.txt")

Bazel = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs a command line and returns its result, with stdout and stderr together in `stdout`."""


def not_sources(folder: str, names: list[str]) -> list[str]:
    """Returns what Bazel built or fetched: `shutil.copytree(RUNFILES, clone, ignore=not_sources)`.

    A clone with it would have a test's own program as a source, on which the test depends.

    Args:
        folder: A folder of the runfiles.
        names: Names in the folder.
    """
    paths = [Path(folder, name) for name in names]
    built = [
        path.name for path in paths if path.is_symlink() and "bazel-out" in path.resolve().parts
    ]
    return [*built, "external"]


def _is_debian() -> bool:
    """Returns whether Bazel is the one of the Debian root. Bazelisk may run there too."""
    return not os.environ.get("BAZEL_REAL") and _DEBIAN_BAZEL.exists()


def command() -> list[str]:
    """Returns the command that starts Bazel: Bazelisk's, or the one on PATH."""
    bazel = [os.environ.get("BAZEL_REAL") or shutil.which("bazel") or "bazel", "--nohome_rc"]
    if _is_debian():
        bazel.append(f"--bazelrc={RUNFILES / 'tools/debian_root/bazelrc'}")
    return bazel


@contextlib.contextmanager
def start(
    scratch: Path,
    module: Path = RUNFILES,
    parts: Iterable[str] = SKELETON,
    startup: Iterable[str] = (),
) -> Iterator[Bazel]:
    """Runs a Bazel server for a `with` block.

    Args:
        scratch: Empty folder for the workspace, the output base and the repository cache.
        module: Top of the module to copy.
        parts: Files and folders of the module to copy.
        startup: Further startup options.

    Yields:
        A function that runs one Bazel command in the workspace, `scratch / "workspace"`.

    Raises:
        FileNotFoundError: There is no Bazel.
        pytest.skip.Exception: Bazel has no modules. It is not in the Debian root, which has
            them, and it cannot reach a registry.
    """
    workspace = scratch / "workspace"
    for name in parts:
        source = module / name
        target = workspace / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=not_sources)
        else:
            shutil.copy(source, target)

    options = [f"--output_user_root={scratch / 'bazel'}", "--max_idle_secs=60", *startup]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command(), *options, *arguments],
            cwd=workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    try:
        if not _is_debian():
            result = run("mod", "dump_repo_mapping", "")
            if result.returncode:
                reason = result.stdout.strip().rpartition("ERROR: ")[2]
                pytest.skip(f"Bazel cannot resolve its modules in a test: {reason}")
        yield run
    finally:
        run("shutdown")
