"""Signs a release with a studio's own key, in a file beside it; nothing in the release changes."""

import os
import sys
from pathlib import Path

import click

from export.common import command_line, sha256sums
from export.common.atomic import replacing
from export.common.sha256sums import SHA256SUMS
from export.common.steps import Steps
from export.release.canonical_tar import digest_release, read_file
from export.release.signature.policy import KEYS, MAXIMUM_STATEMENT_BYTES, SignatureError
from export.release.signature.signing import sign
from export.release.signature.statement import PROVENANCE, check_statement, replace_subjects
from wrapper.printable import printable

PASSPHRASE_VARIABLE = "CORRIDORKEY_KEY_PASSPHRASE"


@click.command()
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
    """Signs RELEASE, a folder or a tar, if its files are those of its SHA256SUMS and statement.

    The signature covers every file and the tar: it is the same for the folder and for its tar.
    """
    output = output or release.with_name(f"{release.name}.dsse.json")
    shown = printable(str(output))
    steps = Steps()
    try:
        with steps(f"Check {printable(release.name)} against its {SHA256SUMS} and {PROVENANCE}"):
            statement = _statement(release)
        envelope = sign(statement, private_key, _passphrase)
        with replacing(output) as partial:
            partial.write_bytes(envelope)
    except ValueError as error:
        raise click.ClickException(f"{shown} is not written, because {error}.") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {shown}")


def _statement(release: Path) -> bytes:
    """Returns the statement to sign.

    Raises:
        ValueError: The files of the release are not those of its own SHA256SUMS and statement.
        OSError: The release cannot be read.
    """
    digests = digest_release(release)
    files = dict(digests.files)
    listing = read_file(release, SHA256SUMS, digests, sha256sums.MAXIMUM_BYTES)
    del files[SHA256SUMS]
    sha256sums.compare(files, listing)
    provenance = read_file(release, PROVENANCE, digests, MAXIMUM_STATEMENT_BYTES)
    del files[PROVENANCE]
    try:
        check_statement(provenance, files)
    except SignatureError as error:
        raise SignatureError(
            f"{PROVENANCE} in {printable(str(release))} is refused: {error}"
        ) from None
    return replace_subjects(provenance, digests.subjects())


def _passphrase() -> str:
    """Returns the passphrase of an encrypted key."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and not sys.stdin.isatty():
        raise SignatureError(f"the key is encrypted: set {PASSPHRASE_VARIABLE}")
    return given if given is not None else click.prompt("Passphrase of the key", hide_input=True)


if __name__ == "__main__":
    command_line.run(main)
