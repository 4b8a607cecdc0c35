"""Adapts the tensors of a training run's checkpoint to the network: names, precision, counters.

Training tools wrap a network, and each wrapper puts its name into the keys:

    encoder.model.pos_embed                     the network's own key
    module.encoder.model.pos_embed              DistributedDataParallel
    model._orig_mod.encoder.model.pos_embed     Lightning around torch.compile
    encoder._orig_mod.model.pos_embed           torch.compile on a part of the network
"""

import collections
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from wrapper.printable import printable

_WRAPPERS = {"_orig_mod", "model", "module"}
"""Parts of a key that wrappers add. The network's own keys have `model` once, in the encoder's."""
_COUNTER = "num_batches_tracked"
"""BatchNorm's counter of training steps. It has no effect on a key."""


class TwiceError(ValueError):
    """Two tensors are the same one of the network. The message is a predicate of the file."""


def adapt(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Renames tensors to the network's keys and adds missing counters; converts nothing yet.

    Args:
        tensors: Tensors of a file, by its keys.
        expected: State dict of the network.

    Returns:
        The tensors by the network's keys, where they have one; and what was changed, one phrase
        per kind of change.

    Raises:
        TwiceError: Two keys differ only in their wrappers.
    """
    names = {_without_wrappers(key): key for key in expected}
    adapted: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    renamed: dict[str, int] = collections.Counter()
    for key, tensor in tensors.items():
        name = _network_key(key, names)
        if name in adapted:
            raise TwiceError(
                f"holds {printable(name)} twice, as {printable(origin[name])} and "
                f"{printable(key)}; keep one"
            )
        adapted[name], origin[name] = tensor, key
        if name != key:
            renamed[_wrappers_in(key, name)] += 1
    changes = [
        f"removed {wrapper} from {count} key{'s' * (count > 1)}"
        for wrapper, count in renamed.items()
    ]

    counters = [key for key in expected if key.endswith(f".{_COUNTER}")]
    unusable = [key for key in counters if key not in adapted or adapted[key].dtype != torch.int64]
    for key in unusable:
        adapted[key] = torch.zeros(expected[key].shape, dtype=torch.int64)
    if unusable:
        layers = ", ".join(key.removesuffix(f".{_COUNTER}") for key in unusable)
        changes.append(f"set {_COUNTER} of {layers} to 0")

    halves = collections.Counter(
        str(tensor.dtype).removeprefix("torch.")
        for key, tensor in adapted.items()
        if key in expected and is_widened(tensor.dtype, expected[key].dtype)
    )
    changes += [
        f"converted {count} tensor{'s' * (count > 1)} from {dtype} to float32"
        for dtype, count in halves.items()
    ]
    return adapted, changes


def is_widened(dtype: torch.dtype, expected: torch.dtype) -> bool:
    """Returns whether a dtype is converted to the expected one, which holds each of its values."""
    return dtype in (torch.float16, torch.bfloat16) and expected == torch.float32


def common_prefix(keys: Iterable[str]) -> str:
    """Returns the whole parts of a key, up to the last common dot, with which all `keys` begin."""
    parts = [key.split(".") for key in keys]
    common = 0
    while all(common < len(p) - 1 and p[common] == parts[0][common] for p in parts):
        common += 1
    return "".join(f"{part}." for part in parts[0][:common])


def _without_wrappers(key: str) -> str:
    return ".".join(part for part in key.split(".") if part not in _WRAPPERS)


def _network_key(key: str, names: Mapping[str, str]) -> str:
    """Returns the network's key that remains without wrappers, or the key itself."""
    name = names.get(_without_wrappers(key))
    if name is None or key.split(".").count("model") < name.split(".").count("model"):
        return key
    return name


def _wrappers_in(key: str, name: str) -> str:
    """Returns the wrappers that a key has beyond the network's key, such as `module._orig_mod.`."""
    left = name.split(".")
    wrappers = []
    for part in key.split("."):
        if left and part == left[0]:
            left.pop(0)
        else:
            wrappers.append(part)
    return "".join(f"{part}." for part in wrappers)
