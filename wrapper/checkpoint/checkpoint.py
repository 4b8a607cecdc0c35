"""A checkpoint file → a complete, verified state dict, or one clear error."""

import dataclasses
import functools
import hashlib
import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from wrapper.checkpoint import pickled
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID, UNTRAINED_MODEL_ID
from wrapper.network.network import CorridorKeyTransformer
from wrapper.printable import printable

_POS_EMBED = "encoder.model.pos_embed"
_PROBLEMS_SHOWN = 5
_BLUE_FILE = "CorridorKeyBlue_1.0"
"""Name under which the blue-screen weights are published; nothing inside says which they are."""
_MAXIMUM_BYTES = 2 << 30
"""Of a file. The published ones have 399 MB; with an optimizer's state and an average, 1.6 GB."""
_MAXIMUM_TABLE_BYTES = 4 << 20
"""Of what describes the tensors: a safetensors header, a pickle. The published have 50 thousand."""
_MAXIMUM_RECORDS = 1 << 16
"""Of a .pth. The published one has 372."""
_MAXIMUM_SIDE = 1024
"""Of the grid of positions: for an image of 4096. A pickle can claim any, and have none of it."""
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
_BESIDE_WEIGHTS = {"__builtin__ set", "collections Counter", "torch Size", "torch device"}
"""What a training run's checkpoint may name: of its optimizer and schedule, which are not read."""
_NOT_WEIGHTS = {
    b"\x80\x02\x8a\nl\xfc": "in the format of torch before 1.6; load it there and save it again",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself with `git lfs pull`",
    b"<!doctype": "a web page; download the file, not the page about it",
    b"<html": "a web page; download the file, not the page about it",
}


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Verified weights.

    Attributes:
        state_dict: Every tensor of `CorridorKeyTransformer(resolution)`, of the right shape and
            dtype, finite and contiguous.
        resolution: Side of the image the state dict is for, in pixels.
        source_resolution: Side of the image the file was made for. Where it is another one, the
            position embedding was resized.
        model_id: `UNTRAINED_MODEL_ID` where the file says so of itself, `BLUE_MODEL_ID` where it
            has the name of the published blue-screen weights, else `MODEL_ID`.
        tensor_count: Entries of the state dict.
        parameter_count: Trained numbers in it, so without the BatchNorm statistics.
        sha256: Of the bytes that were read, in hexadecimal.
        byte_count: Of the file.
    """

    state_dict: dict[str, Tensor]
    resolution: int
    source_resolution: int
    model_id: str
    tensor_count: int
    parameter_count: int
    sha256: str
    byte_count: int


def load_checkpoint(path: str | os.PathLike[str], resolution: int) -> Checkpoint:
    """Reads and verifies a checkpoint; no code in it is run.

    The file is read once, into memory: what becomes of it later changes nothing.

    Args:
        path: A `.safetensors`, `.pth` or `.pt` file. Keys may have torch.compile's prefix
            `_orig_mod.`, and a pickled dict may sit under `state_dict`.
        resolution: Side of the image to make the state dict for, in pixels; a multiple of 32.

    Raises:
        CheckpointError: The file is not a complete CorridorKey checkpoint, or changes while it is
            read. Only the position embedding may have another size; it is resized.
        ValueError: The resolution is not a positive multiple of 32.
    """
    path = Path(path)
    data = _read(path)
    sha256, byte_count = hashlib.sha256(data).hexdigest(), len(data)
    content, metadata = _parsed(path, data)
    del data
    tensors = _by_plain_key(path, content)

    network = CorridorKeyTransformer(resolution)
    needed = network.state_dict()
    problems = _problems(tensors, needed)
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:_PROBLEMS_SHOWN])
        more = len(problems) - _PROBLEMS_SHOWN
        raise CheckpointError(
            f"{path} does not hold the weights of CorridorKey 1.0:{shown}"
            + (f"\n  and {more} more" if more > 0 else "")
            + "\nUse the published file, or one trained and saved in float32 with the same network."
        )

    pos_embed = tensors[_POS_EMBED]
    source_resolution = 4 * math.isqrt(pos_embed.shape[1])
    if source_resolution != resolution:
        tensors[_POS_EMBED] = _resize_pos_embed(pos_embed, resolution // 4)
    if metadata.get("model_id") == UNTRAINED_MODEL_ID:
        model_id = UNTRAINED_MODEL_ID
    else:
        model_id = BLUE_MODEL_ID if path.stem == _BLUE_FILE else MODEL_ID
    return Checkpoint(
        state_dict={key: _contiguous(tensors[key]) for key in needed},
        resolution=resolution,
        source_resolution=source_resolution,
        model_id=model_id,
        tensor_count=len(needed),
        parameter_count=sum(parameter.numel() for parameter in network.parameters()),
        sha256=sha256,
        byte_count=byte_count,
    )


def _read(path: Path) -> bytes:
    """Returns what is in a file that may hold weights, all of it from the same moment."""
    try:
        # Asked before it is opened, because a pipe would be waited for.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path} is a folder, a pipe or a device, not a file")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > _MAXIMUM_BYTES:
                raise CheckpointError(
                    f"{path} has {before.st_size:,} bytes, more than any checkpoint of CorridorKey"
                )
            data = file.read(before.st_size)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CheckpointError(f"{path} changed while it was read; wait until it is whole")

    head = data[:64].lstrip().lower()
    if not head:
        raise CheckpointError(f"{path} is empty; download it again")
    for start, what in _NOT_WEIGHTS.items():
        if head.startswith(start):
            raise CheckpointError(f"{path} is {what}")
    return data


def _parsed(path: Path, data: bytes) -> tuple[Any, dict[str, str]]:
    """Returns what the bytes of a file hold, not yet verified, and its safetensors metadata."""
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise CheckpointError(f"{path} must be named .safetensors, .pth or .pt, as what it is")
    try:
        return _parsed_safetensors(data) if path.suffix == ".safetensors" else _parsed_pth(data)
    except Exception as error:  # Damaged bytes raise whatever they happen to lead to.
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors: {printable(str(error))}\n"
            "Compare its size and SHA-256 with the published ones, and download it again."
        ) from error


def _parsed_safetensors(data: bytes) -> tuple[Any, dict[str, str]]:
    length = int.from_bytes(data[:8], "little")
    if length > _MAXIMUM_TABLE_BYTES:
        raise ValueError(f"it has a header of {length:,} bytes")
    tensors = safetensors.torch.load(data)
    header = json.loads(data[8 : 8 + length], object_pairs_hook=_without_duplicates)
    return tensors, header.get("__metadata__", {})


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes a JSON object of its entries; safetensors takes the last of those of one name."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("its header has a name twice")
    return dict(pairs)


def _parsed_pth(data: bytes) -> tuple[Any, dict[str, str]]:
    """Reads a zip file of torch.save's.

    Not by torch.load, which takes what a pickle says of a record for its length, and reads beyond.
    """
    if data.count(b"PK\1\2") > _MAXIMUM_RECORDS:
        raise ValueError(f"it has more than {_MAXIMUM_RECORDS:,} records")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        records = {record.filename: record for record in archive.infolist()}
        if len(records) < len(archive.infolist()):
            raise ValueError("it has two records of one name")
        for record in records.values():
            if record.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it has compressed records, which torch.save does not write")
        if sum(record.file_size for record in records.values()) > len(data):
            raise ValueError("its records claim more bytes than it has")
        tables = [name for name in records if name.endswith("/data.pkl")]
        if len(tables) != 1:
            raise ValueError("it is a zip file without the one data.pkl that torch.save writes")
        (table,) = tables
        folder = table.removesuffix("data.pkl")
        if f"{folder}constants.pkl" in records:
            raise ValueError("it is a TorchScript file, made from a checkpoint")
        if f"{folder}byteorder" in records and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("it is from a big-endian machine")
        if records[table].file_size > _MAXIMUM_TABLE_BYTES:
            raise ValueError(f"its pickle has {records[table].file_size:,} bytes")
        content, _ = pickled.read(archive.read(table), _BESIDE_WEIGHTS.__contains__)

        @functools.cache
        def numbers(storage: pickled.Storage) -> Tensor:
            dtype = _DTYPES[storage.kind]
            record = archive.read(f"{folder}data/{storage.record}")
            if len(record) != storage.numbers * dtype.itemsize:
                raise ValueError(f"data/{storage.record} has not the size that the pickle says")
            return torch.frombuffer(bytearray(record), dtype=dtype) if record else torch.empty(0)

        if isinstance(content, dict):
            content = content.get("state_dict", content)
        if isinstance(content, dict):
            content = {
                key: numbers(value.storage).as_strided(value.size, value.stride, value.offset)
                if isinstance(value, pickled.Tensor)
                else value
                for key, value in content.items()
            }
        return content, {}


def _by_plain_key(path: Path, content: Any) -> dict[str, Tensor]:
    """Strips `_orig_mod.` off the names of what must be tensors."""
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dict of tensors")
    tensors: dict[str, Tensor] = {}
    for name, tensor in content.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(
                f"{path}: {printable(name)!r} is of type {type(tensor).__name__}, not a tensor; "
                "save the weights alone, or under 'state_dict'"
            )
        key = name.removeprefix("_orig_mod.")
        if key in tensors:
            raise CheckpointError(
                f"{path} holds {printable(key)} twice, with and without '_orig_mod.'"
            )
        tensors[key] = tensor
    return tensors


def _problems(tensors: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> list[str]:
    """Says what keeps the tensors from being the needed ones, one line for each key."""
    missing, unexpected = needed.keys() - tensors.keys(), tensors.keys() - needed.keys()
    problems = [f"missing: {key} {list(needed[key].shape)}" for key in missing]
    problems += [f"unexpected: {printable(key)} {list(tensors[key].shape)}" for key in unexpected]
    for key in tensors.keys() & needed.keys():
        tensor, shape, dtype = tensors[key], list(needed[key].shape), needed[key].dtype
        if key == _POS_EMBED and tensor.dim() == 3:
            # Any square grid will do.
            shape[1] = min(max(1, math.isqrt(tensor.shape[1])), _MAXIMUM_SIDE) ** 2
        if list(tensor.shape) != shape:
            problems.append(f"wrong shape: {key} is {list(tensor.shape)}, not {shape}")
        elif tensor.dtype != dtype:
            problems.append(f"wrong dtype: {key} is {tensor.dtype}, not {dtype}")
        elif not torch.stack(tensor.contiguous().aminmax()).isfinite().all():  # NaN is both ends
            problems.append(f"not finite: {key} has NaN or infinite values")
    return sorted(problems)


def _contiguous(tensor: Tensor) -> Tensor:
    """The same numbers and no others, laid out in one way: so the same weights give one file."""
    tensor = tensor.contiguous()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _resize_pos_embed(pos_embed: Tensor, side: int) -> Tensor:
    """Resizes the position embedding bicubically on its grid, [1, n², C] → [1, side², C]."""
    old = math.isqrt(pos_embed.shape[1])
    grid = pos_embed.view(old, old, -1)
    return _resize_bicubic(_resize_bicubic(grid, 1, side), 0, side).view(1, side**2, -1)


def _resize_bicubic(x: Tensor, dim: int, size: int) -> Tensor:
    """Does what `F.interpolate(mode="bicubic", align_corners=False)` does along one dimension.

    By elementwise operators, each of which rounds to the nearest float32, so that a file has the
    same bits whichever CPU it was made on. The kernels of `F.interpolate` multiply and add in one
    step where the CPU can.
    """
    centre = (torch.arange(size) + 0.5) * (x.shape[dim] / size) - 0.5
    shape = [size if i == dim else 1 for i in range(x.dim())]
    total = torch.zeros(())
    for tap in (-1, 0, 1, 2):
        neighbour = centre.floor() + tap
        distance = (centre - neighbour).abs()
        near = (1.25 * distance - 2.25) * distance * distance + 1  # Keys' kernel with a = -0.75
        far = ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
        weight = torch.where(distance <= 1, near, far).view(shape)
        total = total + weight * x.index_select(dim, neighbour.clamp(0, x.shape[dim] - 1).long())
    return total
