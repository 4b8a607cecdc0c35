"""SHA256SUMS: a release, folder or tar, holds the files that it lists, unchanged, and no other."""

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHA256SUMS = "SHA256SUMS"
"""The list's own name, and the one file that is not in it. `sha256sum -c` accepts it."""


class ChecksumError(ValueError):
    """A release that is not what its list says; the message names the files."""


def to_text(digests: dict[str, str]) -> str:
    """The list, from SHA-256 by path relative to the top of the release."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))


def check(release: Path) -> dict[str, str]:
    """Holds a release to its list.

    Args:
        release: Its folder, or a tar of it.

    Returns:
        SHA-256 by path, of all files but the list.

    Raises:
        ChecksumError: A file is changed, missing, not in the list or no plain file; or there is no
            such list.
        OSError: The release cannot be read.
    """
    found = {}
    listed = None
    try:
        for path, file in _files(release):
            if path in found:
                raise ChecksumError(f"{release} has two files {path}")
            if path == SHA256SUMS and listed is None:
                lines = file.read().decode(errors="replace").splitlines()
                listed = {path: digest for digest, _, path in (x.partition("  ") for x in lines)}
            else:
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    except tarfile.TarError as error:
        raise ChecksumError(f"{release} is no folder, and no whole tar: {error}") from None
    if listed is None:
        raise ChecksumError(f"{release} has no {SHA256SUMS}")

    problems = [
        *(f"{path} is missing" for path in sorted(listed.keys() - found.keys())),
        *(f"{path} is not in {SHA256SUMS}" for path in sorted(found.keys() - listed.keys())),
        *(
            f"{path} is changed"
            for path in sorted(listed.keys() & found.keys())
            if listed[path] != found[path]
        ),
    ]
    if problems:
        raise ChecksumError(f"{release} is not as it was made: {'; '.join(problems)}")
    return found


def read(release: Path, name: str) -> bytes:
    """One file of a release that `check` has found good.

    Raises:
        ChecksumError: There is no such file.
        OSError: The release cannot be read.
    """
    for path, file in _files(release):
        if path == name:
            return file.read()
    raise ChecksumError(f"{release} has no {name}")


def _files(release: Path) -> Iterator[tuple[str, Any]]:
    """Each file, open, with its path relative to the top of the release."""
    if release.is_dir():
        for path in sorted(release.rglob("*")):
            if not path.is_dir():
                with path.open("rb") as file:
                    yield str(path.relative_to(release)), file
        return
    with tarfile.open(release) as tar:
        for member in tar:
            if member.isdir():
                continue
            if not member.isfile():
                raise ChecksumError(f"{release}: {member.name} is no plain file")
            yield member.name.partition("/")[2], tar.extractfile(member)
