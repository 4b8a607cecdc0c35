"""How manifests and reports are written down: their text, and the digests in it. Needs no torch."""

import hashlib
import json
from pathlib import Path
from typing import Any

NAME_IN_ARCHIVE = "corridorkey.json"
"""Extra file of the .pt that holds its manifest, all but what is read off the .pt itself."""


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
