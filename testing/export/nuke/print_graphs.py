"""Prints the graph of each Nuke script of the kit, as the Tcl interpreter reads it."""

from pathlib import Path

import click

from testing.export.nuke import nuke_script
from testing.export.nuke.nuke_script import ReadNode

_ELSEWHERE = ("inputs", "name", "xpos", "ypos")


@click.command()
@click.argument("kit", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(kit: Path) -> None:
    """Prints nodes in the order of the file; `B<-` and `A<-` are inputs 0 and 1."""
    if nuke_script.tclsh() is None:
        raise click.ClickException("no tclsh on this machine: apt-get install tcl")
    for path in sorted([*kit.glob("*.nk"), *kit.glob("**/*.gizmo")]):
        script = nuke_script.read(path)
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


def _inputs(node: ReadNode) -> str:
    if len(node.inputs) < 2:
        return "".join(f"<- {name}" for name in node.inputs)
    letters = "012" if node.kind == "Switch" else "BA"
    return "  ".join(
        f"{letter} <- {name}" for letter, name in zip(letters, node.inputs, strict=False)
    )


def _knobs(node: ReadNode) -> str:
    added = [knob["name"] for knob in node.user_knobs]
    return "  ".join(
        f"{name}={value}"
        for name, value in node.knobs.items()
        if name not in _ELSEWHERE and name not in added
    )


if __name__ == "__main__":
    main()
