"""Refreshes a lock: `tools/bazel run //third_party/python:lock [-- --upgrade]`.

Each hub of wheels has a lock and a target of this program; BUILD.bazel lists them. Pins that still
fit the requirements stay as they are; `--upgrade` or `--upgrade-package NAME` changes them.
pip-compile uses the index that this machine's pip is set up with (PIP_INDEX_URL, pip.conf), and the
lock does not name it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from export.common.child_environment import child_environment

_PIP_COMPILE = (
    *(sys.executable, "-m", "piptools", "compile", "--quiet"),
    *("--generate-hashes", "--allow-unsafe", "--strip-extras"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
    *("--no-header", "--annotation-style=line"),
)


def refresh(requirements: Path, options: list[str]) -> int:
    """Writes the lock beside a requirements file, whole or not at all.

    Args:
        requirements: Path of `NAME.in`. The lock is `NAME_lock.txt` beside it.
        options: Further options for pip-compile.

    Returns:
        pip-compile's exit status.
    """
    lock = requirements.with_name(f"{requirements.stem}_lock.txt")
    with tempfile.TemporaryDirectory(dir=lock.parent, prefix=".lock-") as scratch:
        output = Path(scratch, lock.name)
        if lock.exists():
            shutil.copy(lock, output)  # pip-compile keeps the pins of its output file.
        command = [*_PIP_COMPILE, *options, f"--output-file={output}", requirements.name]
        status = subprocess.run(
            command, cwd=requirements.parent, env=child_environment(), check=False
        ).returncode
        if status == 0:
            output.replace(lock)
    return status


if __name__ == "__main__":
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    sys.exit(refresh(workspace / sys.argv[1], sys.argv[2:]))
