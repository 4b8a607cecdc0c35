"""Opens untrusted paths: regular files of a bounded size only."""

import io
import os
import stat
from pathlib import Path

_OTHER = "is a folder, a pipe or a device; expected a regular file"


class FileError(ValueError):
    """A path is refused. The message is a predicate; callers put the name of the file in front."""


def open_regular(path: Path, limit: int, follow_link: bool = True) -> io.BufferedReader:
    """Opens a file for reading.

    Args:
        path: An untrusted path.
        limit: Largest accepted size, in bytes.
        follow_link: Whether the path may be a symbolic link to a file. Links in the folders above
            are always followed.

    Raises:
        FileError: The path is a folder, a pipe or a device, or a link where none may be; or the
            file is too large.
        OSError: The file cannot be opened.
    """
    # Looked at first, because opening a device can have effects, and opening a socket fails.
    status = path.stat() if follow_link else path.lstat()
    if not follow_link and stat.S_ISLNK(status.st_mode):
        raise FileError("is a link; expected a regular file")
    if not stat.S_ISREG(status.st_mode):
        raise FileError(_OTHER)
    # And again once it is open, because the path may name something else by then. Without
    # O_NONBLOCK, opening a named pipe would wait for a writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_link else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileError(_OTHER)
        if status.st_size > limit:
            raise FileError(f"has {status.st_size:,} bytes; at most {limit:,} are allowed")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, limit: int) -> bytes:
    """Returns the content of a file.

    Args:
        path: An untrusted path.
        limit: Largest accepted size, in bytes.

    Raises:
        FileError: The path is a folder, a pipe or a device; or the file is too large, or grows
            beyond the limit while it is read.
        OSError: The file cannot be read.
    """
    with open_regular(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileError(f"has more than {limit:,} bytes, the most allowed")
    return content
