"""Bazel modules, as a registry in a folder: what this build reads of the registries it is told of.

In the air-gapped root there are none to gather: the modules are part of the root.
"""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import click

from export.manifest_file import digest
from tools.airgap_kit import bazel as another_bazel
from tools.airgap_kit.bazel import Bazel
from tools.airgap_kit.errors import GapError

_WHAT_RESOLUTION_READS = (".bazelrc", "MODULE.bazel", "user.bazelrc")


def gather(bazel: Bazel, workspace: Path, registry: Path, distdir: Path) -> list[str]:
    """Makes a registry of every module that this workspace's build may read.

    Args:
        bazel: Fetches the modules.
        workspace: Its MODULE.bazel says which.
        registry: Folder for `--registry`.
        distdir: Folder for `--distdir`: what the modules' addresses lead to.

    Returns:
        `NAME@VERSION` of those that are used.

    Raises:
        GapError: A module cannot be had.
    """
    modules = []
    for source in _gather_metadata(workspace, registry):
        name, version = source.parent.parent.name, source.parent.name
        modules.append(f"{name}@{version}")
        files = dict(_files(source, distdir))
        if any(not path.exists() or digest(path)["sha256"] != files[path] for path in files):
            click.echo(f"fetching module {name} {version}")
            words = bazel.fetch(f"@@{name}~")
            for path, sha256 in files.items():
                if not bazel.take(sha256, path):
                    raise GapError(
                        f"module {name} {version} cannot be had. Bazel's own words:\n{words}"
                    )
    return modules


def _gather_metadata(workspace: Path, registry: Path) -> list[Path]:
    """Writes what resolution reads, as a lock file tells; returns the used modules' source.json."""
    with tempfile.TemporaryDirectory(prefix="airgap-kit-") as name:
        copy = Path(name)
        for file in _WHAT_RESOLUTION_READS:
            if (workspace / file).exists():
                shutil.copyfile(workspace / file, copy / file)
        with another_bazel.start(copy) as bazel:
            words = bazel.fetch("@@bazel_tools", "--lockfile_mode=update")
            lock = copy / "MODULE.bazel.lock"
            if not lock.exists():
                raise GapError(f"the modules cannot be resolved. Bazel's own words:\n{words}")
            hashes: dict[str, str | None] = json.loads(lock.read_text())["registryFileHashes"]
            sources = []
            for url, sha256 in sorted(hashes.items()):
                _, found, path = url.partition("/modules/")
                if sha256 and found:
                    if not bazel.take(sha256, registry / "modules" / path):
                        raise GapError(f"{url} cannot be had. Bazel's own words:\n{words}")
                    if path.endswith("/source.json"):
                        sources.append(registry / "modules" / path)
    return sources


def _files(source: Path, distdir: Path) -> Iterator[tuple[Path, str]]:
    """Path and SHA-256 of what a source.json names: the archive, patches, files laid over it."""
    content = json.loads(source.read_text())
    if "url" not in content:
        raise GapError(
            f"{source.parent.parent.name} is not an archive in its registry: it is left to you"
        )
    yield distdir / PurePosixPath(content["url"]).name, _sha256(content["integrity"])
    for folder in ("patches", "overlay"):
        for file, integrity in content.get(folder, {}).items():
            yield source.parent / folder / file, _sha256(integrity)


def _sha256(integrity: str) -> str:
    """The digest, in hexadecimal, of a Subresource Integrity value."""
    return base64.b64decode(integrity.removeprefix("sha256-")).hex()
