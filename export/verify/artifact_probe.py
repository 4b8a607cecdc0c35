"""The child process of verify: loads a .pt and says what it does, a JSON object for each line.

It trusts the file as little as its parent does, which has looked at the archive. The code in it is
read here before it is compiled.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import torch

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE, knob_table
from export.artifact.operators import check_graph, operators
from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Variant
from export.common.digests import digest
from export.tracing.meta_device import run_on_meta
from export.tracing.validation import PLATE_HEIGHT, PLATE_WIDTH, validate
from export.verify import confined
from export.verify.source_check import check_source
from wrapper.knobs import KNOBS
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID, STAND_IN_MODEL_IDS
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


class ProbeError(ValueError):
    """A file that is not what it says, or not what the exporter makes; the message says why."""


@dataclasses.dataclass
class _Artifact:
    path: Path
    beside: Path | None
    module: Any = None
    manifest: dict[str, Any] = dataclasses.field(default_factory=dict)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--manifest", "beside", type=click.Path(path_type=Path))
@click.option("--probe/--no-probe", "probing", default=True)
def main(path: Path, beside: Path | None, probing: bool) -> None:
    """Checks a .pt, and the manifest that came with it."""
    confined.confine()
    torch.set_grad_enabled(False)
    artifact = _Artifact(path, beside)
    for name, check in _CHECKS.items():
        if (name == "probe plate" and not probing) or (name == "manifest beside" and not beside):
            continue
        _say(check=name, step=name)
        try:
            detail, outcome = check(artifact), "passed"
        except Exception as error:  # Whatever a file makes of libtorch, the file is refused for it.
            detail, outcome = _one_line(error), "refused"
        _say(check=name, outcome=outcome, detail=detail)
        if outcome == "refused" and name in _NEEDED:
            return


def _say(**message: str) -> None:
    click.echo(json.dumps(message))


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    _say(check="probe plate", step=what)
    yield


def _one_line(error: Exception) -> str:
    """What is wrong, without where in libtorch it was found."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "it asks for more memory than it may have"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if "failed in the TorchScript interpreter" in lines[0] else lines[0]


def _check_code(artifact: _Artifact) -> str:
    check_source(artifact.path)
    return "it can call the operators of the exporter's files, and nothing else"


def _check_loads(artifact: _Artifact) -> str:
    inside: dict[str, Any] = {NAME_IN_ARCHIVE: ""}
    artifact.module = torch.jit.load(artifact.path, map_location="cpu", _extra_files=inside)
    artifact.manifest = json.loads(inside[NAME_IN_ARCHIVE])
    tensors = artifact.module.state_dict()
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ProbeError("it has weights that are NaN or infinite")
    return f"{len(tensors)} tensors, all finite"


def _check_manifest(artifact: _Artifact) -> str:
    module, manifest = artifact.module, artifact.manifest
    variant = Variant(manifest["resolution"], manifest["precision"], manifest["runtime"])
    half = any(tensor.dtype == torch.half for tensor in module.state_dict().values())
    found = {
        "model_id": module.model_id,
        "resolution": module.resolution,
        "precision": "float16" if half else "float32",
    }
    for name, value in found.items():
        if manifest[name] != value:
            raise ProbeError(f"its {name} is {value}, and its manifest has {manifest[name]}")
    if manifest["knobs"] != json.loads(json.dumps(knob_table())):
        raise ProbeError(
            f"its knobs ({', '.join(knob['name'] for knob in manifest['knobs'])}) are not those of "
            "this version of the exporter; verify it with the version that made it"
        )
    names = [
        variant.model_id(weights) for weights in (MODEL_ID, BLUE_MODEL_ID, *STAND_IN_MODEL_IDS)
    ]
    if module.model_id not in names:
        raise ProbeError(f"its Model Id is {module.model_id}, not one of {', '.join(names)}")
    return f"{module.model_id}: what the file's attributes and tensors say too"


def _check_beside(artifact: _Artifact) -> str:
    assert artifact.beside
    facts = artifact.manifest | {
        "torchscript": digest(artifact.path),
        "operators": operators(artifact.path),
    }
    beside = json.loads(artifact.beside.read_text())
    for name in [*facts, *(beside.keys() - facts.keys())]:
        if beside.get(name) != facts.get(name):
            raise ProbeError(
                f"{artifact.beside.name} has {beside.get(name)} as its {name}, not "
                f"{facts.get(name)}"
            )
    return f"{artifact.beside.name} is of this very file"


def _check_knobs(artifact: _Artifact) -> str:
    for knob in KNOBS:
        value = getattr(artifact.module, knob.name, None)
        if type(value) is not type(knob.default) or value != knob.default:
            raise ProbeError(f"{knob.name} is {value}, and not the attribute {knob.default!r}")
    return ", ".join(f"{knob.name} {knob.default}" for knob in KNOBS)


def _check_operators(artifact: _Artifact) -> str:
    name = artifact.manifest["runtime"]
    check_graph(artifact.path, name)
    runtime = RUNTIMES[name]
    libtorch = " to ".join(dict.fromkeys(runtime.libtorch))
    return f"{len(operators(artifact.path))}, all in libtorch {libtorch} (Nuke {runtime.nuke})"


def _check_devices(artifact: _Artifact) -> str:
    shape = (1, 4, 99, 77)
    output, _ = run_on_meta(artifact.path, shape, gamma_input=1, despill_strength=5.0)
    if not output.is_meta or output.dtype != torch.half or output.shape != shape:
        raise ProbeError(f"its output on the meta device is {output.dtype} {list(output.shape)}")
    return "none baked in: it runs on the meta device, in half"


def _check_plate(artifact: _Artifact) -> str:
    """Holds the file to this repository's wrapper around the file's own network."""
    module = artifact.module
    eager = CorridorKeyNukeWrapper(module.network, module.resolution, module.model_id)
    found = validate(artifact.path, eager, _step)
    moved = ", ".join(f"{name} by {by:.3f}" for name, by in found.moved_by.items())
    return (
        f"{PLATE_WIDTH}×{PLATE_HEIGHT}, in [0, 1], {found.difference:.1g} off the wrapper's own; "
        f"mean red, green, blue and matte {', '.join(f'{mean:.6f}' for mean in found.means)}; "
        f"knobs move it: {moved}"
    )


_CHECKS = {
    "code": _check_code,
    "loads": _check_loads,
    "manifest": _check_manifest,
    "manifest beside": _check_beside,
    "knobs": _check_knobs,
    "operators": _check_operators,
    "devices": _check_devices,
    "probe plate": _check_plate,
}

_NEEDED = ("code", "loads", "manifest", "knobs")
"""Checks without which the later ones make no sense."""

if __name__ == "__main__":
    main()
