"""Reads the bytes of a safetensors file."""

import json
from typing import Any

import safetensors.torch
from torch import Tensor

_MAXIMUM_HEADER_BYTES = 4 << 20
"""Largest accepted header. The published files' headers have about 50,000 bytes."""


def read(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors of a safetensors file, by name, and its metadata.

    Raises:
        Exception: The file is damaged. The type depends on the damage.
    """
    length = int.from_bytes(data[:8], "little")
    if length > _MAXIMUM_HEADER_BYTES:
        raise ValueError(
            f"it has a header of {length:,} bytes; the limit is {_MAXIMUM_HEADER_BYTES:,}"
        )
    tensors = safetensors.torch.load(data)
    header = json.loads(data[8 : 8 + length], object_pairs_hook=_without_duplicates)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("its metadata are not an object")
    return tensors, metadata


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes a JSON object of its entries. safetensors keeps the last of entries with one name."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("its header has a name twice")
    return dict(pairs)
