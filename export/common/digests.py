"""Computes SHA-256 digests of files."""

import hashlib
from pathlib import Path
from typing import TypedDict


class Digest(TypedDict):
    """Digest and size of a file, as manifests state them.

    Attributes:
        sha256: SHA-256 in hexadecimal.
        bytes: Size in bytes.
    """

    sha256: str
    bytes: int


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path) -> Digest:
    """Returns the SHA-256 and the size of a file."""
    return {"sha256": sha256(path), "bytes": path.stat().st_size}
