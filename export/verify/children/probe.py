"""Keys a plate with a .pt and measures the result; runs in a confined child.

The file gets here only after every byte of it but the numbers of its weights was found equal to
what the exporter writes. So there is nothing left to refuse: the figures tell whether two files key
alike, and whether the weights do something sensible.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from export.tracing.validation import ValidationError, plate_size, validate
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def main(request: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Measures a file.

    Args:
        request: `path` of the file.
        report: Called with `{"step": ...}` when a step begins, and with `{"detail": ...}` at last.
    """

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        report({"step": name})
        yield

    torch.set_grad_enabled(False)
    path = Path(request["path"])
    module = torch.jit.load(path, map_location="cpu")
    eager = CorridorKeyNukeWrapper(module.network, module.resolution, module.model_id)
    height, width = plate_size(module.resolution)
    try:
        found = validate(path, eager, step)
    except ValidationError as error:
        report({"detail": f"on a {width}×{height} plate, {error}"})
        return
    moved = ", ".join(f"{name} by {by:.3f}" for name, by in found.moved_by.items())
    means = ", ".join(f"{mean:.6f}" for mean in found.means)
    report(
        {
            "detail": f"{width}×{height}, in [0, 1]; mean red, green, blue and matte "
            f"{means}; knobs move it: {moved}"
        }
    )
