"""A release and a studio's own key → a signature beside the release; nothing in it changes."""

import os
import sys
from pathlib import Path

import click

from export.common import command_line, sha256sums
from export.common.atomic import replacing
from export.common.sha256sums import SHA256SUMS, ChecksumError
from export.common.steps import Steps
from export.release.provenance import PROVENANCE, subjects
from export.release.signing import SignatureError, sign

PASSPHRASE_VARIABLE = "CORRIDORKEY_KEY_PASSPHRASE"


@click.command()
@click.argument("release", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    "private_key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The private key, a PEM file: Ed25519, ECDSA on P-256, or RSA. The passphrase of an "
    f"encrypted one is taken from {PASSPHRASE_VARIABLE}, or asked for.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The signature to write.  [default: RELEASE.dsse.json]",
)
def main(release: Path, private_key: Path, output: Path | None) -> None:
    """Signs RELEASE, a folder or a tar, if it is as it was made.

    What is signed is its provenance statement, which holds the digest of every file.
    """
    output = output or release.with_name(f"{release.name}.dsse.json")
    steps = Steps()
    try:
        with steps(f"Hold {release.name} to its {SHA256SUMS}"):
            digests = sha256sums.check(release)
            statement = sha256sums.read(release, PROVENANCE)
            del digests[PROVENANCE]
            if subjects(statement) != digests:
                raise ChecksumError(f"{PROVENANCE} in {release} speaks of other files")
        envelope = sign(statement, private_key, _passphrase)
        with replacing(output) as partial:
            partial.write_bytes(envelope)
    except ValueError as error:
        raise click.ClickException(f"{output} is not written, because {error}.") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {output}")


def _passphrase() -> str:
    """The passphrase of the key, which is encrypted."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and not sys.stdin.isatty():
        raise SignatureError(f"the key is encrypted: set {PASSPHRASE_VARIABLE}")
    return given if given is not None else click.prompt("Passphrase of the key", hide_input=True)


if __name__ == "__main__":
    command_line.run(main)
