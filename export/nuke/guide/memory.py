"""The GPU memory that a frame needs, by Quality: predicted by the cost model, measured on no GPU.

`testing/benchmark/cost_test.py` compares it with the model.
"""

from typing import NamedTuple

from export.nuke.cat_files import QUALITIES


class Memory(NamedTuple):
    """Memory of one 1920×1080 frame, weights included, in GB.

    Attributes:
        full: In float32.
        half: In half precision.
    """

    full: float
    half: float


MEMORY = dict(
    zip(
        QUALITIES,
        (Memory(3.8, 1.9), Memory(2.5, 1.2), Memory(1.7, 0.9), Memory(0.6, 0.3)),
        strict=True,
    )
)
"""The largest part of the network at its peak, and the weights."""
