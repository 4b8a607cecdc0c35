"""Writes files that appear whole or not at all."""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".partial"
_MAXIMUM_NAME_BYTES = 200
"""Longest name that the hidden folder's name repeats. File systems allow 255 bytes in all."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields the path of a file to write, which replaces `path` at the end of the block.

    If an error or Ctrl-C ends the block early, `path` is unchanged and nothing is left beside it.
    A killed writer leaves a hidden folder; the next writer of `path` removes it.

    Args:
        path: File to make. Its folder must exist.

    Raises:
        OSError: The file cannot be made; the message names it.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_folder_for(path))
        except OSError as error:
            raise OSError(f"cannot write {path}: {error.strerror}") from error
        partial = folder / path.name
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)


@contextlib.contextmanager
def _folder_for(path: Path) -> Iterator[Path]:
    """Yields a locked folder beside `path`, and removes the unlocked ones of killed writers."""
    name = os.fsencode(path.name)
    long = len(name) > _MAXIMUM_NAME_BYTES
    prefix = f".{hashlib.sha256(name).hexdigest()[:16] if long else path.name}."
    with contextlib.ExitStack() as stack:
        # The lock keeps other writers from finding a folder before it is locked.
        with _locked(path.parent, fcntl.LOCK_EX) as alone:
            if alone:
                for abandoned in path.parent.glob(f"{glob.escape(prefix)}*{_SUFFIX}"):
                    with _locked(abandoned, fcntl.LOCK_EX | fcntl.LOCK_NB) as unused:
                        if unused:
                            shutil.rmtree(abandoned, ignore_errors=True)
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix=prefix, suffix=_SUFFIX, dir=path.parent)
                )
            )
            stack.enter_context(_locked(folder, fcntl.LOCK_EX))
        yield folder


@contextlib.contextmanager
def _locked(folder: Path, operation: int) -> Iterator[bool]:
    """Locks a folder for a `with` block; yields False if it cannot be locked.

    Some file systems have no locks, and the folder may belong to another user.
    """
    with contextlib.ExitStack() as stack:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, operation)
        except OSError:
            yield False
        else:
            yield True
