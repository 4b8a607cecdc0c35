"""A Bazel inside a test: real repository rules, in a scratch copy of a module.

    with nested_bazel.start(tmp_path) as bazel:
        result = bazel("query", "@corridorkey_green//:all", "--repo_env=CORRIDORKEY_GREEN=/nowhere")
        assert "there is no such file" in result.stdout

The copy holds MODULE.bazel, .bazelrc and third_party of this module, unless told otherwise, so that
what is tested is what is shipped.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

RUNFILES = Path(__file__).absolute().parent.parent
"""Top of the tree that this file is in: a test's runfiles. Its links are not followed, so that the
test sees what it declares."""

SKELETON = ("MODULE.bazel", "BUILD.bazel", ".bazelrc", "third_party", "tools")
"""What of this module is enough to fetch its repositories; `//:skeleton` brings it."""

_DEBIAN_BAZEL = Path("/usr/share/bazel/build-label.txt")

Bazel = Callable[..., "subprocess.CompletedProcess[str]"]
"""Takes a command line; gives its result, with stdout and stderr together in `stdout`."""


def command() -> list[str]:
    """How Bazel is started, wherever it comes from."""
    bazel = [os.environ.get("BAZEL_REAL") or shutil.which("bazel") or "bazel", "--nohome_rc"]
    if _DEBIAN_BAZEL.exists():
        bazel.append(f"--bazelrc={RUNFILES / 'tools/debian_root/bazelrc'}")
    return bazel


@contextlib.contextmanager
def start(
    scratch: Path,
    module: Path = RUNFILES,
    parts: Iterable[str] = SKELETON,
    startup: Iterable[str] = (),
) -> Iterator[Bazel]:
    """Runs a Bazel server of its own for a `with` block.

    Args:
        scratch: Empty folder for the workspace, the output base and the repository cache.
        module: Top of the module.
        parts: The files and folders of it to copy.
        startup: Further startup options.

    Yields:
        A function that runs one Bazel command in the scratch workspace, `scratch / "workspace"`.

    Raises:
        FileNotFoundError: There is no Bazel to run.
    """
    workspace = scratch / "workspace"
    for name in parts:
        source = module / name
        target = workspace / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
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
        yield run
    finally:
        run("shutdown")
