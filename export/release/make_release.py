"""Artefacts → a release: the folder that a studio pins, the same bytes from the same inputs.

`corridorkey_release` in defs.bzl runs it.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import click
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

from export.common import sha256sums
from export.common.digests import digest
from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS
from export.release.manifest import MANIFEST, SCHEMA, artifact, manifest, weights_url
from export.release.provenance import PROVENANCE, statement
from export.release.sbom import SBOM, sbom
from export.release.wheels import read_wheels

NOTICE = Path(__file__).with_name("LICENSE-CorridorKey.txt")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_MODULE = re.compile(
    r'^(?:module|bazel_dep)\(\s*name = "([^"]+)",\s*version = "([^"]+)"(?:\)|,)$', re.MULTILINE
)
"""This module and those that it needs wherever it is used: no dev_dependency."""


@click.command()
@click.option("--artifact", "artifacts", type=_FILE, multiple=True, help="A .pt or its manifest.")
@click.option("--nuke-kit", type=_FOLDER, help="What goes in nuke/.")
@click.option("--version", required=True, help="Of the release.")
@click.option("--untrained", "allow_untrained", is_flag=True, help="Of stand-in weights.")
@click.option("--target", required=True, help="Label of the release.")
@click.option("--builder-id", required=True, help="URI of who builds it.")
@click.option("--pins", "pins_file", type=_FILE, required=True, help="Published checkpoints.")
@click.option("--wheels", "wheels_file", type=_FILE, required=True, help="What the exporter uses.")
@click.option("--lock", type=_FILE, required=True, help="The lock of these wheels.")
@click.option("--module", type=_FILE, required=True, help="MODULE.bazel.")
@click.option("--output", type=_FOLDER, required=True, help="Folder to make, with its last name.")
def main(
    artifacts: tuple[Path, ...],
    nuke_kit: Path | None,
    version: str,
    allow_untrained: bool,
    target: str,
    builder_id: str,
    pins_file: Path,
    wheels_file: Path,
    lock: Path,
    module: Path,
    output: Path,
) -> None:
    """Makes a release."""
    names = sorted(file.name for file in artifacts)
    stems = {file.stem for file in artifacts}
    if names != sorted(stem + suffix for stem in stems for suffix in (".json", ".pt")):
        raise click.ClickException(
            f"each artefact is one .pt and its .json, and these are {', '.join(names)}."
        )
    pins = json.loads(pins_file.read_text())
    described = [
        artifact(file.with_suffix(".pt").name, json.loads(file.read_text()), pins)
        for file in sorted(artifacts, key=lambda file: file.name)
        if file.suffix == ".json"
    ]
    _check_weights(described, allow_untrained)

    output.mkdir(parents=True, exist_ok=True)
    for file in (*artifacts, NOTICE, SCHEMA):
        shutil.copyfile(file, output / file.name)
    if nuke_kit:
        shutil.copytree(nuke_kit, output / "nuke", copy_function=shutil.copyfile)
    files = {
        str(path.relative_to(output)): digest(path)
        for path in output.rglob("*")
        if not path.is_dir()
    }

    def add(name: str, text: str) -> None:
        (output / name).write_text(text)
        files[name] = digest(output / name)

    release = (output.name, version, described, files)
    try:
        modules = dict(_MODULE.findall(module.read_text()))
        add(SBOM, sbom(*release, *read_wheels(wheels_file, lock), modules))
        add(MANIFEST, to_json(manifest(*release)))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    add(
        PROVENANCE,
        statement(
            {path: file["sha256"] for path, file in files.items()},
            {
                "target": target,
                "version": version,
                "artifacts": {one["file"]: one["model_id"] for one in described},
            },
            _dependencies(described, lock, module),
            builder_id,
        ),
    )
    add(SHA256SUMS, sha256sums.to_text({path: file["sha256"] for path, file in files.items()}))


def _check_weights(artifacts: list[dict[str, Any]], allow_untrained: bool) -> None:
    """Raises an error where an artefact's weights are not of the kind that was asked for."""
    for one in artifacts:
        if one["weights"]["untrained"] and not allow_untrained:
            raise click.ClickException(
                f"{one['file']} is made from untrained weights ({one['model_id']}), which are for "
                "tests and are not released.\n  Build without --config=untrained or --config=demo; "
                "or, for a trial whose name ends in -untrained, add "
                "--//export:allow_untrained_release."
            )
        if allow_untrained and not one["weights"]["untrained"]:
            raise click.ClickException(
                f"{one['file']} is made from trained weights ({one['model_id']}), and the release "
                "would be named -untrained.\n  Build without --//export:allow_untrained_release."
            )


def _dependencies(
    artifacts: list[dict[str, Any]], lock: Path, module: Path
) -> list[ResourceDescriptor]:
    """What the artefacts were made from: the weights, and what pins all else."""
    weights = {one["weights"]["sha256"]: one["weights"]["published"] for one in artifacts}
    return [
        *(
            ResourceDescriptor(
                name="weights",
                uri=weights_url(published) if published else "",
                digest={"sha256": sha256},
            )
            for sha256, published in sorted(weights.items())
        ),
        *(
            ResourceDescriptor(name=file.name, digest={"sha256": digest(file)["sha256"]})
            for file in (module, lock)
        ),
    ]


if __name__ == "__main__":
    main()
