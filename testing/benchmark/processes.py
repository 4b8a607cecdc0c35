"""Runs each measurement in a new process, so that its memory is its own and its failure, too."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

Figures = dict[str, dict[str, float]]
"""Quantities by what was measured. Quantities are `seconds`, of wall time; `cpu_seconds`, of all
threads of the process, which other work on the machine disturbs less; `kernel_seconds`, of a GPU's
kernels, by CUDA events; `peak_bytes` and `reserved_bytes`."""


class SkippedError(Exception):
    """A measurement that gave no figures; the message says why."""


def in_new_process(timeout: float, function: Callable[..., Figures], *args: Any) -> Figures:
    """Calls a function in a new process.

    Args:
        timeout: Seconds after which the process is killed.
        function: Function of a module, with arguments that can be pickled.
        *args: Its arguments.

    Raises:
        SkippedError: The function raised, the process died, or the time is up.
    """
    if timeout <= 0:
        raise SkippedError("no time left")
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, args))
    process.start()
    sender.close()  # otherwise the death of the process would not end the wait
    try:
        if not receiver.poll(timeout):
            raise SkippedError(f"took more than the {timeout:.0f} s that were left")
        result = receiver.recv()
    except EOFError:
        process.join()
        raise SkippedError(f"the process died with exit status {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
    if isinstance(result, str):
        raise SkippedError(result)
    return result


def _call(sender: Connection, function: Callable[..., Figures], args: tuple[Any, ...]) -> None:
    try:
        sender.send(function(*args))
    except Exception as error:
        lines = str(error).strip().splitlines()
        sender.send(f"{type(error).__name__}: {lines[0] if lines else ''}")
