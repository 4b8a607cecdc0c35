"""A ScriptModule → canonical bytes: the same module gives the same file, anywhere."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from export.artifact.canonical import canonicalise


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
        canonicalise(raw, path)
