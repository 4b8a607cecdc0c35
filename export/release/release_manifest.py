"""Builds the manifest of a release: its artifacts, their inputs, and every file with its digest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from jsonschema import Draft202012Validator, ValidationError

from export.artifact.artifact_manifest import ArtifactManifest, KnobEntry
from export.artifact.variant import Precision
from export.common.digests import Digest
from wrapper.model_ids import STAND_IN_MODEL_IDS

MANIFEST = "manifest.json"
"""Name of the manifest in a release."""

SCHEMA = Path(__file__).with_name("manifest.schema.json")
"""JSON Schema of the manifest. A release holds a copy."""

KNOWN_ANSWERS = Path(__file__).parent.parent / "demo" / "known_answers.json"
"""Expected pixels with the demo weights. The manifest and the Nuke kit repeat them."""


class PublishedFile(TypedDict):
    """A published checkpoint on Hugging Face.

    Attributes:
        repository: OWNER/NAME.
        revision: Commit, 40 hexadecimal digits.
        file: Name of the file.
    """

    repository: str
    revision: str
    file: str


class Weights(TypedDict):
    """The checkpoint that an artifact was made from.

    Attributes:
        sha256: SHA-256 of the file, in hexadecimal.
        bytes: Size of the file.
        untrained: True for stand-in weights: untrained ones, which key nothing, and demo ones,
            written by hand, which key roughly.
        published: Location of the file, or None if it is not a published checkpoint.
    """

    sha256: str
    bytes: int
    untrained: bool
    published: PublishedFile | None


class ArtifactEntry(TypedDict):
    """An artifact in the manifest of a release. Other fields: see `ArtifactManifest`.

    Attributes:
        file: Name of the .pt.
        manifest: Name of the artifact's own manifest.
        weights: Checkpoint that it was made from.
    """

    file: str
    manifest: str
    model_id: str
    weights: Weights
    resolution: int
    precision: Precision
    runtime: str
    torch: str
    timm: str
    knobs: list[KnobEntry]
    operators: list[str]


class FileEntry(TypedDict):
    """A file of a release.

    Attributes:
        path: Path relative to the folder of the release.
        sha256: SHA-256 in hexadecimal.
        bytes: Size in bytes.
    """

    path: str
    sha256: str
    bytes: int


ReleaseManifest = TypedDict(
    "ReleaseManifest",
    {
        "$schema": str,
        "name": str,
        "version": str,
        "artifacts": list[ArtifactEntry],
        "known_answers": dict[str, Any],
        "files": list[FileEntry],
    },
)


def artifact(
    file: str, manifest: ArtifactManifest, pins: Mapping[str, Mapping[str, Any]]
) -> ArtifactEntry:
    """Returns the entry of one artifact.

    Args:
        file: Name of the .pt.
        manifest: The artifact's own manifest.
        pins: Published checkpoints by SHA-256, as `//third_party/checkpoints:pins` lists them.
    """
    checkpoint = manifest["checkpoint"]
    pin = pins.get(checkpoint["sha256"])
    return {
        "file": file,
        "manifest": str(Path(file).with_suffix(".json")),
        "model_id": manifest["model_id"],
        "weights": {
            **checkpoint,
            "untrained": manifest["model_id"].startswith(STAND_IN_MODEL_IDS),
            "published": {
                "repository": pin["repository"],
                "revision": pin["revision"],
                "file": pin["file"],
            }
            if pin
            else None,
        },
        "resolution": manifest["resolution"],
        "precision": manifest["precision"],
        "runtime": manifest["runtime"],
        "torch": manifest["torch"],
        "timm": manifest["timm"],
        "knobs": manifest["knobs"],
        "operators": manifest["operators"],
    }


def release_manifest(
    name: str,
    version: str,
    artifacts: Sequence[ArtifactEntry],
    files: Mapping[str, Digest],
) -> ReleaseManifest:
    """Returns the manifest of a release.

    Args:
        name: Name of the release's folder.
        version: Version of the release.
        artifacts: Entries that `artifact` returned.
        files: Digest and size by path, of every file that is written before the manifest.

    Raises:
        ValueError: The manifest does not fit the schema.
    """
    manifest: ReleaseManifest = {
        "$schema": SCHEMA.name,
        "name": name,
        "version": version,
        "artifacts": list(artifacts),
        "known_answers": json.loads(KNOWN_ANSWERS.read_text()),
        "files": [{"path": path, **files[path]} for path in sorted(files)],
    }
    try:
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(manifest)
    except ValidationError as error:
        raise ValueError(f"{MANIFEST}: {error.json_path}: {error.message}") from None
    return manifest


def weights_url(published: PublishedFile) -> str:
    """Returns the address of a published checkpoint."""
    return "https://huggingface.co/{repository}/resolve/{revision}/{file}".format(**published)
