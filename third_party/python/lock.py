"""Refreshes a lock: `tools/bazel run //third_party/python:lock [-- --upgrade]`.

Each hub of wheels has a lock of its own, and a target like this one, see BUILD.bazel. Pins that
still fit the requirements are kept; `--upgrade` or `--upgrade-package NAME` moves them.
The index is whatever this machine's pip is set up with (PIP_INDEX_URL, pip.conf), and the lock
does not say which it was.

Not rules_python's compile_pip_requirements: its resolver is of 2022, and its test needs a network.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_PIP_COMPILE = (
    *(sys.executable, "-m", "piptools", "compile", "--quiet"),
    *("--generate-hashes", "--allow-unsafe", "--strip-extras"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
    *("--no-header", "--annotation-style=line"),
)


def refresh(requirements: Path, options: list[str]) -> int:
    """Writes the lock beside a requirements file, whole or not at all.

    Args:
        requirements: `NAME.in`; the lock is `NAME_lock.txt` beside it.
        options: further options for pip-compile.

    Returns:
        pip-compile's exit status.
    """
    lock = requirements.with_name(f"{requirements.stem}_lock.txt")
    with tempfile.TemporaryDirectory(dir=lock.parent, prefix=".lock-") as scratch:
        made = Path(scratch, lock.name)
        if lock.exists():
            shutil.copy(lock, made)  # pip-compile keeps the pins it finds in its output file
        command = [*_PIP_COMPILE, *options, f"--output-file={made}", requirements.name]
        status = subprocess.run(command, cwd=requirements.parent, check=False).returncode
        if status == 0:
            made.replace(lock)
    return status


if __name__ == "__main__":
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    sys.exit(refresh(workspace / sys.argv[1], sys.argv[2:]))
