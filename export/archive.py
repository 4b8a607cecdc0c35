"""A ScriptModule → canonical bytes: the same module gives the same file, anywhere.

What `torch.jit.save` writes depends on the name of the file, and carries the paths of the source
code and a serial number made from them. The canonical archive holds the same records without those,
sorted, under one fixed folder, undated and uncompressed.
"""

import shutil
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

_FOLDER = "CorridorKey"
_ALIGNMENT = 64
"""Bytes; what libtorch aligns tensor data to, so that a file can be mapped into memory."""
_ZIP_HEADER = 30
"""Bytes in front of a record's name (PKWARE's APPNOTE.TXT, 4.3.7)."""


def save(module: torch.jit.ScriptModule, path: Path, extra_files: Mapping[str, str]) -> None:
    """Writes the canonical archive, and a raw one beside it while it works.

    Args:
        module: What to save.
        path: File to write.
        extra_files: Content by name, readable with `torch.jit.load(…, _extra_files=…)`.

    Raises:
        OSError: The file cannot be written, or there is too little disk for both.
    """
    needed = 2 * sum(tensor.nbytes for tensor in module.state_dict().values())
    free = shutil.disk_usage(path.parent).free
    if free < needed:  # Asked first, because libtorch aborts the process on a full disk.
        raise OSError(
            f"too little disk for {path.name}: {needed / 1e9:.1f} GB are needed while it is made, "
            f"{free / 1e9:.1f} GB are free"
        )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        raw = Path(folder, "raw.pt")
        torch.jit.save(module, raw, _extra_files=dict(extra_files))
        _canonicalise(raw, path)


def _canonicalise(raw: Path, path: Path) -> None:
    with (
        zipfile.ZipFile(raw) as source,
        path.open("wb") as file,
        zipfile.ZipFile(file, "w") as target,
    ):
        records = {name.partition("/")[2]: name for name in source.namelist()}
        for record in sorted(filter(_is_content, records)):
            info = zipfile.ZipInfo(f"{_FOLDER}/{record}")
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
