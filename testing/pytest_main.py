"""Runs pytest under Bazel: on the files it is given, with results where Bazel looks for them."""

import os
import sys

import pytest


def main() -> int:
    """Returns pytest's exit status; a run that collects no test is a failure."""
    arguments = [
        "-ra",  # the reason of every skip is printed
        "--color=no",
        # The conftest.py of every folder from the top down to the test's own counts.
        "--rootdir=.",
        "--confcutdir=.",
        # Modules keep their names from the top, whichever folders have an __init__.py here. Else
        # testing/export, without testing/__init__.py, would be a package `export`.
        "--import-mode=importlib",
        "--override-ini=consider_namespace_packages=true",
        "-p",
        "no:cacheprovider",
        f"--basetemp={os.environ['TEST_TMPDIR']}/pytest",
        f"--junitxml={os.environ['XML_OUTPUT_FILE']}",
        "--override-ini=junit_family=xunit1",  # the one with a place for a test's own figures
    ]
    return int(pytest.main(arguments + sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
