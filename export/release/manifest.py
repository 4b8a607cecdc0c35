"""What a release is: its artefacts, what each was made from, and every file with its digest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from export.common.digests import Digest
from wrapper.model_ids import STAND_IN_MODEL_IDS

MANIFEST = "manifest.json"
"""Its name in a release."""

SCHEMA = Path(__file__).with_name("manifest.schema.json")
"""What it is held to; a release holds a copy."""


def artifact(file: str, facts: dict[str, Any], pins: dict[str, Any]) -> dict[str, Any]:
    """Describes one artefact.

    Args:
        file: Its name.
        facts: Its own manifest.
        pins: Repository, revision and file of each published checkpoint, by SHA-256.
    """
    checkpoint = facts["checkpoint"]
    return {
        "file": file,
        "manifest": str(Path(file).with_suffix(".json")),
        "model_id": facts["model_id"],
        "weights": {
            **checkpoint,
            "untrained": facts["model_id"].startswith(STAND_IN_MODEL_IDS),
            "published": pins.get(checkpoint["sha256"]),
        },
        **{
            key: facts[key]
            for key in ("resolution", "precision", "runtime", "torch", "timm", "knobs", "operators")
        },
    }


def manifest(
    name: str,
    version: str,
    artifacts: list[dict[str, Any]],
    files: Mapping[str, Digest],
) -> dict[str, Any]:
    """Describes a release.

    Args:
        name: Of its folder.
        version: Of the release.
        artifacts: From `artifact`.
        files: Digest and size by path, of every file that is there by now.

    Raises:
        ValueError: It does not fit the schema.
    """
    described = {
        "$schema": SCHEMA.name,
        "name": name,
        "version": version,
        "artifacts": artifacts,
        "files": [{"path": path, **files[path]} for path in sorted(files)],
    }
    try:
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(described)
    except ValidationError as error:
        raise ValueError(f"{MANIFEST}: {error.json_path}: {error.message}") from None
    return described


def weights_url(published: dict[str, str]) -> str:
    """Where the publisher has a checkpoint."""
    return "https://huggingface.co/{repository}/resolve/{revision}/{file}".format(**published)
