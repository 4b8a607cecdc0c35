"""Prints the graph of each Nuke script of the kit as the Tcl interpreter reads it, with boxes."""

from pathlib import Path

import click

from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.boxes import MERGES, Extent, extents
from testing.export.nuke.reader.script_reader import Script, ScriptNode

_SHOWN_ELSEWHERE = ("inputs", "name", "xpos", "ypos")
_UHD = Extent.whole(3840, 2160)
_OVERSCAN = Extent((3840, 2160), (-200, -100, 4040, 2260))
_LARGE = Extent((4096, 4096), (-500, -500, 5000, 5000))
_CASES = {
    "a plate with overscan": {"Plate": _OVERSCAN, "Hint": _UHD},
    "an oversized hint": {"Plate": _UHD, "Hint": _LARGE},
    "both": {"Plate": _OVERSCAN, "Hint": _LARGE},
}


@click.command()
@click.argument("kit", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(kit: Path) -> None:
    """Prints nodes in the order of the file; `B<-` and `A<-` are inputs 0 and 1."""
    if script_reader.tclsh() is None:
        raise click.ClickException("no tclsh on this machine. Install it: apt-get install tcl")
    for path in sorted([*kit.glob("*.nk"), *kit.glob("**/*.gizmo")]):
        script = script_reader.read(path)
        layers = "".join(f", layer {name} {channels}" for name, channels in script.layers.items())
        click.echo(f"\n{path.relative_to(kit)}: Nuke {script.version}{layers}")
        for node in script.nodes.values():
            click.echo(
                f"  {node.name:17} {node.kind:15} {_inputs(node):40} {_knobs(node)}".rstrip()
            )
            for knob in node.user_knobs:
                default = node.knobs.get(knob["name"], "")
                detail = knob.get("T") or knob.get("M") or knob.get("R") or ""
                click.echo(
                    f"    {knob['kind']:>2} {knob['name']:18} {default:14} {detail}".rstrip()
                )
        click.echo(f"  left on the stack: {', '.join(script.left)}")
        if path.suffix == ".gizmo":
            _print_boxes(script)


def _print_boxes(script: Script) -> None:
    for case, inputs in _CASES.items():
        click.echo(f"\n  Boxes for {case}:")
        known = extents(script, inputs)
        for name in (*inputs, "FormatBox", "HintFit", "HintBox", "HintToAlpha", "Inference1"):
            click.echo(f"    {name:17} format {known[name].size}  box {known[name].box}")
        missing = extents(script, inputs, model=False)
        for name, extent in ("Output1", known["Output1"]), ("without its .cat", missing["Output1"]):
            click.echo(f"    {name:17} format {extent.size}  box {extent.box}")


def _inputs(node: ScriptNode) -> str:
    if len(node.inputs) < 2:
        return "".join(f"<- {name}" for name in node.inputs)
    names = ("B", "A", "mask") if node.kind in MERGES else "0123456"
    return "  ".join(f"{name} <- {above}" for name, above in zip(names, node.inputs, strict=False))


def _knobs(node: ScriptNode) -> str:
    added = [knob["name"] for knob in node.user_knobs]
    return "  ".join(
        name + "=" + (value if name == "metadata" else value.replace("\n", "\\n"))
        for name, value in node.knobs.items()
        if name not in _SHOWN_ELSEWHERE and name not in added
    )


if __name__ == "__main__":
    main()
