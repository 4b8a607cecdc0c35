"""Checks a release: every file is accounted for, and is what this checkout would put there."""

import functools

from export.artifact.artifact_manifest import ArtifactManifest
from export.common import sha256sums
from export.common.sha256sums import SHA256SUMS, ChecksumError
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature.statement import PROVENANCE
from export.verify.artifact_check import MAXIMUM_BESIDE_BYTES, check_artifact
from export.verify.files import Release, read_unchanged
from export.verify.kit_check import KIT, check_kit
from export.verify.papers_check import COPIED, Papers
from export.verify.verdict import Passed, RefusedError, Verdict


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
    facts = {
        path: _check_artifact(verdict, release, path, probing)
        for path in sorted(release.digests.files)
        if path.endswith(".pt")
    }
    papers = Papers(release, facts)
    verdict.run(name, MANIFEST, papers.check_manifest)
    verdict.run(name, PROVENANCE, papers.check_provenance)
    if not verdict.run(name, SBOM, lambda: papers.check_bill(signed)):
        verdict.signed_only(f"{SBOM} differs from the one of this platform")
    verdict.run(name, "copies", papers.check_copies)
    if not verdict.run(name, KIT, lambda: check_kit(release, signed)):
        verdict.signed_only("nuke/ differs from this checkout's kit")


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
    expected = {SHA256SUMS, MANIFEST, PROVENANCE, SBOM, *COPIED, *artifacts}
    expected |= {path.removesuffix(".pt") + ".json" for path in artifacts}
    kit_files = {path for path in release.digests.files if path.startswith(KIT)}
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


def _check_artifact(
    verdict: Verdict, release: Release, path: str, probing: bool
) -> ArtifactManifest:
    def read_beside() -> bytes:
        return read_unchanged(release, path.removesuffix(".pt") + ".json", MAXIMUM_BESIDE_BYTES)

    opening = functools.partial(release.open, path)
    return check_artifact(verdict, path, opening, release.digests.files[path], read_beside, probing)
