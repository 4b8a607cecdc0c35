"""Defines a variant: everything that tells one CorridorKey.pt from another except the weights."""

import dataclasses
from typing import Literal

Precision = Literal["float32", "float16", "fast"]
"""How a file stores its weights and computes. float16 stores them in half. fast stores them in
float32 and computes most of the network in half on a GPU. Otherwise a file computes in the
precision of its input."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One kind of file. The defaults are those of //export:corridorkey_pt.

    Attributes:
        resolution: Side S of the image that the network sees, in pixels; a multiple of 32.
        precision: How the file stores its weights and computes.
        runtime: Key of `export.artifact.runtimes.RUNTIMES`: the versions of Nuke that load it.
    """

    resolution: int = 2048
    precision: Precision = "float32"
    runtime: str = "nuke17"

    @property
    def stored(self) -> str:
        """The dtype in which the matrices of the weights are stored."""
        return "float16" if self.precision == "float16" else "float32"

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
