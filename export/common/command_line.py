"""Starts a program from its `if __name__ == "__main__"` block."""

import os
import signal
from collections.abc import Callable


def run(main: Callable[[], object]) -> None:
    """Calls `main` from the user's working directory; SIGTERM cleans up as Ctrl-C does.

    `bazel run` starts a program among its runfiles and names the user's directory in
    BUILD_WORKING_DIRECTORY. Relative paths on the command line start there.
    """
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
