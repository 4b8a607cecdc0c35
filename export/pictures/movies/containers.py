"""Opens the container of a movie, first in a child process that may be ended.

A file of 650 bytes can claim tables of gigabytes, and the library makes them when it opens a file.
The child opens the same file and ends itself when it has too much memory or time. Limits by the
system would not do: where the library finds no memory, it may go on without a table, and the parent
would then make it.
"""

import contextlib
import os
import signal
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
MAXIMUM_FRAMES = 1_000_000
"""Most frames of a movie."""
_MAXIMUM_STREAMS = 64
_COMMAND = (sys.executable, "-P", "-m", "export.pictures.movies.containers")
"""Starts the child."""
_TOO_MUCH = 3
"""Exit status of a child that ended itself."""
_INTERVAL = 0.005


class ContainerError(ValueError):
    """A container must not be opened in this process. The message is a predicate of the file."""


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


def check_container(file: IO[bytes]) -> None:
    """Checks in a child process that opening a container does no harm.

    Args:
        file: The file, opened for reading; its position is kept.

    Raises:
        ContainerError: It takes too much memory or time, or the child does not end as it should.
        OSError: There is no child.
    """
    position = file.tell()
    try:
        status = subprocess.run(
            _COMMAND,
            check=False,
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            timeout=2 * MAXIMUM_SECONDS,
        ).returncode
    except subprocess.TimeoutExpired:
        status = _TOO_MUCH
    finally:
        file.seek(position)
    if status == _TOO_MUCH:
        raise ContainerError(
            f"takes more than {MAXIMUM_MEMORY >> 30} GiB of memory or {MAXIMUM_SECONDS} s to open; "
            f"expected tables of at most {MAXIMUM_FRAMES:,} frames. Write it again"
        )
    if status == -signal.SIGKILL:
        raise ContainerError(
            "was not opened: the process that tried it was killed, probably because the system ran "
            "out of memory. Try again with more memory free"
        )
    if status < 0:
        raise ContainerError(
            "crashes the library that reads movies, by "
            f"{signal.Signals(-status).name}; expected a sound file. Write it again"
        )
    if status:
        raise ContainerError(
            f"was not opened: the process that tried it failed with exit status {status}. Write it "
            "again; if that does not help, check this installation"
        )


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
        try:
            open_container(sys.stdin.buffer)
        except MemoryError:
            os._exit(_TOO_MUCH)
    os._exit(0)
