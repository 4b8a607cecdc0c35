"""Writes, parses and checks SHA256SUMS, the list of the files of a release or a kit."""

import hashlib
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SHA256SUMS = "SHA256SUMS"
"""Name of the list, and the only file that the list omits. `sha256sum --check` accepts it."""

MAXIMUM_BYTES = 4 << 20
"""Largest accepted list; a release has about 20 files, a kit some hundreds."""

_PART = r"(?!\.{1,2}(?:/|$))[\w.+@%~-]+"
_LINE = re.compile(rf"(?P<sha256>[0-9a-f]{{64}})  (?P<path>{_PART}(?:/{_PART})*)", re.ASCII)


class ChecksumError(ValueError):
    """The files differ from the list, or there is no valid list; the message names the files."""


def to_text(digests: Mapping[str, str]) -> str:
    """Returns the list: one line per file, sorted by path.

    Args:
        digests: SHA-256 in hexadecimal by path relative to the folder of the list.
    """
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))


def parse(text: bytes) -> dict[str, str]:
    """Parses a list, and accepts exactly what `to_text` writes.

    Args:
        text: Content of an untrusted SHA256SUMS file.

    Returns:
        SHA-256 by path. Each path is relative, uses `/`, and has no `.` or `..` part.

    Raises:
        ChecksumError: The list is too large, a line is not `SHA256  PATH`, or the lines are not
            sorted by path with each path once.
    """
    if len(text) > MAXIMUM_BYTES:
        raise ChecksumError(
            f"{SHA256SUMS} has {len(text):,} bytes; at most {MAXIMUM_BYTES:,} are allowed"
        )
    lines = text.decode("ascii", errors="replace").split("\n")
    if lines.pop():
        raise ChecksumError(f"{SHA256SUMS} does not end in a newline")
    digests: dict[str, str] = {}
    previous = ""
    for number, line in enumerate(lines, 1):
        entry = _LINE.fullmatch(line)
        if not entry:
            raise ChecksumError(f"{SHA256SUMS}, line {number}: expected a SHA-256 and a path")
        if entry["path"] <= previous:
            raise ChecksumError(
                f"{SHA256SUMS}, line {number}: {entry['path']} is out of order or listed twice"
            )
        previous = entry["path"]
        digests[previous] = entry["sha256"]
    return digests


def check(release: Path) -> dict[str, str]:
    """Checks that a release holds exactly the files of its list, unchanged.

    Args:
        release: The folder of the release, or a tar of it.

    Returns:
        SHA-256 by path, of all files but the list.

    Raises:
        ChecksumError: A file is changed, missing, not in the list or not a regular file; or the
            list is missing or malformed.
        OSError: The release cannot be read.
    """
    found: dict[str, str] = {}
    listed = None
    try:
        for path, file in _files(release):
            if path in found:
                raise ChecksumError(f"{release} has two files {path}")
            if path == SHA256SUMS and listed is None:
                listed = parse(file.read(MAXIMUM_BYTES + 1))
            else:
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    except tarfile.TarError as error:
        raise ChecksumError(f"{release} is neither a folder nor a complete tar: {error}") from None
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
        raise ChecksumError(f"{release} differs from its {SHA256SUMS}: {'; '.join(problems)}")
    return found


def read(release: Path, name: str) -> bytes:
    """Returns the content of one file of a release that `check` accepted.

    Raises:
        ChecksumError: There is no such file.
        OSError: The release cannot be read.
    """
    for path, file in _files(release):
        if path == name:
            return file.read()
    raise ChecksumError(f"{release} has no {name}")


def _files(release: Path) -> Iterator[tuple[str, Any]]:
    """Yields each file's path relative to the top of the release, and the opened file."""
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
                raise ChecksumError(f"{release}: {member.name} is not a regular file")
            yield member.name.partition("/")[2], tar.extractfile(member)
