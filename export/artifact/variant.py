"""What kind of CorridorKey.pt: everything that tells one from another but its weights."""

import dataclasses
from typing import Literal

Precision = Literal["float32", "float16"]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One kind of file; the defaults are those of the main one.

    Attributes:
        resolution: Side S of the image that the network sees, in pixels; a multiple of 32.
        precision: What the weights are stored in. Either way a float32 plate is keyed in float32.
        runtime: Key of `export.artifact.runtimes.RUNTIMES`: the versions of Nuke that load it.
    """

    resolution: int = 2048
    precision: Precision = "float32"
    runtime: str = "nuke17"

    def model_id(self, weights: str) -> str:
        """Names a file: the Model Id of its weights, and whatever is not as in the main one."""
        parts = [
            str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return "_".join([weights, *parts])
