"""Is this CorridorKey.pt, or this release, what it says it is? A table, and one line of verdict."""

import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from export.common import command_line
from export.common.digests import digest
from export.common.json_text import to_json
from export.release import signing
from export.release.canonical_tar import digest_release
from export.release.signing import SignatureError
from export.release.statement import check_statement, read_subjects
from export.verify.artifact_check import check_artifact
from export.verify.release_check import check_release
from export.verify.tar_check import TarError, unpack
from export.verify.verdict import Verdict

VERIFIED, REFUSED, NOT_LOOKED_AT = 0, 1, 2
"""Exit statuses. The last is click's own for a wrong command line."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    type=_FILE,
    help="The public key of whoever released it, a PEM file. Without one, no signature is checked.",
)
@click.option(
    "--signature",
    type=_FILE,
    help="What //export:sign wrote.  [default: PATH.dsse.json]",
)
@click.option(
    "--probe/--no-probe",
    "probing",
    default=True,
    show_default=True,
    help="Key a plate with each artefact, and move its knobs. Four passes through the network: "
    "a quarter of an hour and 8 GB on a CPU at 2048.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout, in place of the table.")
def main(
    path: Path, key: Path | None, signature: Path | None, probing: bool, as_json: bool
) -> None:
    """Verifies PATH: a .pt, the folder of a release, or a tar of one.

    Nothing in it is unpickled, and nothing is loaded before it was looked at; then it is loaded in
    a child process with limits.

    Exit status: 0 if it is verified, 1 if it is refused, 2 if it could not be looked at.
    """
    if signature and not key:
        raise click.UsageError("--signature needs the --key of whoever made it.")
    if not path.is_dir() and path.suffix not in (".pt", ".tar"):
        raise click.UsageError(f"{path} is no folder, no .pt and no .tar.")
    verdict = Verdict(path.name)
    try:
        if not path.is_dir():
            verdict.sha256 = digest(path)["sha256"]
        if path.suffix == ".pt":
            _check_signature(path, None, key, signature, verdict)
            beside = path.with_suffix(".json")
            check_artifact(path, beside if beside.exists() else None, probing, verdict)
        else:
            with tempfile.TemporaryDirectory() as scratch:
                release = path if path.is_dir() else _unpacked(path, Path(scratch), verdict)
                if release:
                    _check_signature(path, release, key, signature, verdict)
                    check_release(release, probing, verdict)
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(NOT_LOOKED_AT)
    if as_json:
        click.echo(to_json(verdict.to_json()), nl=False)
    else:
        Console().print(verdict.table())
        click.echo(verdict.line())
    sys.exit(VERIFIED if verdict.verified else REFUSED)


def _unpacked(tar: Path, scratch: Path, verdict: Verdict) -> Path | None:
    """The folder of a release, in `scratch`, if the tar of it can be unpacked without risk."""
    verdict.doing(tar.name, "unpack")
    try:
        release = unpack(tar, scratch)
    except TarError as error:
        verdict.add(tar.name, "tar", "refused", str(error))
        return None
    verdict.add(tar.name, "tar", "passed", f"plain files in {release.name}/")
    return release


def _check_signature(
    path: Path, release: Path | None, key: Path | None, signature: Path | None, verdict: Verdict
) -> None:
    """Holds a release to the statement that was signed, or an artefact to one of its subjects."""
    beside = path.with_name(f"{path.name}.dsse.json")
    if not key:
        there = f"; {beside.name} is there" if beside.exists() else ""
        verdict.add(path.name, "signature", "not checked", f"no --key was given{there}")
        return
    try:
        statement = signing.verify((signature or beside).read_bytes(), key)
        if release:
            check_statement(statement, digest_release(path).subjects())
        elif read_subjects(statement).get(path.name) != verdict.sha256:
            raise SignatureError(f"the signed release has no {path.name} with this SHA-256")
    except FileNotFoundError as error:
        verdict.add(path.name, "signature", "refused", f"there is no {error.filename}")
    except ValueError as error:
        verdict.add(path.name, "signature", "refused", str(error))
    else:
        verdict.add(path.name, "signature", "passed", f"made with the private half of {key.name}")


if __name__ == "__main__":
    command_line.run(main)
