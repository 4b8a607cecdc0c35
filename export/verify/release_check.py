"""The folder of a release: every file is there, as it was made, and what its papers say is so."""

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator, ValidationError

from export.common import sha256sums
from export.common.digests import digest
from export.common.sha256sums import SHA256SUMS
from export.release.release_manifest import MANIFEST, SCHEMA, artifact
from export.release.sbom import SBOM
from export.release.statement import PROVENANCE, check_statement
from export.verify.artifact_check import check_artifact
from export.verify.verdict import Verdict


class ReleaseError(ValueError):
    """A release that is not as its papers say; the message names the file."""


def check_release(release: Path, probing: bool, verdict: Verdict) -> None:
    """Checks a release, and then each artefact in it.

    Where its files are not those that its papers speak of, no artefact is looked at.

    Args:
        release: Its folder, which nobody vouches for.
        probing: Whether to key plates with the artefacts.
        verdict: Where the checks are kept.

    Raises:
        OSError: A file cannot be read.
    """
    digests: dict[str, str] = {}
    for paper, check in {
        SHA256SUMS: _check_files,
        MANIFEST: _check_manifest,
        PROVENANCE: _check_provenance,
        SBOM: _check_sbom,
    }.items():
        verdict.doing(release.name, f"files against {paper}")
        try:
            verdict.add(release.name, paper, "passed", check(release, digests))
        except (FileNotFoundError, RecursionError, ValueError) as error:
            reason = str(error).replace(str(release), release.name)
            verdict.add(release.name, paper, "refused", reason)
            return
    for path in sorted(release.glob("*.pt")):
        check_artifact(path, path.with_suffix(".json"), probing, verdict)


def _check_files(release: Path, digests: dict[str, str]) -> str:
    """Holds the files to the list, and adds their SHA-256 to `digests`."""
    for path in release.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ReleaseError(f"{path.relative_to(release)} is a link or a device")
    digests |= sha256sums.check(release)
    return f"{len(digests)} files, each with its SHA-256, and no other"


def _check_manifest(release: Path, digests: dict[str, str]) -> str:
    try:
        manifest = json.loads((release / MANIFEST).read_bytes())
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(manifest)
    except ValidationError as error:
        raise ReleaseError(f"{MANIFEST}: {error.json_path}: {error.message}") from None
    described = {file["path"]: file for file in manifest["files"]}
    for path in sorted(digests.keys() - {MANIFEST, PROVENANCE} | described.keys()):
        if path not in digests or described.get(path) != {"path": path} | digest(release / path):
            raise ReleaseError(f"{MANIFEST} does not describe {path} as it is")
    entries = {entry["file"]: entry for entry in manifest["artifacts"]}
    files = {path for path in digests if path.endswith(".pt")}
    if files != entries.keys():
        raise ReleaseError(
            f"{MANIFEST} does not speak of {', '.join(sorted(files ^ entries.keys()))}"
        )
    for name, entry in entries.items():
        try:
            facts = json.loads((release / name).with_suffix(".json").read_bytes())
            published = {facts["checkpoint"]["sha256"]: entry["weights"]["published"]}
            if artifact(name, facts, published) != entry:
                raise ReleaseError(f"{MANIFEST} does not describe {name} as its own manifest does")
        except (KeyError, OSError, TypeError) as error:
            raise ReleaseError(f"{name} has no manifest that can be read: {error!r}") from None
    return f"fits its schema; {len(described)} files are as it describes them"


def _check_provenance(release: Path, digests: dict[str, str]) -> str:
    files = {path: digest for path, digest in digests.items() if path != PROVENANCE}
    check_statement((release / PROVENANCE).read_bytes(), files)
    return f"covers {len(files)} files"


def _check_sbom(release: Path, digests: dict[str, str]) -> str:
    del digests
    text = (release / SBOM).read_text()
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem:
        raise ReleaseError(f"{SBOM} is no CycloneDX 1.6: {problem}")
    return f"fits CycloneDX 1.6; {len(json.loads(text)['components'])} components"
