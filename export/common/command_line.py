"""Starts a program from its `if __name__ == "__main__"` block."""

import io
import os
import signal
import sys
from collections.abc import Callable

import click

from wrapper.printable import printable


def run(main: Callable[[], object]) -> None:
    """Calls `main` from the user's working directory; SIGTERM cleans up as Ctrl-C does.

    `bazel run` starts a program among its runfiles and names the user's directory in
    BUILD_WORKING_DIRECTORY. Relative paths on the command line start there. What the terminal's
    encoding lacks is printed as an escape.
    """
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(main, click.Command):
        _escape_usage_errors(main)
    main()


def _escape_usage_errors(command: click.Command) -> None:
    """Makes click escape what it quotes of a wrong command line, such as a file's name."""
    parse = command.parse_args

    def parse_args(context: click.Context, args: list[str]) -> list[str]:
        try:
            return parse(context, args)
        except click.UsageError as error:
            error.message = printable(error.message, limit=1000)
            raise

    command.parse_args = parse_args
