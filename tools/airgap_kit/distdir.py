"""Gathers what Bazel itself downloads into a folder for `--distdir`."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import click

from export.common.digests import sha256
from tools.airgap_kit.bazel import Bazel
from tools.airgap_kit.errors import GapError


def gather(
    bazel: Bazel,
    folder: Path,
    repository: str,
    pins: Mapping[str, str],
    flags: Iterable[str] = (),
    remedy: str = "",
) -> list[str]:
    """Adds the files that a repository downloads to a folder.

    Args:
        bazel: Fetches the repository if the folder lacks its files.
        folder: Folder for `--distdir`.
        repository: `@NAME`, or `@@NAME` with a canonical name.
        pins: SHA-256 by URL or file name of everything that the repository may download. Each
            platform downloads one of them.
        flags: Flags for `bazel fetch`.
        remedy: Advice to add to the error message.

    Returns:
        Names of the files.

    Raises:
        GapError: Bazel cannot fetch the repository.
    """
    wanted = {PurePosixPath(url).name: digest for url, digest in pins.items()}
    names = [
        name
        for name, digest in wanted.items()
        if (folder / name).exists() and sha256(folder / name) == digest
    ]
    if not names:
        click.echo(f"fetching {repository}")
        output = bazel.fetch(repository, *flags)
        names = [name for name, digest in wanted.items() if bazel.take(digest, folder / name)]
        if not names:
            raise GapError(f"Bazel cannot fetch {repository}:\n{output}{remedy}")
    return names
