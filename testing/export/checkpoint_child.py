"""Loads checkpoints in a child process; reports the message and peak memory of each."""

import resource
from collections.abc import Callable
from typing import Any

from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint
from wrapper.network.network import CorridorKeyTransformer


def main(request: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Loads the files of `request["paths"]`."""
    CorridorKeyTransformer(64)

    def tell(**message: object) -> None:
        """Reports a message, with the peak memory of the process in bytes."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        report(message | {"peak": peak})

    tell()
    for path in request["paths"]:
        try:
            load_checkpoint(path, 64)
            tell(path=path, message="")
        except CheckpointError as error:
            tell(path=path, message=str(error))
