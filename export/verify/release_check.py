"""Checks a release: every file is accounted for, and is what this checkout would put there."""

import contextlib
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.common import sha256sums
from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS, ChecksumError
from export.nuke import kit
from export.release.make_release import CHANGELOG, NOTICE
from export.release.release_manifest import MANIFEST, SCHEMA, artifact, release_manifest
from export.release.sbom import SBOM
from export.release.signature.policy import SignatureError
from export.release.signature.statement import PROVENANCE, check_statement
from export.verify.artifact_check import MAXIMUM_BESIDE_BYTES, Artifact, check_artifact
from export.verify.children import confined
from export.verify.children.confined import ChildError, Limits
from export.verify.files import Release, read_unchanged
from export.verify.strict_json import JsonError, parse_object
from export.verify.verdict import Passed, RefusedError, Verdict
from wrapper.knobs import KNOBS

_ROOT = Path(__file__).parents[2]
_CHECKPOINT_PINS = _ROOT / "third_party/checkpoints/pins.json"
_COPIED = {file.name: file for file in (SCHEMA, NOTICE, CHANGELOG)}
"""Files that a release holds a copy of, by their name there."""

_VERSION = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}", re.ASCII)
_KIT = "nuke/"
_MAXIMUM_PAPER_BYTES = 1 << 20
"""Largest manifest, provenance or bill of materials that is read; the exporter's have 100 kB."""
_MAXIMUM_KIT_BYTES = 4 << 20
_BILL_LIMITS = Limits(memory=1 << 30, seconds=120)


def check_release(verdict: Verdict, release: Release, signed: bool, probing: bool) -> None:
    """Checks a release, file by file.

    Args:
        verdict: Makes and keeps the checks.
        release: The release; its digests are those of the signed statement, if there is one.
        signed: Whether a signature vouches for the files.
        probing: Whether to key plates with the artifacts.

    Raises:
        EndedError: Something is refused.
        OSError: A file cannot be read, or there is no disk for two copies of an artifact.
    """
    name = release.name
    verdict.run(name, SHA256SUMS, lambda: _check_list(release))
    verdict.run(name, "names", lambda: _check_names(release))
    artifacts = {
        path: _check_artifact(verdict, release, path, probing)
        for path in sorted(release.digests.files)
        if path.endswith(".pt")
    }
    verdict.run(name, MANIFEST, lambda: _check_manifest(release, artifacts))
    verdict.run(name, PROVENANCE, lambda: _check_provenance(release))
    verdict.run(name, SBOM, lambda: _check_bill(release))
    verdict.run(name, "copies", lambda: _check_copies(release))
    if not verdict.run(name, _KIT, lambda: _check_kit(release, signed)):
        verdict.note(
            "nuke/ differs from this checkout's kit and is vouched for by the signature only"
        )


def _check_list(release: Release) -> Passed[None]:
    text = read_unchanged(release, SHA256SUMS, sha256sums.MAXIMUM_BYTES)
    found = {path: digest for path, digest in release.digests.files.items() if path != SHA256SUMS}
    try:
        sha256sums.compare(found, text)
    except ChecksumError as error:
        raise RefusedError(str(error)) from None
    return Passed(f"{len(found)} files, each with its SHA-256, and no other", None)


def _check_names(release: Release) -> Passed[None]:
    """Refuses files that the release rule never writes."""
    artifacts = {path for path in release.digests.files if path.endswith(".pt")}
    if not artifacts:
        raise RefusedError("the release holds no .pt")
    expected = {SHA256SUMS, MANIFEST, PROVENANCE, SBOM, *_COPIED, *artifacts}
    expected |= {path.removesuffix(".pt") + ".json" for path in artifacts}
    kit_files = {path for path in release.digests.files if path.startswith(_KIT)}
    problems = [
        *(f"{path} is missing" for path in sorted(expected - release.digests.files.keys())),
        *(
            f"{path} is not a file of a release"
            for path in sorted(release.digests.files.keys() - expected - kit_files)
        ),
        *(f"{path} is not at the top" for path in sorted(artifacts) if "/" in path),
    ]
    if problems:
        raise RefusedError(problems[0])
    return Passed(f"{len(artifacts)} artifacts and their papers", None)


