"""Signs a release with a studio's own key, in a file beside it; nothing in the release changes."""

import os
import sys
from pathlib import Path

import click

from export.common import command_line, sha256sums
from export.common.atomic import replacing
from export.common.sha256sums import SHA256SUMS
from export.common.steps import Steps
from export.common.untrusted_names import UntrustedNames
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature.policy import KEYS, MAXIMUM_STATEMENT_BYTES, SignatureError
from export.release.signature.signing import sign
from export.release.signature.statement import PROVENANCE, replace_subjects
from export.verify.files import Release, read_unchanged, with_a_name
from export.verify.kit_check import KIT, check_kit
from export.verify.papers_check import Papers, check_names, read_facts
from export.verify.release_tar import open_release
from export.verify.verdict import RefusedError
from wrapper.printable import printable

PASSPHRASE_VARIABLE = "CORRIDORKEY_KEY_PASSPHRASE"


@click.command(cls=UntrustedNames)
@click.argument("release", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    "private_key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help=f"The private key, a PEM file: {KEYS}. The passphrase of an encrypted key is taken from "
    f"{PASSPHRASE_VARIABLE}, or asked for.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Signature file to write.  [default: RELEASE.dsse.json]",
)
def main(release: Path, private_key: Path, output: Path | None) -> None:
    """Signs RELEASE, a folder or a tar, if its papers are those that this checkout writes.

    The signature covers every file and the tar: it is the same for the folder and for its tar.
    """
    release = with_a_name(release)
    output = output or release.with_name(f"{release.name}.dsse.json")
    shown = printable(str(output))
    steps = Steps()
    try:
        with steps(f"Check the papers of {printable(release.name)}"):
            opened = open_release(release)
            statement, notes = _statement(opened)
        envelope = sign(statement, private_key, _passphrase)
        with replacing(output) as partial:
            partial.write_bytes(envelope)
    except ValueError as error:
        raise click.ClickException(f"{shown} is not written, because {error}.") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None
    digests = opened.digests
    for note in notes:
        click.echo(f"Warning: {printable(note)}", err=True)
    click.echo(f"Signed {digests.tar_name} with SHA-256 {digests.tar_sha256}\nWrote {shown}")


def _statement(release: Release) -> tuple[bytes, list[str]]:
    """Returns the statement to sign, and what only its signature will vouch for.

    Raises:
        ValueError: The files of the release are not those of its SHA256SUMS and statement, or these
            and the manifest are not what this checkout writes about its artifacts, or a file is not
            one of a release.
        OSError: The release cannot be read.
    """
    listing = read_unchanged(release, SHA256SUMS, sha256sums.MAXIMUM_BYTES)
    files = {path: one for path, one in release.digests.files.items() if path != SHA256SUMS}
    sha256sums.compare(files, listing)
    check_names(release)
    facts = {path: read_facts(release, path) for path in files if path.endswith(".pt")}
    papers = Papers(release, facts)
    for name, check in (
        (MANIFEST, papers.check_manifest),
        (PROVENANCE, papers.check_provenance),
    ):
        try:
            check()
        except RefusedError as error:
            raise RefusedError(f"{name} in {release.name} is refused: {error}") from None
    papers.check_copies()
    free = {SBOM: papers.check_bill(signed=True), KIT: check_kit(release, signed=True)}
    notes = [f"{name}: {result.detail}" for name, result in free.items() if not result.value]
    statement = read_unchanged(release, PROVENANCE, MAXIMUM_STATEMENT_BYTES)
    return replace_subjects(statement, release.digests.subjects()), notes


def _passphrase() -> str:
    """Returns the passphrase of an encrypted key."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and not sys.stdin.isatty():
        raise SignatureError(f"the key is encrypted: set {PASSPHRASE_VARIABLE}")
    return given if given is not None else click.prompt("Passphrase of the key", hide_input=True)


if __name__ == "__main__":
    command_line.run(main)
