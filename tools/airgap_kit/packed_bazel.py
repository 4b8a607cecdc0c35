"""Adds Bazel to a kit: the Debian root as an archive or, outside of one, the running binary."""

import os
import shutil
import subprocess
from pathlib import Path

import click

from export.common.atomic import replacing
from tools.airgap_kit import bazel
from tools.airgap_kit.errors import GapError


def in_root() -> bool:
    """Returns whether this process runs in the Debian root, which has Python and modules."""
    return "CORRIDORKEY_DEBIAN_ROOT" in os.environ


def gather(kit: Path) -> str:
    """Puts the running Bazel into a kit.

    `tools/bazel` finds the root in a kit; the binary is for BAZEL_REAL.

    Args:
        kit: Folder of the kit.

    Returns:
        Name of the file.

    Raises:
        GapError: tar cannot pack the root.
        OSError: The kit cannot be written.
    """
    if not in_root():
        (binary,) = bazel.command()
        with replacing(kit / "bazel") as partial:
            shutil.copy(shutil.which(binary) or binary, partial)
        return "bazel"

    # The root is named after its recipe, and tools/debian_root/make looks for that name.
    root = Path(os.environ["CORRIDORKEY_DEBIAN_ROOT"])
    archive = kit / f"{root.name}.tar.gz"
    click.echo(f"packing {root}")
    command = (
        *("tar", "--create", "--use-compress-program=gzip --fast", "--sort=name"),
        *("--numeric-owner", f"--directory={root}", "etc", "usr"),
    )
    with replacing(archive) as partial, partial.open("wb") as file:
        if subprocess.run(command, stdout=file, check=False).returncode:
            raise GapError(f"tar could not pack {root}; its output is above")
    return archive.name
