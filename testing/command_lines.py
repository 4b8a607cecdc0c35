"""The command lines of all processes, as anybody on this machine can read them.

with command_lines.watched() as seen:
    ...  # and now every command line that was there meanwhile is in `seen`
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def watched() -> Iterator[set[bytes]]:
    """Collects command lines, arguments NUL-terminated, for a `with` block."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it has ended
                    seen.add(path.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
