"""An exporter of .pt files of 20 kB: a real wrapper and archive around a network of two layers.

verify compares a file with what the exporter makes of the same claims. The real exporter takes ten
seconds and 280 MB at its smallest resolution; tests of everything else put this one in its place.
"""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from export.artifact import archive
from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER, canonicalize
from export.artifact.describe import describe_inputs
from export.artifact.operators import operators
from export.artifact.variant import Variant
from export.common.digests import Digest, digest
from export.common.json_text import to_json
from export.tracing.tracing import to_torchscript
from export.verify.children.generate import find_weights, number_weights
from export.verify.claims import Claims
from export.verify.generated import Generated
from export.verify.weights.pins import Pin
from export.verify.weights.tensors import TensorForm, digest_of_all
from testing.export.small_network import SmallNetwork
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.model_ids import UNTRAINED_MODEL_ID
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

VARIANT = Variant(resolution=256)
MODEL_ID = VARIANT.model_id(UNTRAINED_MODEL_ID)
CHECKPOINT: Digest = {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
CODE = f"{FOLDER}/code/__torch__/wrapper/nuke_wrapper.py"
"""The record with the wrapper's code."""


class SmallExporter:
    """Writes files around one small network, traced once: TorchScript numbers classes.

    Attributes:
        weights: Random weights of the network, by key.
    """

    def __init__(self) -> None:
        torch.manual_seed(0)
        network: Any = SmallNetwork()
        self.weights = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        self._wrapper = CorridorKeyNukeWrapper(network, VARIANT.resolution, MODEL_ID)
        self._module: Any = to_torchscript(self._wrapper)

    def write(
        self,
        path: Path,
        weights_id: str = UNTRAINED_MODEL_ID,
        checkpoint: Digest = CHECKPOINT,
        weights: dict[str, Tensor] | None = None,
    ) -> Path:
        """Writes a .pt of random weights, or of the given ones; returns its manifest beside it."""
        claims = Claims(weights_id, VARIANT, checkpoint, b"")
        facts: dict[str, Any] = self._save(path, claims, weights or self.weights)
        facts |= {"torchscript": digest(path), "operators": operators(path)}
        beside = path.with_suffix(".json")
        beside.write_text(to_json(facts))
        return beside

    def generate(self, claims: Claims, folder: Path) -> Generated:
        """Takes the place of `export.verify.generated.generate`."""
        path = folder / "generated.pt"
        numbered = number_weights(self.weights)
        self._save(path, claims, numbered)
        weights = {
            record: TensorForm(name, dtype, tuple(shape))
            for record, (name, dtype, shape) in find_weights(path, numbered).items()
        }
        return Generated(path, weights, operators(path))

    def other_weights(self) -> dict[str, Tensor]:
        """Returns weights whose numbers nothing pins."""
        return {key: tensor + 1 for key, tensor in self.weights.items()}

    def pin(self, weights: dict[str, Tensor] | None = None) -> Pin:
        """Returns the pin of the random weights, or of the given ones."""
        digests = [
            (
                TensorForm(key, "float32", tuple(tensor.shape)),
                hashlib.sha256(tensor.numpy().tobytes()).hexdigest(),
            )
            for key, tensor in (weights or self.weights).items()
        ]
        return Pin(
            CHECKPOINT["sha256"],
            CHECKPOINT["bytes"],
            UNTRAINED_MODEL_ID,
            VARIANT.resolution,
            VARIANT.precision,
            digest_of_all(digests),
        )

    def _save(self, path: Path, claims: Claims, weights: dict[str, Tensor]) -> dict[str, Any]:
        checkpoint = Checkpoint(
            weights,
            claims.variant.resolution,
            claims.variant.resolution,
            claims.weights_id,
            tensor_count=len(weights),
            parameter_count=515,
            sha256=claims.checkpoint["sha256"],
            byte_count=claims.checkpoint["bytes"],
        )
        facts: dict[str, Any] = dict(describe_inputs(checkpoint, claims.variant, claims.model_id))
        self._module.model_id = claims.model_id
        self._module.resolution = claims.variant.resolution
        for key, tensor in self._module.network.state_dict().items():
            tensor.copy_(weights[key])
        archive.save(self._module, path, {NAME_IN_ARCHIVE: to_json(facts)})
        return facts


def rewrite(path: Path, record: str, old: bytes, new: bytes) -> None:
    """Replaces bytes in one record of a .pt, which stays canonical."""
    with zipfile.ZipFile(path) as source:
        records = {name: source.read(name) for name in source.namelist()}
    assert old in records[record]
    records[record] = records[record].replace(old, new, 1)
    write_records(path, records)


def write_records(path: Path, records: dict[str, bytes]) -> None:
    """Writes records as the canonical archive of them."""
    raw = path.with_suffix(".raw")
    with zipfile.ZipFile(raw, "w") as target:
        for name, content in records.items():
            target.writestr(name, content)
    canonicalize(raw, path)
    raw.unlink()
