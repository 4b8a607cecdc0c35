"""Computes SHA-256 digests of files."""

import hashlib
import sys
from pathlib import Path
from typing import TypedDict

from export.common.regular_file import FileError, open_regular
from wrapper.printable import printable


class Digest(TypedDict):
    """Digest and size of a file, as manifests state them.

    Attributes:
        sha256: SHA-256 in hexadecimal.
        bytes: Size in bytes.
    """

    sha256: str
    bytes: int


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: The path is a folder, a pipe or a device; or the file cannot be read.
    """
    try:
        with open_regular(path, sys.maxsize) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileError as error:
        raise OSError(f"{printable(str(path))} {error}") from None


def digest(path: Path) -> Digest:
    """Returns the SHA-256 and the size of a file.

    Raises:
        OSError: The path is a folder, a pipe or a device; or the file cannot be read.
    """
    return {"sha256": sha256(path), "bytes": path.stat().st_size}
