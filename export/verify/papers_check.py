"""Checks the papers of a release: writes each as this checkout does, and compares all bytes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from export.artifact.artifact_manifest import ArtifactManifest
from export.common.digests import Digest
from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS
from export.common.strict_json import JsonError, parse_object
from export.release.make_release import CHANGELOG, NOTICE
from export.release.papers import Checkout
from export.release.release_manifest import MANIFEST, SCHEMA, ArtifactEntry, release_manifest
from export.release.sbom import SBOM
from export.release.signature.policy import SignatureError
from export.release.signature.statement import PROVENANCE, check_statement
from export.verify.claims import ClaimError, read_claims
from export.verify.files import Release, read_unchanged
from export.verify.kit_check import KIT
from export.verify.verdict import Passed, RefusedError
from wrapper.printable import printable

_ROOT = Path(__file__).parents[2]
_CHECKOUT = Checkout(
    pins=_ROOT / "third_party/checkpoints/pins.json",
    wheels=_ROOT / "export/release/exporter_wheels.json",
    external=_ROOT.parent,
    lock=_ROOT / "third_party/python/requirements_lock.txt",
    module=_ROOT / "MODULE.bazel",
)
COPIED = {file.name: file for file in (SCHEMA, NOTICE, CHANGELOG)}
"""Files that a release holds a copy of, by their name there."""

_VERSION = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}", re.ASCII)
_MAXIMUM_PAPER_BYTES = 1 << 20
"""Largest manifest, provenance or bill of materials that is read; the exporter's have 100 kB."""
_COMPONENTS_COMPARED = 1000
"""Most components that are compared one by one, to name the first that differs."""


def check_names(release: Release) -> Passed[None]:
    """Checks that a release has all files that the release rule writes, and no others.

    Raises:
        RefusedError: A file is missing, or the rule never writes it.
    """
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


def read_facts(release: Release, path: str) -> ArtifactManifest:
    """Returns the manifest beside an artifact, which must be about this very artifact.

    Not even the names of the artifact's records are checked: for those who sign what they made.

    Raises:
        RefusedError: The manifest is not about this file, or states other than the one inside.
        OSError: A file cannot be read.
    """
    beside = f"{path.removesuffix('.pt')}.json"
    text = read_unchanged(release, beside, _MAXIMUM_PAPER_BYTES)
    try:
        with release.open(path) as file:
            inside = json.loads(read_claims(file).text)
        stated: Any = parse_object(text, _MAXIMUM_PAPER_BYTES)
    except (ClaimError, JsonError) as error:
        raise RefusedError(f"{path} or its manifest {error}") from None
    digests = release.digests
    facts: Any = {
        **inside,
        "torchscript": {"sha256": digests.files[path], "bytes": digests.sizes[path]},
        "operators": stated.get("operators"),
    }
    if facts.keys() != ArtifactManifest.__annotations__.keys() or text != to_json(facts).encode():
        raise RefusedError(f"{beside} is not the manifest of this {path}")
    return cast(ArtifactManifest, facts)


