"""Rewrites the zip file of `torch.jit.save` in a canonical form. Needs no torch.

The zip file of `torch.jit.save` depends on the name of the output file, and contains source paths
and a serial number derived from them. The canonical archive holds the other records, sorted, in one
folder of a fixed name, uncompressed and without dates. Its own canonical archive is itself.
"""

import shutil
import struct
import zipfile
from pathlib import Path

FOLDER = "CorridorKey"
"""Folder of every record in the canonical archive."""
_ALIGNMENT = 64
"""Alignment of each record's data, in bytes. libtorch maps tensor data from files aligned so."""
_ZIP_HEADER = 30
"""Size of a local file header without the name, in bytes (PKWARE's APPNOTE.TXT, 4.3.7)."""


def canonicalize(raw: Path, path: Path) -> None:
    """Writes the canonical archive of the TorchScript archive `raw` to `path`."""
    with (
        zipfile.ZipFile(raw) as source,
        path.open("wb") as file,
        zipfile.ZipFile(file, "w") as target,
    ):
        records = {name.partition("/")[2]: name for name in source.namelist()}
        for record in sorted(filter(_is_content, records)):
            info = zipfile.ZipInfo(f"{FOLDER}/{record}")
            info.create_system = 3  # Unix; zipfile's default depends on the machine.
            info.file_size = source.getinfo(records[record]).file_size
            info.extra = _padding(file.tell() + _ZIP_HEADER + len(info.filename))
            with source.open(records[record]) as reader, target.open(info, "w") as writer:
                shutil.copyfileobj(reader, writer)


def _is_content(record: str) -> bool:
    """Returns False for debug records and the serial number, which name source paths."""
    return not record.endswith(".debug_pkl") and record != ".data/serialization_id"


def _padding(position: int) -> bytes:
    """Returns a zip extra field after which data that would start at `position` is aligned."""
    header = 4
    length = -(position + header) % _ALIGNMENT
    return struct.pack("<2sH", b"FB", length) + bytes(length)  # FB is libtorch's tag for padding.
