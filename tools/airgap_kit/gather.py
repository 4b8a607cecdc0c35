"""Gathers everything that a build needs into a folder, for a machine without a network.

    tools/bazel run //tools/airgap_kit:gather -- --output /media/disk/airgap_kit

tools/AIRGAP.md says how to use the kit.
"""

import json
import os
import sysconfig
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import click

from export.common import command_line, lock_file
from export.common.printable import printable_lines
from tools.airgap_kit import bazel, distdir, inventory, modules, packed_bazel, wheels
from tools.airgap_kit.errors import GapError

_HERE = Path(__file__).parent

Downloads = dict[str, list[str]]
"""File names by what needs them."""


@click.command()
@click.option(
    "--output",
    "kit",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the kit.  [default: airgap_kit at the top of the workspace]",
)
@click.option(
    "--hub",
    "hubs",
    multiple=True,
    help="Hub of wheels to gather. pypi is for the build, the tests and lint; the others are for "
    "further test suites. May be repeated.  [default: all]",
)
@click.option(
    "--registry",
    metavar="URL",
    help="Registry of Bazel modules. Required outside of the Debian root, which has the modules.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="NAME[=FILE]",
    default=["corridorkey_green"],
    show_default=True,
    help="Published checkpoint to gather, from FILE if given. May be repeated.",
)
@click.option(
    "--no-checkpoint",
    is_flag=True,
    help="Leave the weights out. The kit then builds with --config=untrained only.",
)
def main(
    kit: Path | None,
    hubs: tuple[str, ...],
    registry: str | None,
    checkpoints: tuple[str, ...],
    no_checkpoint: bool,
) -> None:
    """Gathers all that a build of this repository needs, for a machine without a network.

    A second run fetches only what is missing. Every file must have the digest that this repository
    pins; manifest.json and SHA256SUMS list the files.
    """
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    kit = (kit or workspace / "airgap_kit").resolve()
    try:
        inventory.refuse_others(kit)
        pins = json.loads((_HERE / "pins.json").read_text())
        locks = {
            path.name.removesuffix("_lock.txt").replace("requirements", "pypi"): path
            for path in sorted((workspace / "third_party/python").glob("requirements*_lock.txt"))
        }
        hubs = hubs or tuple(locks)
        copies = {} if no_checkpoint else dict(text.partition("=")[::2] for text in checkpoints)
        _require_known("--hub", hubs, locks)
        _require_known("--checkpoint", copies, pins["checkpoints"])

        kit.mkdir(parents=True, exist_ok=True)
        inventory.empty(kit)
        downloads, used_modules = _gather_downloads(workspace, kit, pins, copies, registry)
        contents = {
            "platform": sysconfig.get_platform(),
            "bazel": packed_bazel.gather(kit),
            "modules": used_modules,
            "downloads": downloads,
            "wheels": wheels.gather(
                {hub: lock_file.parse(locks[hub].read_text()).values() for hub in hubs},
                kit / "wheels",
            ),
            "left_out": [
                f"@{name}"
                for name in (*pins["checkpoints"], *locks)
                if name not in (*copies, *hubs)
            ],
        }
        manifest = inventory.write(kit, contents)
    except (GapError, OSError, ValueError) as error:
        # The message may repeat what Bazel prints of a server's answer.
        raise click.ClickException(printable_lines(str(error))) from None
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    click.echo(f"{kit}: {len(manifest['files'])} files, {total / 1e9:.2f} GB, all digests checked")
    click.echo(f"left out: {', '.join(manifest['left_out']) or 'nothing'}")


def _gather_downloads(
    workspace: Path,
    kit: Path,
    pins: Mapping[str, Any],
    copies: Mapping[str, str],
    registry: str | None,
) -> tuple[Downloads, Downloads]:
    """Gathers what Bazel itself downloads.

    Args:
        workspace: Top of this repository.
        kit: Folder of the kit.
        pins: Content of pins.json.
        copies: Local copy, or "", of each checkpoint to gather, by its name.
        registry: URL of the registry of modules, unless this runs in the Debian root.

    Returns:
        The files of repositories, and the archives of modules.

    Raises:
        GapError: Something cannot be downloaded.
    """
    folder = kit / "distdir"
    downloads: Downloads = {}
    archives: Downloads = {}
    with bazel.start(workspace) as fetching:
        for name, copy in copies.items():
            downloads[f"@{name}"] = distdir.gather(
                fetching,
                folder,
                f"@{name}",
                pins["checkpoints"][name],
                [f"--repo_env={name.upper()}={Path(copy).absolute()}"] if copy else [],
                f"To gather it from a copy: --checkpoint {name}=/path/to/file. "
                "To leave the weights out: --no-checkpoint",
            )
        for name, files in pins["tools"].items():
            if name != "python_3_11" or not packed_bazel.in_root():
                downloads[f"@{name}"] = distdir.gather(fetching, folder, f"@{name}", files)
        if not packed_bazel.in_root():
            if not registry:
                raise GapError(
                    "no registry of Bazel modules is named; expected the one that your Bazel uses. "
                    "Add --registry URL"
                )
            archives = modules.gather(fetching, registry, kit / "registry", folder)
    inventory.keep_only(folder, chain(*downloads.values(), *archives.values()))
    return downloads, archives


def _require_known(option: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raises click.BadParameter unless all names are known."""
    if unknown := set(names) - set(known):
        raise click.BadParameter(
            f"unknown: {', '.join(sorted(unknown))}; expected one of {', '.join(known)}",
            param_hint=option,
        )


if __name__ == "__main__":
    command_line.run(main)
