"""Bazel itself: the air-gapped root as an archive or, outside of one, the binary that runs."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click

from export.common.atomic import replacing
from export.common.digests import digest
from tools.airgap_kit import bazel
from tools.airgap_kit.errors import GapError


def in_root() -> bool:
    """Whether this runs in the air-gapped root, which has an interpreter and the modules too."""
    return "CORRIDORKEY_DEBIAN_ROOT" in os.environ


def gather(kit: Path, known: Mapping[str, str]) -> str:
    """Puts the Bazel that runs into a kit.

    `tools/bazel` takes the root from there by itself; the binary is for BAZEL_REAL.

    Args:
        kit: Folder of the kit.
        known: SHA-256 by path, as the kit's own list had them: an archive that is still so is kept.

    Returns:
        Name of the file.

    Raises:
        GapError: The root cannot be packed.
        OSError: The kit cannot be written.
    """
    if not in_root():
        (binary,) = bazel.command()
        with replacing(kit / "bazel") as partial:
            shutil.copy(shutil.which(binary) or binary, partial)
        return "bazel"

    # Named after the recipe: tools/debian_root/make looks for its own.
    root = Path(os.environ["CORRIDORKEY_DEBIAN_ROOT"])
    archive = kit / f"{root.name}.tar.gz"
    for other in set(kit.glob("debian-root-*.tar.gz")) - {archive}:
        other.unlink()
    if not (archive.exists() and digest(archive)["sha256"] == known.get(archive.name)):
        click.echo(f"packing {root}")
        with replacing(archive) as partial:
            command = (
                *("tar", "--create", "--use-compress-program=gzip --fast", "--sort=name"),
                *("--numeric-owner", f"--file={partial}", f"--directory={root}", "etc", "usr"),
            )
            if subprocess.run(command, check=False).returncode:
                raise GapError(f"{root} could not be packed; tar's own words are above")
    return archive.name
