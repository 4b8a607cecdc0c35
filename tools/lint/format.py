"""Fixes what the linters can fix, in place: `tools/bazel run //tools/lint:format`."""

import os
import sys
from pathlib import Path

from tools.lint import linters


def main() -> int:
    """Returns 1 if a linter leaves something for a person to fix, else 0."""
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    files = linters.source_files()
    status = 0
    for linter in linters.LINTERS:
        if linter.fix:
            result = linters.run(linter.fix, linter.select(files), workspace)
            print(f"{linter.name}:\n{result.stdout}", end="")
            status = status or min(result.returncode, 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
