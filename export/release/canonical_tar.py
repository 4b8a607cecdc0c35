"""Writes a release as a tar in one canonical form, and recognizes that form byte for byte.

Programs disagree about a tar with extension headers: one reads a name or a size from a PAX header,
another from the plain header, and they unpack different files. In the canonical form there is
nothing to disagree about:

    ┌───────────────┬────────────────────┬───────────────┬────────────────────┬──────┬────────────┐
    │ header        │ content of         │ header        │ content of         │  …   │ zeros, to  │
    │ NAME/a, 512 B │ NAME/a, up to 512n │ NAME/b, 512 B │ NAME/b, up to 512n │      │ 10,240n    │
    └───────────────┴────────────────────┴───────────────┴────────────────────┴──────┴────────────┘

- Each member is a regular file, with a plain POSIX ustar header: no extension headers, folders,
  links or devices. All fields but name, size and checksum are constants (`_header`).
- All members lie in one folder, NAME, and are sorted by name.
- A name is at most 99 bytes of letters, digits and `_.+@-`, in parts divided by `/`. No part
  starts or ends with a dot. No two names, and no file and folder, are the same on a file system
  that ignores case; no part is a device of Windows.
- Zeros fill the last block of a member, and the end of the tar: at least 1,024 bytes, up to a
  multiple of 10,240.

`check_canonical` rebuilds each header from the name and the size in it and compares all 512 bytes,
so a header with anything else in it is refused.
"""

import dataclasses
import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from export.common.digests import Digest
from export.common.regular_file import FileError, open_regular
from wrapper.printable import printable

MAXIMUM_BYTES = 16 << 30
"""Largest accepted tar. A dozen of the largest artifacts have 5 GB."""
MAXIMUM_MEMBERS = 10_000
MAXIMUM_MEMBER_BYTES = (8 << 30) - 1
"""Largest accepted member; a plain header holds no larger size."""

_BLOCK = 512
_RECORD = 20 * _BLOCK
_CHUNK = 1 << 20
_MAXIMUM_NAME_BYTES = 99  # and a zero byte, in a field of 100
_PART = r"[A-Za-z0-9_+@-](?:[\w.+@-]*[\w+@-])?"
_NAME = re.compile(rf"{_PART}(?:/{_PART})+", re.ASCII)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_SIZE = re.compile(rb"[0-7]{11}\0")


class TarError(ValueError):
    """A tar or folder has no canonical form, or is not in it; the message names the member."""


class _File(Protocol):
    """The part of a file that this module uses."""

    def read(self, count: int, /) -> bytes: ...

    def write(self, data: bytes, /) -> object: ...


def check_canonical(path: Path) -> dict[str, str]:
    """Checks that a file is byte for byte the canonical tar of its own content.

    Reads the file once, in chunks, and extracts nothing. The content of the members is not checked.

    Args:
        path: An untrusted file.

    Returns:
        SHA-256 by name of every member, relative to the folder in the tar.

    Raises:
        TarError: The file is not a canonical tar.
        OSError: The file cannot be read.
    """
    digests = {}
    for name, content in read_members(path):
        digests[_relative(name)] = _digest_of(content)["sha256"]
    return digests


