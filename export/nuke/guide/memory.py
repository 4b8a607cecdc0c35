"""The GPU memory that a frame needs, by Quality: predicted by the cost model, measured on no GPU.

`testing/benchmark/cost_test.py` compares it with the model.
"""

from typing import NamedTuple


class Memory(NamedTuple):
    """Memory of one 1920×1080 frame, weights included, in GB.

    Attributes:
        full: In float32.
        half: In half precision.
    """

    full: float
    half: float


MEMORY = {
    "2048": Memory(3.0, 1.5),
    "1536": Memory(1.9, 0.9),
    "1024": Memory(1.2, 0.6),
    "512": Memory(0.6, 0.3),
}
"""The largest part of the network at its peak, and the weights."""
