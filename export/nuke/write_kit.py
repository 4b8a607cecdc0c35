"""Writes the Nuke kit into a folder."""

from pathlib import Path

import click

from export.common import atomic, command_line
from export.nuke import kit
from wrapper.knobs import KNOBS


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write to. Existing files of the kit are replaced.",
)
def main(output: Path) -> None:
    """Writes the whole kit except the .cat, which only Nuke can make."""
    for name, content in kit.files(KNOBS).items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(path) as partial:
            partial.write_bytes(content)


if __name__ == "__main__":
    command_line.run(main)
