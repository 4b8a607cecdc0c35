"""The canonical archive: what becomes of the zip file that `torch.jit.save` writes. Needs no torch.

That depends on the name of the file, and carries the paths of the source code and a serial number
made from them. The canonical archive holds the same records without those, sorted, under one fixed
folder, undated and uncompressed. It is its own canonical archive, byte for byte.
"""

import shutil
import struct
import zipfile
from pathlib import Path

FOLDER = "CorridorKey"
_ALIGNMENT = 64
"""Bytes; what libtorch aligns tensor data to, so that a file can be mapped into memory."""
_ZIP_HEADER = 30
"""Bytes in front of a record's name (PKWARE's APPNOTE.TXT, 4.3.7)."""


def canonicalise(raw: Path, path: Path) -> None:
    """Writes the canonical archive of the TorchScript archive `raw` to `path`."""
    with (
        zipfile.ZipFile(raw) as source,
        path.open("wb") as file,
        zipfile.ZipFile(file, "w") as target,
    ):
        records = {name.partition("/")[2]: name for name in source.namelist()}
        for record in sorted(filter(_is_content, records)):
            info = zipfile.ZipInfo(f"{FOLDER}/{record}")
            info.create_system = 3  # Unix; zipfile's default depends on the machine
            info.file_size = source.getinfo(records[record]).file_size
            info.extra = _padding(file.tell() + _ZIP_HEADER + len(info.filename))
            with source.open(records[record]) as reader, target.open(info, "w") as writer:
                shutil.copyfileobj(reader, writer)


def _is_content(record: str) -> bool:
    return not record.endswith(".debug_pkl") and record != ".data/serialization_id"


def _padding(position: int) -> bytes:
    """A zip extra field that moves the data which begins at `position` on to the alignment."""
    header = 4
    length = -(position + header) % _ALIGNMENT
    return struct.pack("<2sH", b"FB", length) + bytes(length)  # libtorch's own tag for padding
