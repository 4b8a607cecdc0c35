"""Writes, parses and checks SHA256SUMS, the list of the files of a release or a kit."""

import re
from collections.abc import Mapping
from pathlib import Path

from export.common.digests import sha256
from wrapper.printable import printable, printable_list

SHA256SUMS = "SHA256SUMS"
"""Name of the list, and the only file that the list omits. `sha256sum --check` accepts it."""

MAXIMUM_BYTES = 4 << 20
"""Largest accepted list; a release has about 20 files, a kit some hundreds."""

_PROBLEMS_SHOWN = 10

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


def check(folder: Path) -> dict[str, str]:
    """Checks that a folder holds exactly the files of its list, unchanged.

    Args:
        folder: Folder of a release or a kit.

    Returns:
        SHA-256 by path, of all files but the list.

    Raises:
        ChecksumError: A file is changed, missing or not in the list; or the list is missing or
            malformed.
        OSError: The folder cannot be read.
    """
    if not (folder / SHA256SUMS).is_file():
        raise ChecksumError(f"{printable(str(folder))} has no {SHA256SUMS}")
    found = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in folder.rglob("*")
        if not path.is_dir() and path != folder / SHA256SUMS
    }
    with (folder / SHA256SUMS).open("rb") as file:
        compare(found, file.read(MAXIMUM_BYTES + 1))
    return found


def compare(found: Mapping[str, str], text: bytes) -> None:
    """Checks that files are exactly those of a list.

    Args:
        found: SHA-256 by path, of all files but the list.
        text: Content of an untrusted SHA256SUMS file.

    Raises:
        ChecksumError: The list is malformed, or the files differ from it; the message names them.
    """
    listed = parse(text)
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
        shown = printable_list(problems, _PROBLEMS_SHOWN)
        raise ChecksumError(f"the files differ from {SHA256SUMS}: {shown}")
