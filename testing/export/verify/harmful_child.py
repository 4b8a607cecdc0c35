"""A child for confined_test.py: does one thing that a hostile file might make it do."""

import collections
import ctypes
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(request: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Does what the request says; whatever it could not do raises an error."""
    argument = request.get("argument", "")
    actions: dict[str, Callable[[], object]] = {
        "abort": os.abort,
        "allocate": lambda: bytearray(argument),
        "append": lambda: os.open(argument, os.O_APPEND | os.O_WRONLY),
        "chmod": lambda: Path(argument).chmod(0o600),
        "connect": lambda: socket.create_connection(("127.0.0.1", argument), 5).close(),
        "environment": lambda: report({"environment": dict(os.environ)}),
        "execute": lambda: subprocess.run(["true"], check=True),
        "forge": lambda: print('{"outcome": "passed"}', flush=True),
        "garbage": lambda: os.write(_pipe(), b"nonsense\n"),
        "kill parent": lambda: os.kill(os.getppid(), 0),
        "kill": lambda: os.kill(os.getpid(), 9),
        "link": lambda: Path(argument).symlink_to("/etc/passwd"),
        "long": lambda: os.write(_pipe(), b"{" * (4 << 20)),
        "many": lambda: collections.deque(map(report, [{}] * 20_000), maxlen=0),
        "truncate": lambda: ctypes.CDLL(None).truncate(argument.encode(), 0),
        "modules": lambda: report({"path": sys.path}),
        "nothing": lambda: None,
        "print": lambda: print("x" * (8 << 20), file=sys.stderr),
        "remove": lambda: Path(argument).unlink(),
        "rename": lambda: Path(argument).rename(f"{argument}.moved"),
        "sleep": lambda: time.sleep(600),
        "times": lambda: os.utime(argument),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
            b"x", ("127.0.0.1", argument)
        ),
        "unix": lambda: socket.socket(socket.AF_UNIX).connect(argument),
        "write": lambda: Path(argument).write_text("harm"),
    }
    actions[request["action"]]()
    report({"done": True})


def _pipe() -> int:
    """Returns the descriptor of the private pipe, which hostile code can guess."""
    return max(
        descriptor
        for descriptor in range(3, 100)
        if Path(f"/proc/self/fd/{descriptor}").exists()
        and stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    )
