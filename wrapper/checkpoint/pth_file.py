"""Reads the bytes of a .pth file, a zip file of torch.save's.

Avoids torch.load, which trusts the record lengths in the pickle and can read past the end of a
record.
"""

import functools
import io
import zipfile
from typing import Any

import torch
from torch import Tensor

from wrapper.checkpoint import pickled

_MAXIMUM_PICKLE_BYTES = 4 << 20
"""Largest accepted pickle. The published file's pickle has about 50,000 bytes."""
_MAXIMUM_RECORDS = 1 << 16
"""Most records in a file. The published one has 372."""
_DTYPES = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}
STATE_DICTS = ("state_dict", "model_state_dict", "model", "module")
"""Names under which training tools save the state dict beside the state of the training."""
_TRAINING_STATE = {
    *(f"__builtin__ {name}" for name in ("dict", "float", "int", "list", "long", "set")),
    *("argparse Namespace", "collections Counter", "collections defaultdict"),
    *("torch Size", "torch device"),
    *(
        f"{module} AttributeDict"
        for module in (
            "lightning.fabric.utilities.data",
            "lightning_fabric.utilities.data",
            "pytorch_lightning.utilities.parsing",
        )
    ),
}
"""Globals allowed in a training checkpoint: optimizer, scheduler and options. None is ever called;
what they would build is ignored."""


def read(data: bytes) -> Any:
    """Returns the content of a .pth file; a dict of weights may sit under one of `STATE_DICTS`.

    Values of that dict that were tensors are tensors.

    Raises:
        Exception: The file is damaged or holds more than tensors. The type depends on the damage.
    """
    # Counted in the bytes first, because zipfile makes an object of every entry.
    if data.count(b"PK\1\2") > _MAXIMUM_RECORDS:
        raise ValueError(f"it has more than {_MAXIMUM_RECORDS:,} records")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        folder = _checked_folder(archive, len(data))
        content, _ = pickled.read(archive.read(f"{folder}data.pkl"), _TRAINING_STATE.__contains__)
        content = _state_dict(content)
        if isinstance(content, dict):
            content = _with_tensors(content, archive, folder)
        return content


def _state_dict(content: Any) -> Any:
    """Returns the dict of weights in a training run's checkpoint, or other content as it is."""
    if not isinstance(content, dict):
        return content
    names = [name for name in STATE_DICTS if isinstance(content.get(name), dict)]
    names = ["state_dict"] if "state_dict" in content else names
    if len(names) > 1:
        raise ValueError(f"it has the state dicts {', '.join(names)}; save one of them alone")
    return content[names[0]] if names else content


def _checked_folder(archive: zipfile.ZipFile, byte_count: int) -> str:
    """Checks the records, so that each can be read, and returns the folder that they are in."""
    records = {record.filename: record for record in archive.infolist()}
    if len(records) < len(archive.infolist()):
        raise ValueError("it has two records of one name")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records.values()):
        raise ValueError("it has compressed records, which torch.save does not write")
    if sum(record.file_size for record in records.values()) > byte_count:
        raise ValueError("its records claim more bytes than it has")
    pickles = [name for name in records if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"it has {len(pickles)} data.pkl records; torch.save writes one")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in records:
        raise ValueError("it is a TorchScript file; use the checkpoint that it was made from")
    if f"{folder}byteorder" in records and archive.read(f"{folder}byteorder") != b"little":
        raise ValueError("it is from a big-endian machine; save it again on a little-endian one")
    if records[pickles[0]].file_size > _MAXIMUM_PICKLE_BYTES:
        raise ValueError(
            f"its pickle has {records[pickles[0]].file_size:,} bytes; "
            f"the limit is {_MAXIMUM_PICKLE_BYTES:,}"
        )
    return folder


def _with_tensors(content: dict[str, Any], archive: zipfile.ZipFile, folder: str) -> dict[str, Any]:
    """Replaces the descriptions of tensors by tensors."""

    @functools.cache
    def numbers(storage: pickled.Storage) -> Tensor:
        dtype = _DTYPES[storage.kind]
        record = archive.read(f"{folder}data/{storage.record}")
        expected = storage.numbers * dtype.itemsize
        if len(record) != expected:
            raise ValueError(
                f"data/{storage.record} has {len(record):,} bytes; its pickle says {expected:,}"
            )
        return torch.frombuffer(bytearray(record), dtype=dtype) if record else torch.empty(0)

    return {
        key: numbers(value.storage).as_strided(value.size, value.stride, value.offset)
        if isinstance(value, pickled.Tensor)
        else value
        for key, value in content.items()
    }
