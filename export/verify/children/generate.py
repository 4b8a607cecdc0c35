"""Exports a variant around numbered weights; runs in a child that never sees an untrusted file.

The n-th weight of the network is filled with the number n. So the record of each weight tells which
one it is, and every other record, constants included, is what the exporter writes for any weights.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export.artifact import archive
from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER
from export.artifact.describe import describe_inputs
from export.artifact.operators import operators
from export.artifact.variant import Variant
from export.common.json_text import to_json
from export.tracing.tracing import eager_wrapper, to_torchscript
from export.verify.weights.tensors import NUMPY_DTYPES
from wrapper.checkpoint.checkpoint import Checkpoint
from wrapper.network.network import CorridorKeyTransformer


def main(request: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Writes the file, and reports which records are weights and which operators it uses.

    Args:
        request: `output`, a path; `variant`, `weights_id` and `checkpoint`, as in
            `export.verify.claims.Claims`.
        report: Called with `{"weights": ..., "operators": ...}`.
    """
    torch.set_grad_enabled(False)
    variant = Variant(**request["variant"])
    with torch.device("meta"):
        network = CorridorKeyTransformer(variant.resolution)
    weights = number_weights(network.state_dict())
    checkpoint = Checkpoint(
        weights,
        resolution=variant.resolution,
        source_resolution=variant.resolution,
        model_id=request["weights_id"],
        tensor_count=len(weights),
        parameter_count=sum(parameter.numel() for parameter in network.parameters()),
        sha256=request["checkpoint"]["sha256"],
        byte_count=request["checkpoint"]["bytes"],
    )
    wrapper = eager_wrapper(checkpoint, variant)
    output = Path(request["output"])
    text = to_json(describe_inputs(checkpoint, variant, wrapper.model_id))
    archive.save(to_torchscript(wrapper), output, {NAME_IN_ARCHIVE: text})
    stored: Any = wrapper.network
    report(
        {
            "weights": find_weights(output, stored.state_dict()),
            "operators": operators(output),
        }
    )


def number_weights(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors of the same shapes and dtypes; the n-th holds the number n, from 1 on."""
    # Powers of two apart, numbers up to 2048 are exact in every dtype that is stored.
    assert len(state_dict) < 2048
    return {
        key: torch.full(tensor.shape, number, dtype=tensor.dtype)
        for number, (key, tensor) in enumerate(state_dict.items(), 1)
    }


def find_weights(path: Path, state_dict: Mapping[str, Tensor]) -> dict[str, list[Any]]:
    """Finds the record of each numbered weight in a file that was made around them.

    Args:
        path: The file.
        state_dict: The weights as they are stored, in the order of their numbers.

    Returns:
        Name, dtype and shape of the weight, by the name of its record.
    """
    forms: dict[int, list[Any]] = {
        number: [name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
        for number, (name, tensor) in enumerate(state_dict.items(), 1)
    }
    found: dict[str, list[Any]] = {}
    with zipfile.ZipFile(path) as file:
        for record in file.namelist():
            if record.startswith(f"{FOLDER}/data/"):
                content = file.read(record)
                for number in _possible_numbers(content):
                    if number in forms and _is_filled(content, number, *forms[number][1:]):
                        found[record] = forms.pop(number)
                        break
    if forms:
        raise AssertionError(f"the exporter's own file lacks {len(forms)} of its weights")
    return found


def _possible_numbers(content: bytes) -> set[int]:
    """Returns the first number of a record, read as each of the dtypes that it may have."""
    firsts = {
        np.frombuffer(content, dtype, 1)[0]
        for dtype in NUMPY_DTYPES.values()
        if len(content) >= np.dtype(dtype).itemsize
    }
    return {int(first) for first in firsts if np.isfinite(first)}


def _is_filled(content: bytes, number: int, dtype: str, shape: list[int]) -> bool:
    """Returns whether a record is a tensor of the given form, filled with one number."""
    form = np.dtype(NUMPY_DTYPES[dtype])
    size = form.itemsize * int(np.prod(shape, dtype=np.int64))
    return len(content) == size and bool((np.frombuffer(content, form) == number).all())
