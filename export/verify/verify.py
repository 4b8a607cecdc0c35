"""Verifies a CorridorKey.pt or a release: a table, one line of verdict, an exit status.

README.md beside this file says what the verdict promises, and how.
"""

import contextlib
import functools
import hashlib
import stat
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from export.common import command_line
from export.common.json_text import to_json
from export.common.untrusted_names import UntrustedNames
from export.verify.artifact_check import MAXIMUM_BESIDE_BYTES, check_artifact
from export.verify.claims import MAXIMUM_BYTES
from export.verify.files import Release, digest, open_file, read_file, with_a_name
from export.verify.release_check import check_release
from export.verify.release_tar import Tar, open_release
from export.verify.signature_check import check_file, check_files, check_signature
from export.verify.verdict import (
    EXIT_STATUSES,
    NOT_DETERMINED,
    SIGNATURE,
    EndedError,
    Passed,
    RefusedError,
    Verdict,
    quoted,
    without_gaps,
)
from wrapper.printable import printable

_SUFFIXES = (".pt", ".tar")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Command(UntrustedNames):
    """The command line of verify. Its errors quote names, so the last line is of verify alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.message = without_gaps(error.message)
            raise

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the program."""
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            if end.code == NOT_DETERMINED:
                click.echo("No verdict: the reason stands above", err=True)
            raise


@click.command(cls=_Command)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    type=_FILE,
    help="The public key of the signer, a PEM file. Without one the verdict is CONSISTENT at best.",
)
@click.option(
    "--signature",
    type=_FILE,
    help="The file that //export:sign wrote.  [default: PATH.dsse.json]",
)
@click.option(
    "--probe/--no-probe",
    "probing",
    default=True,
    show_default=True,
    help="Key a plate with each artifact and move its knobs, to measure. Four passes through the "
    "network: a quarter of an hour and 8 GB on a CPU at 2048.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def main(
    path: Path, key: Path | None, signature: Path | None, probing: bool, as_json: bool
) -> None:
    r"""Verifies PATH: a .pt, the folder of a release, or a tar of one.

    No code in PATH runs, and torch loads nothing of it before every byte but the numbers of the
    weights was found equal to what this version of the exporter writes.

    \b
    Exit status and verdict:
      0  VERIFIED    signed by the key, and exactly what the exporter makes
      1  REFUSED     anything else; the first reason ends the work
      2              no verdict: wrong command line, unreadable file, no memory or disk, stopped
      3  CONSISTENT  exactly what the exporter makes; no --key, so of unknown origin
    """
    try:
        verdict = _verify(path, key, signature, probing)
        if as_json:
            click.echo(to_json(verdict.to_json()), nl=False)
        else:
            Console(emoji=False).print(verdict.table())
            click.echo(f"Checked: {verdict.about()}\n{verdict.line()}")
    except click.UsageError:
        raise
    except KeyboardInterrupt:
        click.echo("Error: stopped before there was a verdict", err=True)
        sys.exit(NOT_DETERMINED)
    except OSError as error:
        click.echo(f"Error: {without_gaps(printable(str(error)))}", err=True)
        sys.exit(NOT_DETERMINED)
    except Exception as error:  # A defect of verify's own, whose message may hold text of the file.
        problem = f"{type(error).__name__}: {error}"
        click.echo(f"Error: verify failed: {without_gaps(printable(problem))}", err=True)
        sys.exit(NOT_DETERMINED)
    sys.exit(EXIT_STATUSES[verdict.word])


def _verify(path: Path, key: Path | None, signature: Path | None, probing: bool) -> Verdict:
    for option, file in (("--key", key), ("--signature", signature)):
        if file and file.name.lower().endswith(_SUFFIXES):  # A glob such as *.pt can bring options.
            raise click.UsageError(
                f"{option} is {quoted(file.name)}; expected a file whose name does not end in "
                f"{' or '.join(_SUFFIXES)}. Put ./ in front of the names of files"
            )
    if signature and not key:
        raise click.UsageError("--signature needs the --key of its signer.")
    if not path.is_dir() and path.suffix not in _SUFFIXES:
        raise click.UsageError(f"{quoted(path.name)} is neither a folder, nor a .pt, nor a .tar.")
    path = with_a_name(path)
    verdict = Verdict(path.name)
    with contextlib.suppress(EndedError):
        if path.suffix == ".pt" and not path.is_dir():
            _verify_artifact(verdict, path, key, signature, probing)
        else:
            _verify_release(verdict, path, key, signature, probing)
    return verdict


