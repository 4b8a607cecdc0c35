"""Loads checkpoints in a child process; prints the message and peak memory of each."""

import json
import resource
import sys

from export.verify import confined
from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint
from wrapper.network.network import CorridorKeyTransformer

confined.confine()
CorridorKeyTransformer(64)


def say(**message: object) -> None:
    """Prints a message, with the peak memory of the process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(message | {"peak": peak}), flush=True)


say()
for path in sys.argv[1:]:
    try:
        load_checkpoint(path, 64)
        say(path=path, message="")
    except CheckpointError as error:
        say(path=path, message=str(error))
