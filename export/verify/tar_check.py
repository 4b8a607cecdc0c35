"""A tar of a release → its folder, if it holds nothing but plain files in one folder."""

import re
import shutil
import tarfile
from pathlib import Path

_MAXIMUM_BYTES = 16 << 30
"""Of a tar. A dozen of the largest artefacts have 5 GB."""
_MAXIMUM_MEMBERS = 10_000

_NAME = re.compile(r"[\w.+@-]+(/[\w.+@-]+)*", re.ASCII)


class TarError(ValueError):
    """A tar that must not be unpacked; the message names the member."""


def unpack(tar_file: Path, folder: Path) -> Path:
    """Unpacks the tar of a release, once every member of it has been looked at.

    Args:
        tar_file: A tar, not compressed, that nobody vouches for.
        folder: An empty folder that nobody else can write to.

    Returns:
        The folder of the release, in `folder`.

    Raises:
        TarError: A member is a link or a device, has a name that does not belong there or twice, or
            there is too much of it.
        OSError: The tar cannot be read, or there is no disk for its content.
    """
    if tar_file.stat().st_size > _MAXIMUM_BYTES:
        raise TarError(f"it has {tar_file.stat().st_size:,} bytes, more than any release")
    try:
        with tarfile.open(tar_file, "r:") as tar:
            members: dict[str, tarfile.TarInfo] = {}
            for member in tar:
                if len(members) == _MAXIMUM_MEMBERS:
                    raise TarError(f"it has more than {_MAXIMUM_MEMBERS:,} members")
                if member.name in members:
                    raise TarError(f"{member.name} is in it twice")
                _check(member)
                members[member.name] = member
            # tarfile takes a damaged header for the end.
            with tar_file.open("rb") as file:
                file.seek(tar.offset)
                while chunk := file.read(1 << 20):
                    if chunk.strip(b"\0"):
                        raise TarError(f"it is damaged at {tar.offset:,}, or more bytes follow")
            tops = {name.partition("/")[0] for name in members}
            if len(tops) != 1 or tops & {name for name in members if members[name].isreg()}:
                raise TarError(f"it has {', '.join(sorted(tops)) or 'nothing'}, not one folder")
            # Not extractall, whose filters Debian's Python lacks: owners, modes and whatever
            # else a member says of itself are left behind.
            for member in members.values():
                path = folder / member.name
                (path if member.isdir() else path.parent).mkdir(parents=True, exist_ok=True)
                if content := tar.extractfile(member):
                    with content, path.open("xb") as file:
                        shutil.copyfileobj(content, file)
    except (FileExistsError, NotADirectoryError):
        raise TarError(f"{member.name} is a file and a folder") from None
    except (tarfile.TarError, UnicodeDecodeError) as error:
        raise TarError(f"it is no tar, or damaged: {error}") from None
    return folder / tops.pop()


def _check(member: tarfile.TarInfo) -> None:
    name = member.name
    if not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
        raise TarError(f"{name!r} is no name of a file in a release")
    if not (member.isdir() or (member.isreg() and not member.issparse())):
        raise TarError(f"{name} is a link or a device, not a plain file")
