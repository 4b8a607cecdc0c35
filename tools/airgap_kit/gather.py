"""Gathers all that a build needs into a folder, for a machine with no network.

    tools/bazel run //tools/airgap_kit:gather -- --output /media/disk/airgap_kit

How the kit is used: tools/AIRGAP.md.
"""

import json
import os
import sysconfig
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import click

from export.common import command_line
from export.common.atomic import replacing
from tools.airgap_kit import bazel, bazel_itself, distdir, inventory, modules, wheels
from tools.airgap_kit.errors import GapError

_HERE = Path(__file__).parent
_RC = "airgap.bazelrc"
_REGISTRY_FLAG = """
# The modules, in place of the Bazel Central Registry.
common:airgap --registry=file:///%workspace%/airgap_kit/registry
"""


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
    help="A hub of wheels to gather: pypi is for the build, the tests and lint, the others are for "
    "suites. May be repeated.  [default: all]",
)
@click.option(
    "--registry",
    default="https://bcr.bazel.build",
    show_default=True,
    help="Where Bazel's modules come from; in the air-gapped root, which has them, from nowhere.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="NAME[=FILE]",
    default=["corridorkey_green"],
    show_default=True,
    help="A published checkpoint to gather; with FILE, from a copy of it. May be repeated.",
)
@click.option(
    "--no-checkpoint",
    is_flag=True,
    help="Leave the weights out: the kit then builds with --config=untrained only.",
)
def main(
    kit: Path | None,
    hubs: tuple[str, ...],
    registry: str,
    checkpoints: tuple[str, ...],
    no_checkpoint: bool,
) -> None:
    """Gathers all that a build of this repository needs, for a machine with no network.

    Run again, it fetches only what is missing. Every file is held to the digest that this
    repository pins it with; manifest.json and SHA256SUMS list them all.
    """
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    kit = (kit or workspace / "airgap_kit").resolve()
    pins = json.loads((_HERE / "pins.json").read_text())
    locks = {
        path.name.removesuffix("_lock.txt").replace("requirements", "pypi"): path
        for path in sorted((workspace / "third_party/python").glob("requirements*_lock.txt"))
    }
    hubs = hubs or tuple(locks)
    copies = {} if no_checkpoint else dict(text.partition("=")[::2] for text in checkpoints)
    _demand_known("--hub", hubs, locks)
    _demand_known("--checkpoint", copies, pins["checkpoints"])

    try:
        known = inventory.read(kit)
        kit.mkdir(parents=True, exist_ok=True)
        # Nothing can be built from a kit without it, so it goes first and comes back last.
        (kit / _RC).unlink(missing_ok=True)
        downloads = {}
        with bazel.start(workspace) as fetching:
            for name, copy in copies.items():
                flags = [f"--repo_env={name.upper()}={Path(copy).absolute()}"] if copy else []
                downloads[f"@{name}"] = distdir.gather(
                    fetching,
                    kit / "distdir",
                    f"@{name}",
                    pins["checkpoints"][name],
                    flags,
                    f"To gather it from a copy: --checkpoint {name}=/path/to/file. "
                    "To leave the weights out: --no-checkpoint",
                )
            for name, files in pins["tools"].items():
                if name != "python_3_11" or not bazel_itself.in_root():
                    downloads[f"@{name}"] = distdir.gather(
                        fetching, kit / "distdir", f"@{name}", files
                    )
            downloads["rules_python"] = distdir.gather_wheels_of_rules_python(
                fetching, kit / "distdir"
            )
            used = (
                {}
                if bazel_itself.in_root()
                else modules.gather(fetching, registry, kit / "registry", kit / "distdir")
            )
        inventory.keep_only(kit / "distdir", chain(*downloads.values(), *used.values()))
        contents = {
            "platform": sysconfig.get_platform(),
            "bazel": bazel_itself.gather(kit, known),
            "modules": used,
            "downloads": downloads,
            "wheels": wheels.gather(
                {hub: wheels.read_lock(locks[hub].read_text()) for hub in hubs}, kit / "wheels"
            ),
            "left_out": [
                f"@{name}"
                for name in (*pins["checkpoints"], *locks)
                if name not in (*copies, *hubs)
            ],
        }
        with replacing(kit / _RC) as partial:
            partial.write_text((_HERE / _RC).read_text() + (_REGISTRY_FLAG if used else ""))
        manifest = inventory.write(kit, contents)
    except (GapError, OSError) as error:
        raise click.ClickException(str(error)) from None
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    click.echo(f"{kit}: {len(manifest['files'])} files, {total / 1e9:.2f} GB, all digests checked")
    click.echo(f"left out: {', '.join(manifest['left_out']) or 'nothing'}")


def _demand_known(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    if unknown := set(names) - set(known):
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}: there are {', '.join(known)}", param_hint=option
        )


if __name__ == "__main__":
    command_line.run(main)
