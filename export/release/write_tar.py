"""Writes the canonical tar of a release's folder: what NAME_tar of `corridorkey_release` runs.

usage: write_tar.py FOLDER TAR
"""

import sys
from pathlib import Path

from export.common.atomic import replacing
from export.release.canonical_tar import TarError, write_canonical


def main(folder: Path, tar: Path) -> None:
    """Writes the tar.

    Raises:
        SystemExit: The folder has no canonical tar.
    """
    try:
        with replacing(tar) as partial, partial.open("wb") as file:
            # Bazel's sandbox shows input files as links.
            write_canonical(folder, file, follow_links=True)
    except TarError as error:
        sys.exit(f"{tar} is not written, because of {folder}: {error}.")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
