"""Makes a release from artifacts: the folder that a studio pins. Same inputs, same bytes.

`corridorkey_release` in defs.bzl runs it.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from export.common import command_line, sha256sums
from export.common.atomic import replacing
from export.common.digests import Digest, digest
from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS
from export.release.papers import Checkout
from export.release.release_manifest import MANIFEST, SCHEMA, ArtifactEntry, release_manifest
from export.release.sbom import SBOM
from export.release.signature.statement import PROVENANCE

NOTICE = Path(__file__).with_name("LICENSE-CorridorKey.txt")
CHANGELOG = Path(__file__).with_name("CHANGELOG.md")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--artifact", "artifacts", type=_FILE, multiple=True, help="A .pt or its manifest (.json)."
)
@click.option("--nuke-kit", type=_FOLDER, help="Folder to include as nuke/.")
@click.option("--version", required=True, help="Version of the release.")
@click.option("--untrained", "allow_untrained", is_flag=True, help="The weights must be stand-ins.")
@click.option("--target", required=True, help="Label of the release.")
@click.option("--builder-id", required=True, help="URI of the builder.")
@click.option(
    "--pins", "pins_file", type=_FILE, required=True, help="JSON file of published checkpoints."
)
@click.option(
    "--wheels", "wheels_file", type=_FILE, required=True, help="JSON file of the exporter's wheels."
)
@click.option("--lock", type=_FILE, required=True, help="Lock of these wheels.")
@click.option("--module", type=_FILE, required=True, help="MODULE.bazel.")
@click.option(
    "--output", type=_FOLDER, required=True, help="Folder to make; its name is the release's."
)
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
    checkout = Checkout(pins_file, wheels_file, Path("external"), lock, module)
    try:
        entries = _entries(artifacts, checkout)
        _check_weights(entries, allow_untrained)
        files = _copy(artifacts, nuke_kit, output)

        def add(name: str, content: str | bytes) -> None:
            _write(output / name, content)
            files[name] = digest(output / name)

        add(SBOM, checkout.bill_of_materials(output.name, version, entries, files))
        add(MANIFEST, to_json(release_manifest(output.name, version, entries, files)))
        statement = checkout.provenance(target, builder_id, version, entries, _sha256(files))
        add(PROVENANCE, statement)
        _write(output / SHA256SUMS, sha256sums.to_text(_sha256(files)))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _entries(artifacts: Sequence[Path], checkout: Checkout) -> list[ArtifactEntry]:
    """Returns the manifest's entries of the artifacts, sorted by name.

    Raises:
        ValueError: A .pt comes without its .json, or the other way round, or twice, or the checkout
            refuses them.
    """
    names = sorted(file.name for file in artifacts)
    stems = {file.stem for file in artifacts}
    if names != sorted(stem + suffix for stem in stems for suffix in (".json", ".pt")):
        raise ValueError(f"expected one .pt and one .json per artifact, found {', '.join(names)}")
    return checkout.entries(
        {
            file.with_suffix(".pt").name: json.loads(file.read_text())
            for file in artifacts
            if file.suffix == ".json"
        }
    )


def _check_weights(artifacts: Sequence[ArtifactEntry], allow_untrained: bool) -> None:
    """Checks that the weights of every artifact are trained, or all stand-ins if that is allowed.

    Raises:
        ValueError: An artifact has weights of the other kind.
    """
    for one in artifacts:
        if one["weights"]["untrained"] and not allow_untrained:
            raise ValueError(
                f"{one['file']} is made from untrained weights ({one['model_id']}); a release "
                "needs trained ones.\n  Build without --config=untrained or --config=demo; "
                "or, for a trial whose name ends in -untrained, add "
                "--//export:allow_untrained_release."
            )
        if allow_untrained and not one["weights"]["untrained"]:
            raise ValueError(
                f"{one['file']} is made from trained weights ({one['model_id']}), but the release "
                "would be named -untrained.\n  Build without --//export:allow_untrained_release."
            )


def _copy(artifacts: Sequence[Path], nuke_kit: Path | None, output: Path) -> dict[str, Digest]:
    """Copies the files that a release takes unchanged; returns digest and size by path."""
    output.mkdir(parents=True, exist_ok=True)
    for file in (*artifacts, NOTICE, CHANGELOG, SCHEMA):
        shutil.copyfile(file, output / file.name)
    if nuke_kit:
        shutil.copytree(nuke_kit, output / "nuke", copy_function=shutil.copyfile)
    return {
        str(path.relative_to(output)): digest(path)
        for path in output.rglob("*")
        if not path.is_dir()
    }


def _write(path: Path, content: str | bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())


def _sha256(files: Mapping[str, Digest]) -> dict[str, str]:
    return {path: file["sha256"] for path, file in files.items()}


if __name__ == "__main__":
    command_line.run(main)
