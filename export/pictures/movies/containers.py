"""Opens the container of a movie, first in a child process that may be ended.

A file of 650 bytes can claim tables of gigabytes, and the library makes them when it opens a file.
The child opens the same file and ends itself when it has too much memory or time. Limits by the
system would not do: where the library finds no memory, it may go on without a table, and the parent
would then make it.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import av
from av.error import FFmpegError

from export.common.child_environment import child_environment
from export.pictures.windows import MAXIMUM_PIXELS

MAXIMUM_MEMORY = 2**31
"""Most bytes of memory that opening a movie may take; a frame of the largest size has 2**30."""
MAXIMUM_SECONDS = 60
"""Longest time that opening a movie may take."""
LIMITS = {"max_pixels": str(MAXIMUM_PIXELS)}
"""Options of every stream."""
_MAXIMUM_STREAMS = 64
_TOO_MUCH = 3
_INTERVAL = 0.005


def open_container(file: IO[bytes]) -> Any:
    """Opens a container in this process.

    Args:
        file: The file, opened for reading.

    Raises:
        FFmpegError: It is not a movie.
    """
    return av.open(
        file,
        format="mov",
        stream_options=[LIMITS] * _MAXIMUM_STREAMS,
        metadata_errors="replace",
    )


def is_too_much(file: IO[bytes]) -> bool:
    """Returns whether opening a container takes too much memory or time.

    Args:
        file: The file, opened for reading; its position is kept.
    """
    position = file.tell()
    command = [sys.executable, "-P", "-m", "export.pictures.movies.containers"]
    try:
        status = subprocess.run(
            command,
            check=False,
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            timeout=2 * MAXIMUM_SECONDS,
        ).returncode
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.seek(position)
    return status != 0


def _memory() -> int:
    """Returns the bytes of memory of this process, 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _watch() -> None:
    """Ends this process when it has too much memory or time."""
    end = time.monotonic() + MAXIMUM_SECONDS
    while _memory() < MAXIMUM_MEMORY and time.monotonic() < end:
        time.sleep(_INTERVAL)
    os._exit(_TOO_MUCH)


if __name__ == "__main__":
    threading.Thread(target=_watch, daemon=True).start()
    with contextlib.suppress(FFmpegError, OSError, ValueError):  # The parent finds and says it.
        open_container(sys.stdin.buffer)
    os._exit(0)
