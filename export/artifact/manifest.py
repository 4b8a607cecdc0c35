"""What went into a CorridorKey.pt, as a JSON object that depends on nothing else.

It names no path and no time, so the same inputs give the same text anywhere.
"""

import dataclasses
from typing import Any

import timm
import torch

from export.artifact.variant import Variant
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.knobs import KNOBS


def manifest(checkpoint: Checkpoint, variant: Variant) -> dict[str, Any]:
    """Describes a file made from a checkpoint."""
    return {
        "model_id": variant.model_id(checkpoint.model_id),
        **dataclasses.asdict(variant),
        "checkpoint": {"sha256": checkpoint.sha256, "bytes": checkpoint.byte_count},
        "torch": torch.__version__.partition("+")[0],  # builds for CPU and for CUDA trace alike
        "timm": timm.__version__,
        "knobs": knob_table(),
    }


def knob_table() -> list[dict[str, Any]]:
    """The knobs, without the words for people: mending those should leave a file as it is."""
    return [
        {
            "name": knob.name,
            "kind": knob.kind.value,
            "default": knob.default,
            "minimum": knob.minimum,
            "maximum": knob.maximum,
            "labels": knob.labels,
        }
        for knob in KNOBS
    ]
