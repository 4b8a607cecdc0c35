"""Checks every source file and changes none: `tools/bazel run //tools/lint:check`."""

import os
import sys
from pathlib import Path

from tools.lint import linters


def check(files: list[str], top: Path) -> list[str]:
    """Runs every linter and prints the output of those that fail.

    Args:
        files: Paths relative to `top`.
        top: Top of the repository.

    Returns:
        Names of the linters that found a file that is not clean.
    """
    failures = []
    for linter in linters.LINTERS:
        if selected := linter.select(files):
            result = linters.run(linter.check, selected, top)
            if result.returncode:
                failures.append(linter.name)
                print(f"{linter.name}:\n{result.stdout}", end="")
    return failures


def main() -> int:
    """Returns 0 if every file is clean, else 1."""
    files = linters.source_files()
    failures = check(files, Path(os.environ["BUILD_WORKSPACE_DIRECTORY"]))
    if failures:
        print(
            f"{', '.join(failures)}: not clean. tools/bazel run //tools/lint:format fixes what a "
            "linter can fix.",
            file=sys.stderr,
        )
        return 1
    print(f"{len(files)} source files are clean.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
