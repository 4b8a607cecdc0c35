"""Prints what each program of the kit does in the recorded Nuke: its calls, nodes and knobs."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
import pytest

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.pt_file import write_pt
from testing.export.nuke.reader import script_reader
from testing.export.nuke.recorder.good_key import good_key
from testing.export.nuke.recorder.nuke import Nuke
from testing.export.nuke.recorder.program import Program
from wrapper.model_ids import MODEL_ID

_CATS = [f"{KIT_NAME}_green_{quality}_torch201.cat" for quality in ("2048", "512")]
_SHOT = "--plate p.####.exr --hint h.####.exr --output key/k.####.exr --frames=1001-1003"
_SHOT += " --set=quality=512 --require-gpu"


@click.command()
@click.argument("kit", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(kit: Path) -> None:
    """Runs each program of the KIT, first with and then without what it needs."""
    if script_reader.tclsh() is None:
        raise click.ClickException("no tclsh on this machine. Install it: apt-get install tcl")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        copy = folder / "kit"
        shutil.copytree(kit, copy, copy_function=shutil.copyfile)
        for path in (copy, *copy.rglob("*/")):
            path.chmod(0o755)
        pt = write_pt(folder / "CorridorKey.pt", model_id=MODEL_ID)
        for nukex in True, False:
            arguments = ("--pt", pt, "--overwrite")
            _run(copy / "create_cat.py", Nuke(nukex=nukex), folder, *arguments)
        gizmo = script_reader.read(copy / "Cattery" / KIT_NAME / f"{KIT_NAME}.gizmo")
        key: dict[str, Any] = {"gizmo": gizmo, "gpu": "NVIDIA X", "pixels": good_key}
        verdict = folder / "verdict.json"
        for cats in _CATS, []:
            _run(copy / "smoke_test.py", Nuke(cats=cats, **key), folder, "--output", verdict)
            click.echo(verdict.read_text())
        for cats in _CATS, []:
            _run(copy / "key_shot.py", Nuke(cats=cats, **key), folder, *_SHOT.split())


def _run(script: Path, nuke: Nuke, folder: Path, *arguments: object) -> None:
    """Runs a program and prints everything that it did, with the temporary folder left out."""
    printed = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        status = Program(monkeypatch, script)(nuke, *arguments)
    lines = [f"{script.name} {' '.join(map(str, arguments))}"]
    lines += [f"  {call}" for call in nuke.calls]
    for node in nuke.created:
        inputs = ", ".join(f"{number} <- {above.title}" for number, above in node.inputs.items())
        lines.append(f"  {node.title}: {inputs}".rstrip(": "))
        knobs = {**node.knobs, **node.added}.values()
        lines += [f"    {knob.name} = {knob.stored!r}" for knob in knobs if knob.stored is not None]
    lines += [f"  prints: {line}" for line in printed.getvalue().splitlines()]
    click.echo("\n".join([*lines, f"  exit status {status}"]).replace(f"{folder}/", ""))


if __name__ == "__main__":
    main()