def read_members(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yields the name, with the folder, and the content of each member of a canonical tar.

    Read each content to its end before you ask for the next member. Trust no member before the
    iteration has ended without an error.

    Args:
        path: An untrusted file.

    Raises:
        TarError: The file is not a canonical tar.
        OSError: The file cannot be read.
    """
    with _open(path) as file:
        yield from _members(file)


def write_canonical(folder: Path, tar: _File, follow_links: bool = False) -> dict[str, Digest]:
    """Writes the canonical tar of a folder; the name of the folder is its name in the tar.

    Args:
        folder: A folder of regular files. May be untrusted.
        tar: File to write to.
        follow_links: Whether links to files are allowed, and stand for their files.

    Returns:
        Digest and size by path relative to the folder.

    Raises:
        TarError: The folder has no canonical tar: it is empty or too large, or holds a link, a
            device, an empty folder, or a name that is not allowed; or a file changed meanwhile.
        OSError: A file cannot be read or written.
    """
    names = _Names()
    digests: dict[str, Digest] = {}
    position = 0
    files = itertools.islice(_files(folder, folder.name), MAXIMUM_MEMBERS + 1)
    for name, path in sorted(files):
        names.add(name)
        with _open(path, MAXIMUM_MEMBER_BYTES, name, follow_links) as file:
            size = os.fstat(file.fileno()).st_size
            if position + size > MAXIMUM_BYTES:
                raise TarError(
                    f"the files have more than {MAXIMUM_BYTES:,} bytes, the most allowed"
                )
            tar.write(_header(name, size))
            sha256 = hashlib.sha256()
            for chunk in _content(file, name, size):
                sha256.update(chunk)
                tar.write(chunk)
            if file.read(1):
                raise TarError(f"{name} grew while it was read")
        tar.write(bytes(-size % _BLOCK))
        position += _BLOCK + size + -size % _BLOCK
        digests[_relative(name)] = {"sha256": sha256.hexdigest(), "bytes": size}
    names.check_any()
    tar.write(_end(position))
    return digests


@dataclasses.dataclass(frozen=True)
class ReleaseDigests:
    """Digests of a release.

    Attributes:
        files: SHA-256 by path of every file, relative to the folder.
        sizes: Size of each, in bytes, as it was when it was digested.
        tar_name: Name of the canonical tar, `FOLDER.tar`.
        tar_sha256: SHA-256 of the canonical tar.
    """

    files: dict[str, str]
    sizes: dict[str, int]
    tar_name: str
    tar_sha256: str

    def subjects(self) -> dict[str, str]:
        """Returns what a signature must cover, SHA-256 by name: each file, and the tar itself."""
        return {**self.files, self.tar_name: self.tar_sha256}


def digest_release(release: Path) -> ReleaseDigests:
    """Returns the digests of a release, which are the same for its folder and for its tar.

    Args:
        release: A folder with its original name, or a file that may be its canonical tar.
            Untrusted.

    Raises:
        TarError: The release is neither a canonical tar nor a folder that has one.
        OSError: The release cannot be read.
    """
    files: dict[str, Digest] = {}
    top = ""
    if release.is_dir():
        tar = _Hashing(None)
        folder = release.resolve()
        files = write_canonical(folder, tar)
        top = folder.name
    else:
        with _open(release) as file:
            tar = _Hashing(file)
            for name, content in _members(tar):
                top = name.partition("/")[0]
                files[_relative(name)] = _digest_of(content)
    if f"{top}.tar" in files:
        raise TarError(f"{top}/{top}.tar has the name of the tar itself")
    return ReleaseDigests(
        {path: found["sha256"] for path, found in files.items()},
        {path: found["bytes"] for path, found in files.items()},
        f"{top}.tar",
        tar.sha256.hexdigest(),
    )


class _Hashing:
    """A file whose bytes are hashed as they are read or written.

    Attributes:
        sha256: Hash of all bytes so far.
    """

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, count: int) -> bytes:
        """Reads from the file."""
        assert self._file
        data = self._file.read(count)
        self.sha256.update(data)
        return data

    def write(self, data: bytes) -> None:
        """Hashes the bytes, and writes them nowhere."""
        self.sha256.update(data)


class _Names:
    """The names of the members so far, each of which is checked against the others."""

    def __init__(self) -> None:
        self._top = ""
        self._previous = ""
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Checks the next name.

        Raises:
            TarError: The name is not allowed, or not after the one before.
        """
        shown = printable(name)
        if len(name) > _MAXIMUM_NAME_BYTES:
            raise TarError(f"{shown} is longer than {_MAXIMUM_NAME_BYTES} bytes, the most allowed")
        if not _NAME.fullmatch(name):
            raise TarError(
                f"{shown!r} is not allowed as a name; expected letters, digits and _.+@- in parts "
                "divided by /, none of which starts or ends with a dot"
            )
        if any(map(_DEVICE.fullmatch, name.split("/"))):
            raise TarError(f"{shown} has the name of a device of Windows")
        if len(self._files) == MAXIMUM_MEMBERS:
            raise TarError(f"there are more than {MAXIMUM_MEMBERS:,} members")
        if name <= self._previous:
            raise TarError(f"{shown} is there twice, or not in the order of the names")
        self._previous = name
        top, *_ = name.split("/")
        self._top = self._top or top
        if top != self._top:
            raise TarError(f"{shown} is not in the folder {self._top}")
        folders = [name[: match.start()] for match in re.finditer("/", name)]
        for folder in folders:
            known = self._folders.setdefault(folder.lower(), folder)
            if known != folder or folder.lower() in self._files:
                raise TarError(f"{shown}: its folder is there twice on a file system without case")
        if name.lower() in self._files or name.lower() in self._folders:
            raise TarError(f"{shown} is there twice on a file system without case")
        self._files.add(name.lower())

    def check_any(self) -> None:
        """Raises TarError if there was no name."""
        if not self._files:
            raise TarError("it holds no files")


def _members(file: _File) -> Iterator[tuple[str, Iterator[bytes]]]:
    names = _Names()
    position = 0
    while (header := file.read(_BLOCK)) != bytes(_BLOCK):
        name, size = _parse(header, position)
        names.add(name)
        if position + size > MAXIMUM_BYTES:  # A file can grow after it was opened.
            raise TarError(f"it has more than {MAXIMUM_BYTES:,} bytes, the most allowed")
        content = _content(file, name, size)
        yield name, content
        for _ in content:
            raise TarError(f"{name} was not read to its end")
        if file.read(-size % _BLOCK) != bytes(-size % _BLOCK):
            raise TarError(f"{name} is not followed by zeros to the end of its block")
        position += _BLOCK + size + -size % _BLOCK
    names.check_any()
    end = _end(position)
    if header + file.read(len(end)) != end:
        raise TarError(f"it does not end in {len(end):,} zeros after its last member")


def _parse(header: bytes, position: int) -> tuple[str, int]:
    """Returns name and size of a member if the header is the canonical one for them."""
    name = header[:100].rstrip(b"\0").decode("ascii", errors="replace")
    size = int(header[124:135], 8) if _SIZE.fullmatch(header[124:136]) else 0
    if header != _header(name, size):
        raise TarError(
            f"the header at {position:,} is not the plain one of a regular file with the fixed "
            "owner, mode and time (no extension headers, links, devices or folders are allowed)"
        )
    return name, size


def _header(name: str, size: int) -> bytes:
    """Returns the header of a member (POSIX.1-1988 ustar): 512 bytes."""
    header = b"".join(
        [
            name.encode("ascii", errors="replace").ljust(100, b"\0"),
            b"0000644\0",  # mode
            b"0000000\0",  # owner
            b"0000000\0",  # group
            b"%011o\0" % size,
            b"00000000000\0",  # time: 1970-01-01T00:00:00Z
            b"        ",  # checksum, summed as spaces
            b"0",  # type: a regular file
            bytes(100),  # target of a link
            b"ustar\x0000",  # magic number and version
            bytes(32),  # name of the owner
            bytes(32),  # name of the group
            b"0000000\0",  # major device number
            b"0000000\0",  # minor device number
            bytes(155),  # prefix of the name
            bytes(12),
        ]
    )
    return b"%s%06o\0 %s" % (header[:148], sum(header), header[156:])


def _end(position: int) -> bytes:
    """Returns the zeros that end a tar whose last member ends at `position`."""
    return bytes(2 * _BLOCK + -(position + 2 * _BLOCK) % _RECORD)


def _content(file: _File, name: str, size: int) -> Iterator[bytes]:
    while size:
        chunk = file.read(min(size, _CHUNK))
        if not chunk:
            raise TarError(f"{name} is cut short")
        size -= len(chunk)
        yield chunk


def _digest_of(content: Iterator[bytes]) -> Digest:
    sha256, size = hashlib.sha256(), 0
    for chunk in content:
        sha256.update(chunk)
        size += len(chunk)
    return {"sha256": sha256.hexdigest(), "bytes": size}


def _relative(name: str) -> str:
    return name.partition("/")[2]


def _open(
    path: Path, limit: int = MAXIMUM_BYTES, name: str = "it", follow_link: bool = True
) -> BinaryIO:
    try:
        return open_regular(path, limit, follow_link)
    except FileError as error:
        raise TarError(f"{name} {error}") from None


def _files(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yields the name in the tar, and the path, of everything below a folder but folders."""
    # A deeper or larger folder has no canonical tar; walking it could exhaust stack or memory.
    if len(name) > _MAXIMUM_NAME_BYTES:
        raise TarError(
            f"{printable(name)} is longer than {_MAXIMUM_NAME_BYTES} bytes, the most allowed"
        )
    entries = list(itertools.islice(folder.iterdir(), MAXIMUM_MEMBERS + 1))
    if not entries:
        raise TarError(f"{printable(name)} is an empty folder, which the tar would lose")
    if len(entries) > MAXIMUM_MEMBERS:
        raise TarError(f"{printable(name)} has more than {MAXIMUM_MEMBERS:,} entries")
    for entry in entries:
        inner = f"{name}/{entry.name}"
        if not entry.is_dir():
            yield inner, entry
        elif entry.is_symlink():
            raise TarError(f"{printable(inner)} is a link to a folder")
        else:
            yield from _files(entry, inner)
