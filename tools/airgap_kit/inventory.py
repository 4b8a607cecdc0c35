"""Lists the files of a kit in SHA256SUMS, and what each is for in manifest.json."""

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from export.common import sha256sums
from export.common.atomic import replacing
from export.common.digests import digest, sha256
from export.common.json_text import to_json
from export.common.printable import printable
from export.common.sha256sums import SHA256SUMS
from tools.airgap_kit.errors import GapError

_MANIFEST = "manifest.json"

_CHECKED = ("distdir", "wheels")
"""Folders whose files are checked against pins each time; they save downloads."""

_MADE = rf"{SHA256SUMS}|manifest\.json|bazel|registry|debian-root-[\w-]+\.tar\.gz"
_ANEW = re.compile(rf"{_MADE}|\.(?:{_MADE})\.\w+\.partial", re.ASCII)
"""Names of what each run makes anew, and of what a killed run leaves of it."""


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


def empty(kit: Path) -> None:
    """Removes all of an earlier kit that no pin vouches for; somebody else may have put it there.

    The list goes too, and no build uses a kit without one.

    Raises:
        GapError: Something else is in the folder, so it may not be a kit's.
    """
    with _opened(kit) as folder:
        names = sorted(_names(folder) - {*_CHECKED})
        if others := [name for name in names if not _ANEW.fullmatch(name)]:
            raise GapError(
                f"{printable(str(kit / others[0]))} is not a part of a kit; expected an empty "
                "folder or an earlier kit. Remove it, or name another folder with --output"
            )
        for name in names:
            _remove(name, folder)


def keep_only(folder: Path, names: Iterable[str]) -> None:
    """Removes everything else from a folder, such as files of an earlier or interrupted run.

    Raises:
        GapError: A link has taken the place of the folder.
    """
    with _opened(folder) as descriptor:
        for name in sorted(_names(descriptor) - {*names}):
            click.echo(f"removing {printable(name)}, which this kit does not need")
            _remove(name, descriptor)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Opens a folder, so that nothing is removed elsewhere when a link takes its place."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError:
        raise GapError(
            f"{printable(str(folder))} is a link or a file; expected a folder. Remove it, and let "
            "nobody else write to the kit while it is gathered"
        ) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _names(folder: int) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def _remove(name: str, folder: int) -> None:
    """Removes a file, a link or a whole folder from an open folder."""
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def write(kit: Path, contents: dict[str, Any]) -> dict[str, Any]:
    """Writes the manifest of a kit, then the list of its files.

    Args:
        kit: Folder of the kit.
        contents: Further entries of the manifest. They contain no time and no path.

    Returns:
        The manifest: `contents`, and `files` with `sha256` and `bytes` of each file by its path.

    Raises:
        GapError: There is something other than files and folders in the kit by now.
    """
    refuse_others(kit)
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
