"""A child process that loads checkpoints: says what came of each, and how much memory it took."""

import json
import resource
import sys

from export.verify import confined
from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint
from wrapper.network.network import CorridorKeyTransformer

confined.confine()
CorridorKeyTransformer(64)


def say(**message: object) -> None:
    """Prints what happened, and the most memory that was ever in use, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(message | {"peak": peak}), flush=True)


say()
for path in sys.argv[1:]:
    try:
        load_checkpoint(path, 64)
        say(path=path, message="")
    except CheckpointError as error:
        say(path=path, message=str(error))
