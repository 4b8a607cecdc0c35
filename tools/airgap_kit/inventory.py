"""Lists the files of a kit in SHA256SUMS, and what each is for in manifest.json."""

import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from export.common import sha256sums
from export.common.atomic import replacing
from export.common.digests import digest, sha256
from export.common.json_text import to_json
from export.common.printable import printable
from export.common.regular_file import FileError, read_regular
from export.common.sha256sums import SHA256SUMS, ChecksumError
from tools.airgap_kit.errors import GapError

_MANIFEST = "manifest.json"


def refuse_others(kit: Path) -> None:
    """Checks that a folder, which may have come on somebody's disk, has files and folders only.

    Raises:
        GapError: There is a link in it: what is written and removed there would be written and
            removed elsewhere. Or there is a pipe, a socket or a device: reading one need not end.
    """
    for path in kit.rglob("*"):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            kind = "a link" if stat.S_ISLNK(mode) else "a pipe, a socket or a device"
            raise GapError(f"{printable(str(path))} is {kind}; expected none in a kit. Remove it")


def read(kit: Path) -> dict[str, str]:
    """Returns the list of a kit, SHA-256 by path, or nothing if it has no valid list."""
    try:
        return sha256sums.parse(read_regular(kit / SHA256SUMS, sha256sums.MAXIMUM_BYTES))
    except (FileNotFoundError, FileError, ChecksumError):
        return {}


def keep_only(folder: Path, names: Iterable[str]) -> None:
    """Removes everything else from a folder, such as files of an earlier or interrupted run."""
    kept = set(names)
    for path in sorted(folder.iterdir()):
        if path.name not in kept:
            click.echo(f"removing {printable(path.name)}, which this kit does not need")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write(kit: Path, contents: dict[str, Any]) -> dict[str, Any]:
    """Writes the manifest of a kit, then the list of its files.

    Args:
        kit: Folder of the kit.
        contents: Further entries of the manifest. They contain no time and no path.

    Returns:
        The manifest: `contents`, and `files` with `sha256` and `bytes` of each file by its path.
    """
    files = {
        path.relative_to(kit).as_posix(): digest(path)
        for path in sorted(kit.rglob("*"))
        if path.is_file() and path.name not in (SHA256SUMS, _MANIFEST)
    }
    manifest = contents | {"files": files}
    with replacing(kit / _MANIFEST) as partial:
        partial.write_text(to_json(manifest))
    sums = {path: entry["sha256"] for path, entry in files.items()}
    sums[_MANIFEST] = sha256(kit / _MANIFEST)
    with replacing(kit / SHA256SUMS) as partial:
        partial.write_text(sha256sums.to_text(sums))
    return manifest
