"""A checkpoint file → a complete, verified state dict, or one clear error."""

import dataclasses
import math
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID, UNTRAINED_MODEL_ID
from wrapper.network import CorridorKeyTransformer

_POS_EMBED = "encoder.model.pos_embed"
_PROBLEMS_SHOWN = 5
_BLUE_FILE = "CorridorKeyBlue_1.0"
"""Name under which the blue-screen weights are published; nothing inside says which they are."""
_NOT_WEIGHTS = {
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
            dtype, finite. May be mapped from the file: do not write to it.
        resolution: Side of the image the state dict is for, in pixels.
        source_resolution: Side of the image the file was made for. Where it is another one, the
            position embedding was resized.
        model_id: `UNTRAINED_MODEL_ID` where the file says so of itself, `BLUE_MODEL_ID` where it
            has the name of the published blue-screen weights, else `MODEL_ID`.
        tensor_count: Entries of the state dict.
        parameter_count: Trained numbers in it, so without the BatchNorm statistics.
    """

    state_dict: dict[str, Tensor]
    resolution: int
    source_resolution: int
    model_id: str
    tensor_count: int
    parameter_count: int


def load_checkpoint(path: str | os.PathLike[str], resolution: int) -> Checkpoint:
    """Reads and verifies a checkpoint; no code in it is run.

    Args:
        path: A `.safetensors`, `.pth` or `.pt` file. Keys may have torch.compile's prefix
            `_orig_mod.`, and a pickled dict may sit under `state_dict`.
        resolution: Side of the image to make the state dict for, in pixels; a multiple of 32.

    Raises:
        CheckpointError: The file is not a complete CorridorKey checkpoint. Only the position
            embedding may have another size; it is resized.
        ValueError: The resolution is not a positive multiple of 32.
    """
    network = CorridorKeyTransformer(resolution)
    needed = network.state_dict()
    path = Path(path)
    content, metadata = _read(path)
    tensors = _by_plain_key(path, content)

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
        state_dict={key: tensors[key] for key in needed},
        resolution=resolution,
        source_resolution=source_resolution,
        model_id=model_id,
        tensor_count=len(needed),
        parameter_count=sum(parameter.numel() for parameter in network.parameters()),
    )


def _read(path: Path) -> tuple[Any, dict[str, str]]:
    """Returns what a file holds, not yet verified, and its safetensors metadata."""
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip().lower()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise CheckpointError(f"{path} is empty; download it again")
    for start, what in _NOT_WEIGHTS.items():
        if head.startswith(start):
            raise CheckpointError(f"{path} is {what}")
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise CheckpointError(f"{path} must be named .safetensors, .pth or .pt, as what it is")

    try:
        if path.suffix == ".safetensors":
            with safetensors.safe_open(path, framework="pt") as archive:
                tensors = {key: archive.get_tensor(key) for key in archive.keys()}
                return tensors, archive.metadata() or {}
        # Only the zip format can be mapped; older files are read into memory.
        mmap = zipfile.is_zipfile(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap), {}
    except Exception as error:  # Damaged bytes raise whatever they happen to lead to.
        # What torch says of a refused pickle is how to turn the refusal off.
        reason = "" if isinstance(error, pickle.UnpicklingError) else f": {error}"
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors{reason}\n"
            "Compare its size and SHA-256 with the published ones, and download it again."
        ) from error


def _by_plain_key(path: Path, content: Any) -> dict[str, Tensor]:
    """Unwraps `state_dict` and strips `_orig_mod.`."""
    if isinstance(content, dict):
        content = content.get("state_dict", content)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dict of tensors")
    tensors: dict[str, Tensor] = {}
    for name, tensor in content.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(
                f"{path}: {name!r} is of type {type(tensor).__name__}, not a tensor; "
                "save the weights alone, or under 'state_dict'"
            )
        key = str(name).removeprefix("_orig_mod.")
        if key in tensors:
            raise CheckpointError(f"{path} holds {key} twice, with and without '_orig_mod.'")
        tensors[key] = tensor
    return tensors


def _problems(tensors: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> list[str]:
    """Says what keeps the tensors from being the needed ones, one line for each key."""
    missing, unexpected = needed.keys() - tensors.keys(), tensors.keys() - needed.keys()
    problems = [f"missing: {key} {list(needed[key].shape)}" for key in missing]
    problems += [f"unexpected: {key} {list(tensors[key].shape)}" for key in unexpected]
    for key in tensors.keys() & needed.keys():
        tensor, shape, dtype = tensors[key], list(needed[key].shape), needed[key].dtype
        if key == _POS_EMBED and tensor.dim() == 3:
            shape[1] = max(1, math.isqrt(tensor.shape[1])) ** 2  # Any square grid will do.
        if list(tensor.shape) != shape:
            problems.append(f"wrong shape: {key} is {list(tensor.shape)}, not {shape}")
        elif tensor.dtype != dtype:
            problems.append(f"wrong dtype: {key} is {tensor.dtype}, not {dtype}")
        elif not torch.stack(tensor.aminmax()).isfinite().all():  # NaN is both ends of its tensor
            problems.append(f"not finite: {key} has NaN or infinite values")
    return sorted(problems)


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
