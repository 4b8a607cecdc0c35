"""Fills in the manifest of a CorridorKey.pt."""

from pathlib import Path

import timm
import torch

from export.artifact.artifact_manifest import ArtifactManifest, ManifestInside, knob_table
from export.artifact.operators import operators
from export.artifact.variant import Variant
from export.common.digests import digest
from wrapper.checkpoint.checkpoint import Checkpoint


def describe_inputs(checkpoint: Checkpoint, variant: Variant, model_id: str) -> ManifestInside:
    """Returns the manifest that goes inside a .pt: everything that determines its bytes.

    Args:
        checkpoint: Weights of the file.
        variant: Variant of the file.
        model_id: Model Id of the file, as `wrapper_for` set it.
    """
    return {
        "model_id": model_id,
        "resolution": variant.resolution,
        "precision": variant.precision,
        "runtime": variant.runtime,
        "checkpoint": {"sha256": checkpoint.sha256, "bytes": checkpoint.byte_count},
        # Without the local part (+cpu, +cu128): every build of a version traces alike.
        "torch": torch.__version__.partition("+")[0],
        "timm": timm.__version__,
        "knobs": knob_table(),
    }


def describe_file(inputs: ManifestInside, path: Path) -> ArtifactManifest:
    """Returns the manifest that goes beside a .pt: its inputs, its digest and its operators.

    Args:
        inputs: Manifest inside the file.
        path: Finished .pt.
    """
    return {**inputs, "torchscript": digest(path), "operators": operators(path)}
