"""Turns a checkpoint file into a complete, verified state dict, or raises one clear error."""

import dataclasses
import hashlib
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wrapper.checkpoint import pth_file, safetensors_file
from wrapper.checkpoint.adaptation import TwiceError, adapt, common_prefix, is_widened
from wrapper.checkpoint.position_embedding import resize_position_embedding
from wrapper.model_ids import weights_model_id
from wrapper.network.network import CorridorKeyTransformer
from wrapper.printable import printable, printable_list

_POS_EMBED = "encoder.model.pos_embed"
_PROBLEMS_LISTED = 5
_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
_MAXIMUM_BYTES = 2 << 30
"""Largest accepted file, in bytes. The published ones have 399 MB; with optimizer state and an
average of the weights, 1.6 GB."""
_MAXIMUM_SIDE = 1024
"""Largest side of the position-embedding grid (images up to 4096). Bounded, because a stride-0
tensor can claim any size without storing it."""
_OTHER_FORMATS = {
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
        state_dict: Every tensor of `CorridorKeyTransformer(resolution)`, with the right shape and
            dtype, finite and contiguous.
        resolution: Side of the image that the state dict is for, in pixels.
        source_resolution: Side of the image that the file was made for. If it differs from
            `resolution`, the position embedding was resized.
        model_id: Model Id of the weights, by `wrapper.model_ids.weights_model_id`.
        tensor_count: Entries of the state dict.
        parameter_count: Trained numbers in it; BatchNorm statistics do not count.
        sha256: Digest of the bytes that were read, in hexadecimal.
        byte_count: Size of the file, in bytes.
        changes: Changes that made the file's tensors those of the network, such as "removed
            module. from 367 keys".
    """

    state_dict: dict[str, Tensor]
    resolution: int
    source_resolution: int
    model_id: str
    tensor_count: int
    parameter_count: int
    sha256: str
    byte_count: int
    changes: tuple[str, ...] = ()


def load_checkpoint(path: str | os.PathLike[str], resolution: int) -> Checkpoint:
    """Reads and verifies a checkpoint without running any code in it.

    The file is read once, into memory, so later changes of the file have no effect.

    Args:
        path: A `.safetensors`, `.pth`, `.pt` or `.ckpt` file, of the published weights or of a
            training run. `wrapper.checkpoint.adaptation` says how the keys and the precision may
            differ from the network's; `pth_file.STATE_DICTS` names the entries of a pickled dict
            that are searched for the weights.
        resolution: Side of the image to make the state dict for, in pixels; a multiple of 32.

    Raises:
        CheckpointError: The file is not a complete CorridorKey checkpoint, or changes while it is
            read. Only the position embedding may have another size; it is resized.
        ValueError: The resolution is not a positive multiple of 32.
    """
    path = Path(path)
    data = _read(path)
    sha256, byte_count = hashlib.sha256(data).hexdigest(), len(data)
    content, metadata = _parse(path, data)
    del data
    network = CorridorKeyTransformer(resolution)
    expected = network.state_dict()
    try:
        tensors, changes = adapt(_tensors(path, content), expected)
    except TwiceError as error:
        raise CheckpointError(f"{path} {error}") from None
    problems = _problems(tensors, expected)
    if problems:
        listed = printable_list(problems, _PROBLEMS_LISTED, "\n  ")
        raise CheckpointError(
            f"{path} does not hold the weights of CorridorKey 1.0:\n  {listed}"
            "\nUse the published file, or the state dict of the same network."
        )

    for key in expected:
        if is_widened(tensors[key].dtype, expected[key].dtype):
            tensors[key] = tensors[key].float()
    pos_embed = tensors[_POS_EMBED]
    source_resolution = 4 * math.isqrt(pos_embed.shape[1])
    if source_resolution != resolution:
        tensors[_POS_EMBED] = resize_position_embedding(pos_embed, resolution // 4)
    return Checkpoint(
        state_dict={key: _contiguous(tensors[key]) for key in expected},
        resolution=resolution,
        source_resolution=source_resolution,
        model_id=weights_model_id(sha256, metadata.get("model_id")),
        tensor_count=len(expected),
        parameter_count=sum(parameter.numel() for parameter in network.parameters()),
        sha256=sha256,
        byte_count=byte_count,
        changes=tuple(changes),
    )


def _read(path: Path) -> bytes:
    """Returns the content of a file, all of it from the same moment."""
    try:
        # Checked before the file is opened, because opening a pipe waits for its other end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path} is a folder, a pipe or a device, not a file")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > _MAXIMUM_BYTES:
                raise CheckpointError(
                    f"{path} has {before.st_size:,} bytes, more than any checkpoint of "
                    f"CorridorKey; the limit is {_MAXIMUM_BYTES:,}"
                )
            data = file.read(before.st_size)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CheckpointError(
            f"{path} changed while it was read; try again when it is completely written"
        )

    head = data[:64].lstrip().lower()
    if not head:
        raise CheckpointError(f"{path} is empty; download it again")
    for start, what in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise CheckpointError(f"{path} is {what}")
    return data


def _parse(path: Path, data: bytes) -> tuple[Any, dict[str, str]]:
    """Returns the content of a file, not yet verified, and its safetensors metadata."""
    if path.suffix not in _SUFFIXES:
        raise CheckpointError(f"{path}: unsupported suffix; expected one of {', '.join(_SUFFIXES)}")
    try:
        if path.suffix == ".safetensors":
            return safetensors_file.read(data)
        return pth_file.read(data), {}
    except Exception as error:  # Damaged bytes can raise anything.
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors: {printable(str(error))}\n"
            "Compare its size and SHA-256 with the published ones, and download it again."
        ) from error


def _tensors(path: Path, content: Any) -> dict[str, Tensor]:
    """Checks that the content is a dict of tensors."""
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dict of tensors")
    for name, tensor in content.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(
                f"{path}: '{printable(name)}' is of type {type(tensor).__name__}, not a tensor; "
                "save the weights alone, or under 'state_dict'"
            )
    return content


def _problems(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """Compares the tensors with the expected ones; returns one line per prefix that differs."""
    problems = {
        ("missing", key): f"{key} {list(expected[key].shape)}"
        for key in expected.keys() - tensors.keys()
    } | {
        ("unexpected", key): f"{printable(key, 300)} {list(tensors[key].shape)}"
        for key in tensors.keys() - expected.keys()
    }
    for key in tensors.keys() & expected.keys():
        tensor, shape, dtype = tensors[key], list(expected[key].shape), expected[key].dtype
        if key == _POS_EMBED and tensor.dim() == 3:
            # Any square grid can be resized.
            shape[1] = min(max(1, math.isqrt(tensor.shape[1])), _MAXIMUM_SIDE) ** 2
        if list(tensor.shape) != shape:
            problems["wrong shape", key] = f"{key} is {list(tensor.shape)}, not {shape}"
        elif tensor.dtype != dtype and not is_widened(tensor.dtype, dtype):
            problems["wrong dtype", key] = f"{key} is {tensor.dtype}, not {dtype}"
        # If a tensor holds a NaN, both its minimum and its maximum are NaN.
        elif not torch.stack(tensor.contiguous().aminmax()).isfinite().all():
            problems["not finite", key] = f"{key} has NaN or infinite values"
    return _by_prefix(problems)


def _by_prefix(problems: Mapping[tuple[str, str], str]) -> list[str]:
    """Merges the problems of one kind whose keys begin alike into one line, the largest first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for kind, key in sorted(problems):
        groups.setdefault((kind, key.partition(".")[0]), []).append(key)
    lines = []
    for (kind, _), keys in sorted(groups.items(), key=lambda group: -len(group[1])):
        example = problems[kind, keys[0]]
        several = f"{len(keys)} tensors {printable(common_prefix(keys), 100)}*, such as "
        lines.append(f"{kind}: {several if len(keys) > 1 else ''}{example}")
    return lines


def _contiguous(tensor: Tensor) -> Tensor:
    """Returns the tensor contiguous and alone in its storage, so equal weights give equal files."""
    tensor = tensor.contiguous()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()
