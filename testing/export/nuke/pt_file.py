"""Writes files that have the manifest of a CorridorKey.pt and nothing else."""

import dataclasses
import json
import zipfile
from pathlib import Path

from wrapper.knobs import KNOBS

WITHOUT_WORDS = [
    {
        key: value
        for key, value in (dataclasses.asdict(knob) | {"kind": knob.kind.value}).items()
        if key not in ("label", "tooltip")
    }
    for knob in KNOBS
]


def write_pt(path: Path, **changes: object) -> Path:
    """Writes a zip with the manifest where the exporter puts it."""
    manifest = {
        "model_id": "CorridorKey_test",
        "resolution": 2048,
        "precision": "float32",
        "runtime": "nuke17",
        "knobs": WITHOUT_WORDS,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CorridorKey/extra/corridorkey.json", json.dumps(manifest | changes))
    return path
