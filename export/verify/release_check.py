"""Checks a release: every file is accounted for, and is what this checkout would put there."""

import functools
from collections.abc import Mapping

from export.common import sha256sums
from export.common.sha256sums import SHA256SUMS, ChecksumError
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature.statement import PROVENANCE
from export.verify.artifact_check import MAXIMUM_BESIDE_BYTES, CheckedArtifact, check_artifact
from export.verify.files import Release, read_unchanged
from export.verify.kit_check import KIT, check_kit
from export.verify.papers_check import Papers, check_names
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
    verdict.run(name, "names", lambda: check_names(release))
    artifacts = {
        path: _check_artifact(verdict, release, path, probing)
        for path in sorted(release.digests.files)
        if path.endswith(".pt")
    }
    verdict.run(name, "numbers", lambda: _check_numbers(artifacts))
    papers = Papers(release, {path: artifact.manifest for path, artifact in artifacts.items()})
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


def _check_artifact(
    verdict: Verdict, release: Release, path: str, probing: bool
) -> CheckedArtifact:
    def read_beside() -> bytes:
        return read_unchanged(release, path.removesuffix(".pt") + ".json", MAXIMUM_BESIDE_BYTES)

    opening = functools.partial(release.open, path)
    return check_artifact(verdict, path, opening, release.digests.files[path], read_beside, probing)


def _check_numbers(artifacts: Mapping[str, CheckedArtifact]) -> Passed[None]:
    """Refuses two artifacts that should have the same numbers and do not."""
    first: dict[tuple[str, int, str], str] = {}
    for path, artifact in artifacts.items():
        variant = artifact.claims.variant
        origin = (artifact.claims.checkpoint["sha256"], variant.resolution, variant.stored)
        other = first.setdefault(origin, path)
        if artifact.weights_sha256 != artifacts[other].weights_sha256:
            raise RefusedError(f"{path} and {other} name one checkpoint and have different numbers")
    return Passed("the same wherever checkpoint, resolution and precision are the same", None)
