"""Files that appear whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields the path of a file to write, which then takes the place of `path`.

    Whatever ends the block early, an error or Ctrl-C, leaves `path` as it was and nothing beside
    it.

    Args:
        path: The file to make. Its folder must exist.

    Raises:
        OSError: The file cannot be made; the message names it.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}") from error
    with folder:
        partial = Path(folder.name, path.name)
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
