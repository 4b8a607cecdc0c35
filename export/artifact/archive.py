"""Saves a ScriptModule as a file whose bytes depend on the module only."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from export.artifact.canonical import canonicalize


def save(module: torch.jit.ScriptModule, path: Path, extra_files: Mapping[str, str]) -> None:
    """Writes the canonical archive of a module.

    Needs disk for two copies while it works: libtorch's own archive is written beside `path` first.

    Args:
        module: Module to save.
        path: File to write.
        extra_files: Text by name, readable with `torch.jit.load(…, _extra_files=…)`.

    Raises:
        OSError: The file cannot be written, or there is too little disk for both copies.
    """
    needed = 2 * sum(tensor.nbytes for tensor in module.state_dict().values())
    free = shutil.disk_usage(path.parent).free
    if free < needed:  # Checked beforehand, because libtorch aborts the process on a full disk.
        raise OSError(
            f"too little disk for {path.name}: {free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB "
            "are needed while it is written. Free some, or name a folder on another disk"
        )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        raw = Path(folder, "raw.pt")
        torch.jit.save(module, raw, _extra_files=dict(extra_files))
        canonicalize(raw, path)
