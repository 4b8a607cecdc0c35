"""Defines the manifest of a CorridorKey.pt, and reads it from a file without torch."""

import json
import zipfile
from pathlib import Path
from typing import BinaryIO, TypedDict, cast

from export.artifact.variant import Precision
from export.common.digests import Digest
from wrapper.knobs import KNOBS
from wrapper.printable import printable

NAME_IN_ARCHIVE = "corridorkey.json"
"""Name of the extra file in a .pt that holds its manifest, without the fields computed from the
finished .pt (`torchscript` and `operators`)."""

MAXIMUM_BYTES = 1 << 20
"""Largest manifest that is read from a .pt; the exporter's have about 2 KB."""


class KnobEntry(TypedDict):
    """A knob as manifests describe it; see `wrapper.knobs.Knob`."""

    name: str
    kind: str
    default: float
    minimum: float
    maximum: float
    labels: list[str]


class ManifestInside(TypedDict):
    """The manifest inside a .pt. It names no path and no time: the same inputs give the same text.

    Attributes:
        model_id: Model Id that Nuke shows.
        resolution: Side of the image that the network sees, in pixels.
        precision: How the file stores its weights and computes.
        runtime: Key of `export.artifact.runtimes.RUNTIMES`.
        checkpoint: Digest and size of the weights file.
        torch: Version of torch that traced the file, without the local part (+cpu, +cu128).
        timm: Version of timm whose modules were traced.
        knobs: Attributes that Nuke sets, in the order of its knobs.
    """

    model_id: str
    resolution: int
    precision: Precision
    runtime: str
    checkpoint: Digest
    torch: str
    timm: str
    knobs: list[KnobEntry]


class ArtifactManifest(ManifestInside):
    """The manifest beside a .pt.

    Attributes:
        torchscript: Digest and size of the .pt.
        operators: Operators that the .pt asks of libtorch, by name and overload.
    """

    torchscript: Digest
    operators: list[str]


class ManifestError(ValueError):
    """A .pt holds no manifest that can be read; the message says why."""


def knob_table() -> list[KnobEntry]:
    """Returns the knobs without their labels and tooltips, whose edits must not change a file."""
    return [
        {
            "name": knob.name,
            "kind": knob.kind.value,
            "default": knob.default,
            "minimum": knob.minimum,
            "maximum": knob.maximum,
            "labels": list(knob.labels),
        }
        for knob in KNOBS
    ]


def read_manifest(path: Path) -> ManifestInside:
    """Reads the manifest inside a .pt. Runs no code and reads no weights.

    The fields are not checked: a file from elsewhere can state anything.

    Args:
        path: A .pt file, untrusted.

    Raises:
        ManifestError: The file is not a zip archive, or its manifest is missing, ambiguous, too
            large or not a JSON object.
        OSError: The file cannot be opened.
    """
    with path.open("rb") as file:
        try:
            manifest = json.loads(_manifest_text(file))
        except ManifestError as error:
            raise ManifestError(f"{path} {error}") from None
        except Exception as error:  # zipfile raises many kinds of errors for damaged bytes.
            reason = printable(str(error) or type(error).__name__)
            raise ManifestError(f"{path} holds no manifest that can be read: {reason}") from None
    if not isinstance(manifest, dict):
        raise ManifestError(f"{path} holds a manifest that is not a JSON object")
    return cast(ManifestInside, manifest)


def _manifest_text(file: BinaryIO) -> bytes:
    with zipfile.ZipFile(file) as archive:
        entries = [
            entry
            for entry in archive.infolist()
            if entry.filename.partition("/")[2] == f"extra/{NAME_IN_ARCHIVE}"
        ]
        if len(entries) != 1:
            raise ManifestError(
                f"has {len(entries)} manifests; expected one. Export it again with this version"
            )
        with archive.open(entries[0]) as record:
            text = record.read(MAXIMUM_BYTES + 1)
    if len(text) > MAXIMUM_BYTES:
        raise ManifestError(
            f"has a manifest of more than {MAXIMUM_BYTES:,} bytes, the most allowed"
        )
    return text
