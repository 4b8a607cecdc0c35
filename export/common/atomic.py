"""Writes files that appear whole or not at all."""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from export.common.printable import printable

_SUFFIX = ".partial"
_MAXIMUM_NAME_BYTES = 200
"""Longest name that the hidden folder's name repeats. File systems allow 255 bytes in all."""

_ATTEMPTS = 100
_PARENT = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
"""A folder that can be written to need not be readable."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields the path of a file to write, which replaces `path` at the end of the block.

    If an error or Ctrl-C ends the block early, `path` is unchanged and nothing is left beside it.
    A killed writer leaves a hidden folder; the next writer of `path` removes it.

    On Linux the yielded path leads through a descriptor of this process, so another user who owns
    the folder of `path` cannot redirect what is written. A child process that does not inherit
    descriptors cannot open it; give such a child an open file.

    Args:
        path: File to make. Its folder must exist.

    Raises:
        OSError: The file cannot be made; the message names it.
    """
    with contextlib.ExitStack() as stack:
        with _naming(path):
            parent = os.open(path.parent, _PARENT)
            stack.callback(os.close, parent)
            _remove_abandoned(path, parent)
            name, folder = _make_folder(path, parent)
        stack.callback(_remove, name, parent)
        stack.callback(os.close, folder)
        stack.callback(shutil.rmtree, ".", ignore_errors=True, dir_fd=folder)
        shown = _path_of(folder) or path.parent / name
        try:
            yield shown / path.name
        except Exception as error:
            _name_instead(error, shown, path)
            raise
        with _naming(path):
            _finish(path.name, folder)
            os.replace(path.name, path.name, src_dir_fd=folder, dst_dir_fd=parent)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}") from error


def _name_instead(error: Exception, shown: Path, path: Path) -> None:
    """Puts the path that the user knows into the error of a writer."""
    known = "" if path.parent == Path() else printable(f"{path.parent}/")
    error.args = tuple(
        arg.replace(f"{shown}/", known) if isinstance(arg, str) else arg for arg in error.args
    )
    if isinstance(error, OSError) and str(error.filename) == str(shown / path.name):
        error.filename = str(path)


def _path_of(folder: int) -> Path | None:
    """Returns a path that leads to an open folder whatever is done to its name."""
    path = Path(f"/proc/self/fd/{folder}")
    with contextlib.suppress(OSError):
        if os.path.samestat(path.stat(), os.fstat(folder)):
            return path
    return None


def _finish(name: str, folder: int) -> None:
    """Flushes a written file to the disk.

    Raises:
        OSError: It is missing, or it is not a regular file of this user.
    """
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.fstat(folder).st_uid:
            raise OSError(errno.EINVAL, "what was written is not a regular file of this user")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(path: Path, parent: int) -> tuple[str, int]:
    """Returns the name and a descriptor of a new, locked folder beside `path`.

    Raises:
        OSError: It cannot be made, or another process puts something else in its place each time.
    """
    for _ in range(_ATTEMPTS):
        name = f"{_prefix(path)}{secrets.token_hex(4)}{_SUFFIX}"
        os.mkdir(name, 0o700, dir_fd=parent)
        with contextlib.ExitStack() as stack:
            stack.callback(_remove, name, parent)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                folder = _open(name, parent)
                stack.callback(os.close, folder)
                if (
                    _is_ours(path.name, folder)
                    and _lock(folder) is not False
                    # Before the lock, another writer may have removed it as an abandoned one.
                    and os.path.samestat(os.lstat(name, dir_fd=parent), os.fstat(folder))
                ):
                    stack.pop_all()
                    return name, folder
    raise PermissionError(
        errno.EPERM, "another user or process exchanges or removes the temporary folder beside it"
    )


def _is_ours(name: str, folder: int) -> bool:
    """Returns whether a folder is empty and of this user. Lets nobody else write to it."""
    with contextlib.suppress(OSError):
        os.fchmod(folder, 0o700)
    with os.scandir(folder) as entries:
        if next(entries, None):
            return False
    # The owner of a new file tells, because a network's file system may change the user's number.
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    owner = os.fstat(descriptor).st_uid
    os.close(descriptor)
    os.unlink(name, dir_fd=folder)
    return owner == os.fstat(folder).st_uid


def _remove_abandoned(path: Path, parent: int) -> None:
    """Removes the unlocked folders of killed writers of `path`."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [other.name for other in path.parent.iterdir()]
    for name in names:
        if name.startswith(_prefix(path)) and name.endswith(_SUFFIX):
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                folder = _open(name, parent)
                stack.callback(os.close, folder)
                if _lock(folder):
                    stack.callback(_remove, name, parent)
                    # Only what a writer leaves: somebody may give this name to another folder.
                    os.unlink(path.name, dir_fd=folder)


def _prefix(path: Path) -> str:
    name = os.fsencode(path.name)
    long = len(name) > _MAXIMUM_NAME_BYTES
    return f".{hashlib.sha256(name).hexdigest()[:16] if long else path.name}."


def _open(name: str, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _remove(name: str, parent: int) -> None:
    """Removes a folder if it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=parent)


def _lock(folder: int) -> bool | None:
    """Locks a folder; returns False if another process has locked it, None if there are no locks.

    It never waits, because any user who can read a folder can lock it.
    """
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