def _verify_artifact(
    verdict: Verdict, path: Path, key: Path | None, signature: Path | None, probing: bool
) -> None:
    paths = (path, path.with_suffix(".json"))
    places = _places(*paths)
    verdict.sha256 = sha256 = verdict.run(path.name, "file", lambda: _digest(path))
    statement = verdict.run(path.name, SIGNATURE, lambda: check_signature(path, key, signature))
    if statement is not None:
        verdict.run(path.name, "statement", lambda: check_file(statement, path.name, sha256))
    opening = functools.partial(open_file, path, MAXIMUM_BYTES)
    beside = functools.cache(lambda: _read_beside(path))
    check_artifact(verdict, path.name, opening, sha256, beside, probing, statement)
    verdict.run(
        path.name,
        "unchanged",
        lambda: _check_unchanged(
            (sha256, beside(), places),
            (_digest(path).value, _read_beside(path), _places(*paths)),
        ),
    )


def _digest(path: Path) -> Passed[str]:
    sha256 = hashlib.sha256()
    with open_file(path, MAXIMUM_BYTES) as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            if file.tell() > MAXIMUM_BYTES:
                raise RefusedError("it grows while it is read")
        return Passed(f"{file.tell():,} bytes", sha256.hexdigest())


def _read_beside(path: Path) -> bytes | None:
    """Returns the manifest beside a .pt, or None if there is none.

    Raises:
        RefusedError: It is a link, and the .pt is not, or the link leads nowhere. What a link names
            can depend on who reads it.
    """
    beside = path.with_suffix(".json")
    if beside.is_symlink() and not path.is_symlink():
        raise RefusedError(f"{beside.name} is a link; expected a file, as {path.name} is one")
    try:
        return read_file(beside, MAXIMUM_BESIDE_BYTES)
    except FileNotFoundError:
        if beside.is_symlink():
            raise RefusedError(f"{beside.name} is a link that leads nowhere") from None
        return None


def _verify_release(
    verdict: Verdict, path: Path, key: Path | None, signature: Path | None, probing: bool
) -> None:
    places = _places(path)
    statement = verdict.run(path.name, SIGNATURE, lambda: check_signature(path, key, signature))
    release = verdict.run(path.name, "container", lambda: _open_release(path))
    if isinstance(release, Tar):
        verdict.sha256 = release.digests.tar_sha256
    if statement is not None:
        verdict.run(path.name, "statement", lambda: check_files(statement, release))
    check_release(verdict, release, signed=statement is not None, probing=probing)
    verdict.run(
        path.name,
        "unchanged",
        lambda: _check_unchanged((release.digests, places), (digest(path), _places(path))),
    )


def _places(*paths: Path) -> list[tuple[int, int, int]]:
    """Returns what stands at paths and at the folders above them.

    A link that takes the place of a file may lead verify to that very file, and others elsewhere.
    """
    places = []
    for path in paths:
        for place in (path.absolute(), *path.absolute().parents):
            with contextlib.suppress(FileNotFoundError):
                status = place.lstat()
                places.append((status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode)))
    return places


def _check_unchanged(before: object, now: object) -> Passed[None]:
    if now != before:
        raise RefusedError("it changed while it was verified")
    return Passed("listed and digested again: every byte is the one that was verified", None)


def _open_release(path: Path) -> Passed[Release]:
    release = open_release(path)
    canonical = "the canonical tar of its content"
    return Passed(canonical if isinstance(release, Tar) else "plain files and folders", release)


if __name__ == "__main__":
    command_line.run(main)
