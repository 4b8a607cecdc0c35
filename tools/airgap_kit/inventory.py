"""What is in a kit: SHA256SUMS, which `sha256sum --check` accepts, and what each file is for."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from export.common.atomic import replacing
from export.common.digests import digest
from export.common.json_text import to_json

_LIST = "SHA256SUMS"
_MANIFEST = "manifest.json"


def read(kit: Path) -> dict[str, str]:
    """SHA-256 by path as the list has it; nothing where there is no list yet."""
    if not (kit / _LIST).exists():
        return {}
    lines = (line.partition("  ") for line in (kit / _LIST).read_text().splitlines())
    return {path: sha256 for sha256, _, path in lines}


def keep_only(folder: Path, names: Iterable[str]) -> None:
    """Removes all else from a folder: what an earlier gathering wanted, or was killed over."""
    kept = set(names)
    for path in sorted(folder.iterdir()):
        if path.name not in kept:
            click.echo(f"removing {path.name}, which this kit does not need")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write(kit: Path, contents: dict[str, Any]) -> dict[str, Any]:
    """Writes the manifest of a kit, then the list of its files.

    Args:
        kit: Folder of the kit.
        contents: What the manifest says beside the files: names no time and no path.

    Returns:
        The manifest: `contents`, and `files` with `sha256` and `bytes` of each by its path.
    """
    files = {
        path.relative_to(kit).as_posix(): digest(path)
        for path in sorted(kit.rglob("*"))
        if path.is_file() and path.name not in (_LIST, _MANIFEST)
    }
    manifest = contents | {"files": files}
    with replacing(kit / _MANIFEST) as partial:
        partial.write_text(to_json(manifest))
    sums = {path: entry["sha256"] for path, entry in files.items()}
    sums[_MANIFEST] = digest(kit / _MANIFEST)["sha256"]
    with replacing(kit / _LIST) as partial:
        partial.write_text("".join(f"{sums[path]}  {path}\n" for path in sorted(sums)))
    return manifest
