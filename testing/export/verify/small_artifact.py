"""A .pt of 20 kB with all that verify looks for: a real one, around a network of three layers."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.artifact import archive
from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER, canonicalize
from export.artifact.describe import describe_file, describe_inputs
from export.artifact.variant import Variant
from export.common.json_text import to_json
from export.tracing.tracing import to_torchscript
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.model_ids import UNTRAINED_MODEL_ID
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

VARIANT = Variant(resolution=256)
MODEL_ID = VARIANT.model_id(UNTRAINED_MODEL_ID)
CODE = f"{FOLDER}/code/__torch__/wrapper/nuke_wrapper.py"
"""The record with the wrapper's code."""


class SmallNetwork(nn.Module):
    """Stands in for the network."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Conv2d(4, 1, 3, padding=1)
        self.fg = nn.Conv2d(4, 3, 3, padding=1)
        self.delta = nn.Conv2d(7, 4, 3, padding=1)
        self.requires_grad_(False)

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        """As CorridorKeyTransformer's."""
        return torch.cat([self.alpha(rgb_hint), self.fg(rgb_hint)], 1)

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        """As CorridorKeyTransformer's."""
        return self.delta(torch.cat([rgb, coarse], 1))


def write_small_artifact(path: Path) -> None:
    """Writes the .pt and, beside it, its manifest."""
    torch.manual_seed(0)
    network: Any = SmallNetwork()
    module = to_torchscript(CorridorKeyNukeWrapper(network, VARIANT.resolution, MODEL_ID))
    checkpoint = Checkpoint(
        network.state_dict(),
        VARIANT.resolution,
        VARIANT.resolution,
        UNTRAINED_MODEL_ID,
        tensor_count=6,
        parameter_count=515,
        sha256=hashlib.sha256(b"").hexdigest(),
        byte_count=0,
    )
    inputs = describe_inputs(checkpoint, VARIANT, MODEL_ID)
    archive.save(module, path, {NAME_IN_ARCHIVE: to_json(inputs)})
    path.with_suffix(".json").write_text(to_json(describe_file(inputs, path)))


def rewrite(path: Path, record: str, old: bytes, new: bytes) -> None:
    """Replaces bytes in one record of a .pt, which stays canonical."""
    with zipfile.ZipFile(path) as source:
        records = {name: source.read(name) for name in source.namelist()}
    assert old in records[record]
    records[record] = records[record].replace(old, new)
    raw = path.with_suffix(".raw")
    with zipfile.ZipFile(raw, "w") as target:
        for name, content in records.items():
            target.writestr(name, content)
    canonicalize(raw, path)
    raw.unlink()
