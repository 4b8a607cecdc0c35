"""Defines a variant: everything that tells one CorridorKey.pt from another except the weights."""

import dataclasses
from typing import Literal

Precision = Literal["float32", "float16"]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One kind of file. The defaults are those of //export:corridorkey_pt.

    Attributes:
        resolution: Side S of the image that the network sees, in pixels; a multiple of 32.
        precision: Precision in which the weights are stored. The file computes in the precision
            of its input either way.
        runtime: Key of `export.artifact.runtimes.RUNTIMES`: the versions of Nuke that load it.
    """

    resolution: int = 2048
    precision: Precision = "float32"
    runtime: str = "nuke17"

    def model_id(self, weights: str) -> str:
        """Returns the Model Id of a file.

        Args:
            weights: Model Id of its weights. Each field that differs from the default is appended.
        """
        parts = [
            str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return "_".join([weights, *parts])