def _check_artifact(verdict: Verdict, release: Release, path: str, probing: bool) -> Artifact:
    def read_beside() -> bytes:
        return read_unchanged(release, path.removesuffix(".pt") + ".json", MAXIMUM_BESIDE_BYTES)

    opening = functools.partial(release.open, path)
    return check_artifact(verdict, path, opening, release.digests.files[path], read_beside, probing)


def _check_manifest(release: Release, artifacts: Mapping[str, Artifact]) -> Passed[None]:
    text = read_unchanged(release, MANIFEST, _MAXIMUM_PAPER_BYTES)
    try:
        claimed = parse_object(text, _MAXIMUM_PAPER_BYTES)
    except JsonError as error:
        raise RefusedError(f"it {error}") from None
    version = claimed.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise RefusedError("its version is not of letters, digits and . _ + -")
    if not release.name.startswith(f"CorridorKey-{version}"):
        raise RefusedError(f"its version is {version}, but the folder is named {release.name}")
    pins = json.loads(_CHECKPOINT_PINS.read_text())
    entries = [artifact(path, found.facts, pins) for path, found in sorted(artifacts.items())]
    files: dict[str, Any] = {}
    for path in release.digests.files:
        if path not in (SHA256SUMS, MANIFEST, PROVENANCE):
            with release.open(path) as file:
                files[path] = {"sha256": release.digests.files[path], "bytes": file.seek(0, 2)}
    try:
        expected = to_json(release_manifest(release.name, version, entries, files))
    except ValueError as error:
        raise RefusedError(str(error)) from None
    if text != expected.encode():
        content = json.loads(expected)
        field = next((key for key in content if claimed.get(key) != content[key]), None)
        raise RefusedError(
            f"its {field} is not what this version of the exporter writes about these files"
            if field
            else "it has the right content in another form"
        )
    return Passed(f"exactly what the exporter writes about {len(files)} files", None)


def _check_provenance(release: Release) -> Passed[None]:
    text = read_unchanged(release, PROVENANCE, _MAXIMUM_PAPER_BYTES)
    covered = {
        path: digest
        for path, digest in release.digests.files.items()
        if path not in (PROVENANCE, SHA256SUMS)
    }
    try:
        check_statement(text, covered)
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    return Passed(f"covers exactly the other {len(covered)} files", None)


def _check_bill(release: Release) -> Passed[None]:
    text = read_unchanged(release, SBOM, _MAXIMUM_PAPER_BYTES)
    try:
        components = parse_object(text, _MAXIMUM_PAPER_BYTES).get("components")
        request = {"text": text.decode()}
        with contextlib.closing(
            confined.run("export.verify.children.bill_of_materials", request, _BILL_LIMITS)
        ) as reports:
            problem = {key: value for report in reports for key, value in report.items()}["problem"]
    except JsonError as error:
        raise RefusedError(f"it {error}") from None
    except ChildError as error:
        raise RefusedError(f"the process that validates it {error}") from None
    if problem or not isinstance(components, list):
        raise RefusedError(f"it is not CycloneDX 1.6: {problem or 'it has no components'}")
    return Passed(f"fits CycloneDX 1.6; {len(components)} components", None)


def _check_copies(release: Release) -> Passed[None]:
    for name, file in _COPIED.items():
        if read_unchanged(release, name, _MAXIMUM_PAPER_BYTES) != file.read_bytes():
            raise RefusedError(f"{name} differs from this checkout's {file.name}")
    return Passed(f"{', '.join(sorted(_COPIED))} are this checkout's", None)


def _check_kit(release: Release, signed: bool) -> Passed[bool]:
    """Compares the Nuke kit, which Nuke executes, with the one that this checkout makes.

    Returns:
        Whether the kit is that one, or there is none.
    """
    found = [path for path in release.digests.files if path.startswith(_KIT)]
    if not found:
        return Passed("there is none", True, "not checked")
    expected = {f"{_KIT}{path}": content for path, content in kit.files(KNOBS).items()}
    different = sorted(expected.keys() ^ set(found)) or [
        path
        for path in sorted(found)
        if read_unchanged(release, path, _MAXIMUM_KIT_BYTES) != expected[path]
    ]
    if not different:
        return Passed(f"{len(found)} files, exactly those that this checkout makes", True)
    difference = f"{different[0]} differs from the kit that this checkout makes"
    if signed:
        return Passed(f"{difference}; only the signature vouches for it", False, "not checked")
    raise RefusedError(f"{difference}, and Nuke would run it; without --key nothing vouches for it")
