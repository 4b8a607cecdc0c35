"""What went into a CorridorKey.pt, as a JSON object that depends on nothing else.

It names no path and no time, so the same inputs give the same text anywhere.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import timm
import torch

from export.variant import Variant
from wrapper.checkpoint import Checkpoint
from wrapper.knobs import KNOBS

NAME_IN_ARCHIVE = "corridorkey.json"
"""Extra file of the .pt that holds its manifest, all but what is read off the .pt itself."""


def manifest(checkpoint: Checkpoint, checkpoint_file: Path, variant: Variant) -> dict[str, Any]:
    """Describes a file made from a checkpoint, which `checkpoint_file` was read from."""
    return {
        "model_id": variant.model_id(checkpoint.model_id),
        **dataclasses.asdict(variant),
        "checkpoint": digest(checkpoint_file),
        "torch": torch.__version__.partition("+")[0],  # builds for CPU and for CUDA trace alike
        "timm": timm.__version__,
        # Without the words for people: mending those should leave the file's bytes alone.
        "knobs": [
            {
                "name": knob.name,
                "kind": knob.kind.value,
                "default": knob.default,
                "minimum": knob.minimum,
                "maximum": knob.maximum,
                "labels": knob.labels,
            }
            for knob in KNOBS
        ],
    }


def digest(path: Path) -> dict[str, Any]:
    """SHA-256 and size in bytes of a file."""
    with path.open("rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "bytes": path.stat().st_size,
        }


def to_json(content: dict[str, Any]) -> str:
    """The text of a manifest or report."""
    return json.dumps(content, indent=2) + "\n"
