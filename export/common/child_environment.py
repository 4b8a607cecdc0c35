"""Provides the environment of a Python process that this process starts."""

import os
import sys


def child_environment() -> dict[str, str]:
    """Returns this process's environment, with all that it can import on PYTHONPATH.

    Some versions of rules_python put the imports on PYTHONPATH themselves, others only on sys.path.
    The safe path keeps modules in the working directory from taking the place of others.
    """
    imports = os.pathsep.join(map(os.path.abspath, sys.path))
    return os.environ | {"PYTHONPATH": imports, "PYTHONSAFEPATH": "1"}
