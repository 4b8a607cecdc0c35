"""A module of ours in a child process that can do little: for files that nobody vouches for.

The child has a limit of memory and of time, an empty environment, files that it can only read, and
no network where the system lets us take it away.
"""

import collections
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from typing import Any

_LONGEST_LINE = 1 << 20


MEMORY = "CORRIDORKEY_MEMORY"
"""Environment variable that tells the child its limit, in bytes."""


class ChildError(Exception):
    """A child that did not end as it should; the message says how it ended, of "it"."""


def confine() -> None:
    """Called by the child: limits its own data, and lets it write no file."""
    memory = int(os.environ[MEMORY])
    # Not RLIMIT_AS: the libraries that torch maps have gigabytes of addresses, and use few.
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(
    module: str, arguments: list[str], memory: int, seconds: float
) -> Generator[dict[str, Any]]:
    """Runs a module that is to call `confine` before it does anything else.

    Args:
        module: Name, as for `python -m`.
        arguments: Its command line.
        memory: Bytes of data that it may have.
        seconds: It is killed after so long.

    Yields:
        What it prints, a JSON object for each line.

    Raises:
        ChildError: It is killed, crashes or fails.
    """
    said: collections.deque[str] = collections.deque(maxlen=1)
    late = threading.Event()
    with subprocess.Popen(
        [*_without_network(), sys.executable, "-s", "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            MEMORY: str(memory),
            # Gives large tensors back at once. Else glibc's heap, in fragments, takes 4 GB more.
            "MALLOC_MMAP_THRESHOLD_": "131072",
        },
    ) as child:

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            assert child.stdout
            while line := child.stdout.readline(_LONGEST_LINE):
                if line.startswith("{"):
                    yield json.loads(line)
                elif line.strip():
                    said.append(line.strip())
            child.wait()
        except ValueError:
            raise ChildError("prints what nobody asked for") from None
        finally:
            timer.cancel()
            child.kill()
    if late.is_set():
        raise ChildError(f"was not done in {seconds:.0f} s")
    if child.returncode == -signal.SIGKILL:
        raise ChildError("was killed, as a system without memory to spare does")
    if child.returncode < 0:
        raise ChildError(f"was ended by {signal.Signals(-child.returncode).name}")
    if child.returncode:
        raise ChildError(f"failed: {' '.join(said) or child.returncode}")


def _without_network() -> list[str]:
    """A command to put before another; nothing where the system does not allow it."""
    command = ["unshare", "--user", "--map-current-user", "--net"]
    try:
        subprocess.run([*command, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return command