class Papers:
    """Checks the papers of one release.

    Args:
        release: The release.
        facts: The manifest of each of its artifacts, which was checked, by file name.
    """

    def __init__(self, release: Release, facts: Mapping[str, ArtifactManifest]) -> None:
        self._release = release
        self._facts = facts
        self._entries: list[ArtifactEntry] = []
        self._version = ""

    def check_manifest(self) -> Passed[None]:
        """Checks manifest.json, from which the other papers take the version. Call it first.

        Raises:
            RefusedError: It is not what the exporter writes about these files.
            OSError: A file cannot be read.
        """
        release = self._release
        text, claimed = self._read(MANIFEST)
        version = claimed.get("version")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise RefusedError("its version is not of letters, digits and . _ + -")
        try:
            self._entries = _CHECKOUT.entries(self._facts)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        kinds = {entry["weights"]["untrained"] for entry in self._entries}
        name = f"CorridorKey-{version}{'-untrained' if True in kinds else ''}"
        if release.name != name:
            raise RefusedError(f"a release of these files and version is named {name}")
        if len(kinds) > 1:
            raise RefusedError("it has both trained weights and stand-ins; no release has both")
        self._version = version
        files = self._digests(SHA256SUMS, MANIFEST, PROVENANCE)
        try:
            expected = to_json(release_manifest(release.name, version, self._entries, files))
        except ValueError as error:
            raise RefusedError(str(error)) from None
        if text != expected.encode():
            raise RefusedError(_difference(claimed, json.loads(expected)))
        return Passed(f"exactly what the exporter writes about {len(files)} files", None)

    def check_provenance(self) -> Passed[None]:
        """Checks provenance.json, in which only the label and the builder are free.

        Raises:
            RefusedError: The policy refuses it, or it is not what the exporter writes.
            OSError: It cannot be read.
        """
        text = read_unchanged(self._release, PROVENANCE, _MAXIMUM_PAPER_BYTES)
        covered = {
            path: digest
            for path, digest in self._release.digests.files.items()
            if path not in (PROVENANCE, SHA256SUMS)
        }
        try:
            check_statement(text, covered)
        except SignatureError as error:
            raise RefusedError(str(error)) from None
        claimed = json.loads(text)["predicate"]  # as the policy wants it
        target = claimed["buildDefinition"]["externalParameters"]["target"]
        builder_id = claimed["runDetails"]["builder"]["id"]
        try:
            expected = _CHECKOUT.provenance(
                target, builder_id, self._version, self._entries, covered
            )
        except ValueError as error:
            raise RefusedError(str(error)) from None
        if text != expected:
            definition = json.loads(expected)["predicate"]["buildDefinition"]
            raise RefusedError(_difference(claimed["buildDefinition"], definition))
        return Passed(f"exactly what the exporter writes about {len(covered)} files", None)

    def check_bill(self, signed: bool) -> Passed[bool]:
        """Checks the bill of materials.

        Args:
            signed: Whether a signature vouches for it. Then it may be of another platform, whose
                torch requires other wheels.

        Returns:
            Whether it is the one that the exporter writes on this platform.

        Raises:
            RefusedError: It is not, and nothing vouches for it.
            OSError: It cannot be read.
        """
        text, claimed = self._read(SBOM)
        try:
            expected = _CHECKOUT.bill_of_materials(
                self._release.name, self._version, self._entries, self._digests()
            )
        except ValueError as error:
            raise RefusedError(str(error)) from None
        components = json.loads(expected)["components"]
        if text == expected:
            return Passed(f"exactly what the exporter writes: {len(components)} components", True)
        difference = _unknown_component(claimed, components)
        if signed:
            detail = f"{difference} on this platform; only the signature vouches for it"
            return Passed(detail, False, "not checked")
        raise RefusedError(
            f"{difference}. Either it was changed, or the release was made on another platform: "
            "then verify it there, or with --key"
        )

    def check_copies(self) -> Passed[None]:
        """Checks the files that a release holds a copy of.

        Raises:
            RefusedError: One differs from this checkout's.
            OSError: One cannot be read.
        """
        for name, file in COPIED.items():
            content = read_unchanged(self._release, name, _MAXIMUM_PAPER_BYTES)
            if content != file.read_bytes():
                raise RefusedError(f"{name} differs from this checkout's {file.name}")
        return Passed(f"{', '.join(sorted(COPIED))} are this checkout's", None)

    def _digests(self, *left_out: str) -> dict[str, Digest]:
        digests = self._release.digests
        return {
            path: {"sha256": sha256, "bytes": digests.sizes[path]}
            for path, sha256 in digests.files.items()
            if path not in left_out
        }

    def _read(self, name: str) -> tuple[bytes, dict[str, Any]]:
        text = read_unchanged(self._release, name, _MAXIMUM_PAPER_BYTES)
        try:
            return text, parse_object(text, _MAXIMUM_PAPER_BYTES)
        except JsonError as error:
            raise RefusedError(f"it {error}") from None


def _unknown_component(claimed: Mapping[str, Any], components: list[Any]) -> str:
    """Names the first component that this checkout does not write."""
    found = claimed.get("components")
    if isinstance(found, list):
        for item in found[:_COMPONENTS_COMPARED]:
            if item not in components:
                name = item.get("name") if isinstance(item, dict) else item
                return f"it lists {printable(repr(name), 100)} as the exporter does not"
    return "it is not what the exporter writes"


def _difference(claimed: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Names the first field that differs."""
    field = next((key for key in expected if claimed.get(key) != expected[key]), None)
    if field is None:
        return "it has the right content in another form"
    return f"its {field} is not what this version of the exporter writes about these files"
