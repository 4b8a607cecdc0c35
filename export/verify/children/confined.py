"""Runs a function of ours in a confined child process, and hands over what it reports.

parent                                   child
──────                                   ─────
confined.run(module, request, limits)
  │ starts python -I, no environment ──► confinement.confine
  │ request as JSON, on stdin ─────────► MODULE.main(request, report)
  │ ◄─ a private pipe, JSON lines ────── report({...})
  │ ◄─ stdout and stderr, last 4 KB ──── whatever the libraries print
  │ kills the child's group at the time limit, or when the caller stops reading
  ▼
yields each report; raises ChildError if the child fails

The child is our own code. What it reads may be hostile, so it is confined all the same.
"""

import collections
import contextlib
import dataclasses
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

from export.verify.children import confinement
from wrapper.printable import printable

_LONGEST_REPORT = 1 << 20
"""Longest line of a report, in bytes."""
_MOST_REPORTS = 10_000

_START = """\
import json, sys
paths, *rest = json.loads(sys.argv[1])
sys.path[:] = paths
from export.verify.children.confined import child
child(*rest)
"""


class ChildError(Exception):
    """A child did not end as it should; the message is a predicate ("ran out of time")."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a child.

    Attributes:
        memory: Most bytes of private memory.
        seconds: Wall time after which it is killed.
        file_bytes: Largest file that it may write, in bytes.
        writable: The one folder that it may write to.
    """

    memory: int
    seconds: float
    file_bytes: int = 0
    writable: Path | None = None


def run(module: str, request: dict[str, Any], limits: Limits) -> Generator[dict[str, Any]]:
    """Calls `MODULE.main(request, report)` in a confined child.

    The child finds modules where this process found its own, and never in a folder that the user
    happens to stand in.

    Args:
        module: Name of a module of this repository.
        request: JSON for the child.
        limits: What the child may use.

    Yields:
        A first report, `{"confinement": [...]}` with the mechanisms in force, and then each report
        of the child.

    Raises:
        ChildError: The child is killed, crashes, fails or reports too much.
    """
    reports, reporting = os.pipe()
    writable = str(limits.writable) if limits.writable else None
    arguments = [_module_paths(), module, reporting, limits.memory, limits.file_bytes, writable]
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(os.fdopen(reports, "rb"))
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, json.dumps(arguments)],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[reporting],
                start_new_session=True,
                # glibc gives large tensors back at once; its heap would keep 4 GB more.
                env={"MALLOC_MMAP_THRESHOLD_": "131072"},
            )
        finally:
            os.close(reporting)
        stack.enter_context(child)
        stack.callback(_kill, child)
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(child)

        timer = threading.Timer(limits.seconds, stop)
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
        output = _Output(child)
        output.start()
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
        yield from _read_reports(lines)
        child.wait()
    output.join()
    if late.is_set():
        raise ChildError(f"ran for {limits.seconds:.0f} s, the limit")
    if child.returncode == -signal.SIGKILL:
        raise ChildError("was killed, probably because the system ran out of memory")
    if child.returncode < 0:
        raise ChildError(f"was ended by {signal.Signals(-child.returncode).name}")
    if child.returncode:
        raise ChildError(f"failed: {output.last_line() or child.returncode}")


def child(module: str, reporting: int, memory: int, file_bytes: int, writable: str | None) -> None:
    """Runs in the child: confines it, then calls the module."""
    # Read before confining: what is inherited stays usable.
    request = json.loads(sys.stdin.read())
    in_force = confinement.confine(memory, file_bytes, Path(writable) if writable else None)
    # Importing torch writes a file there.
    tempfile.tempdir = writable or "/"
    with os.fdopen(reporting, "w") as pipe:

        def report(content: dict[str, Any]) -> None:
            print(json.dumps(content), file=pipe, flush=True)

        report({"confinement": in_force})
        importlib.import_module(module).main(request, report)


def _module_paths() -> list[str]:
    """Returns this process's module path without the working directory.

    `python -m` puts the working directory there, where a user may have anybody's files; it stays
    only if this repository itself was found there.
    """
    # The folder of this file is resolved, not the file: under Bazel each file is a link.
    root = os.path.realpath(Path(__file__).absolute().parents[3])
    here = os.path.realpath(".")
    return [
        path
        for path in sys.path
        if Path(path).is_absolute() and (os.path.realpath(path) != here or here == root)
    ]


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _read_reports(lines: IO[bytes]) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST_REPORTS):
        line = lines.readline(_LONGEST_REPORT)
        if not line:
            return
        try:
            content = json.loads(line)
        except (RecursionError, ValueError):
            raise ChildError("wrote something else than a report on its pipe") from None
        if not isinstance(content, dict):
            raise ChildError("wrote something else than a report on its pipe")
        yield content
    raise ChildError(f"wrote more than {_MOST_REPORTS:,} reports")


class _Output(threading.Thread):
    """Drains what a child prints, and keeps the end of it for the message of an error."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = child.stdout
        self._blocks: collections.deque[bytes] = collections.deque(maxlen=2)

    def run(self) -> None:
        """Reads until the child closes its end."""
        assert self._stream
        with contextlib.suppress(ValueError, OSError):  # closed meanwhile
            while block := os.read(self._stream.fileno(), 4096):
                self._blocks.append(block)

    def last_line(self) -> str:
        """Returns the last line that is not blank, safe for a terminal."""
        lines = b"".join(self._blocks).decode(errors="replace").splitlines()
        return printable(next((line.strip() for line in reversed(lines) if line.strip()), ""))
