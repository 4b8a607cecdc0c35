"""Collects the command lines of all processes, which every user of the machine can read.

with command_lines.watched() as seen:
    ...
# `seen` holds every command line that existed inside the block.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def watched() -> Iterator[set[bytes]]:
    """Collects command lines, with NUL-terminated arguments, during a `with` block."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # The process has ended.
                    seen.add(path.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
