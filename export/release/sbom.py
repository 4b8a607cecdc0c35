"""Writes the bill of materials of a release: CycloneDX 1.6, the same bytes for the same content.

    release ──▶ artifact ──▶ weights
                    └──────▶ exporter ──▶ CPython, Bazel modules
                                 └──────▶ wheels that it imports ──▶ wheels that those require

Only the artifacts are in the release. Everything else was used to make them, and has the scope
`excluded`.
"""

import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from export.common.digests import Digest
from export.release.release_manifest import ArtifactEntry, Weights, weights_url
from export.release.wheels import Wheel

SBOM = "sbom.cdx.json"
"""Name of the bill of materials in a release."""

MODULE = "corridorkey_nuke"
"""This Bazel module, which holds the exporter."""

_LICENSE = DisjunctiveLicense(
    name="Corridor Key Licence, Version 1.0",
    url=XsUri("https://github.com/nikopueringer/CorridorKey/blob/main/LICENSE"),
)


def sbom(
    name: str,
    version: str,
    artifacts: Sequence[ArtifactEntry],
    files: Mapping[str, Digest],
    wheels: Sequence[Wheel],
    imported: Iterable[str],
    modules: Mapping[str, str],
) -> str:
    """Returns the bill of materials of a release, as JSON.

    Args:
        name: Name of the release's folder.
        version: Version of the release.
        artifacts: Entries that `release_manifest.artifact` returned.
        files: Digest by path, of the artifacts at least.
        wheels: Wheels that the exporter runs on.
        imported: Names of the wheels that the exporter imports itself.
        modules: Versions of the Bazel modules by name, this module among them.

    Raises:
        ValueError: The result does not fit the schema of CycloneDX.
    """
    bom = Bom()
    # The library would take the time and a random serial number; the bytes must not depend on them.
    bom.metadata.timestamp = None
    bom.serial_number = uuid.UUID(int=0)
    release = Component(
        name=name, version=version, type=ComponentType.APPLICATION, bom_ref="release"
    )
    bom.metadata.component = release
    exporter = _add_exporter(bom, wheels, imported, modules)
    bom.register_dependency(release, _add_artifacts(bom, artifacts, files, exporter))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, JsonV1Dot6(bom).output_as_string())
    text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"the bill of materials is not CycloneDX 1.6: {error.data}")
    return text


def _add_exporter(
    bom: Bom, wheels: Sequence[Wheel], imported: Iterable[str], modules: Mapping[str, str]
) -> Component:
    """Adds the exporter and everything that it runs on; returns the exporter."""
    by_module = {
        module: _used(module, number, PackageURL("bazel", None, module, number))
        for module, number in modules.items()
    }
    exporter = by_module[MODULE]
    # Without the patch version, which differs between the machines that make the same release.
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    cpython = _used(
        "CPython",
        python,
        PackageURL("generic", None, "cpython", python),
        type=ComponentType.PLATFORM,
    )
    by_wheel = {wheel.name: _wheel(wheel) for wheel in wheels}
    others = [component for component in by_module.values() if component is not exporter]
    bom.register_dependency(exporter, [cpython, *others, *(by_wheel[name] for name in imported)])
    for wheel in wheels:
        bom.register_dependency(by_wheel[wheel.name], [by_wheel[name] for name in wheel.requires])
    for component in (*by_module.values(), cpython, *by_wheel.values()):
        bom.components.add(component)
    return exporter


def _add_artifacts(
    bom: Bom,
    artifacts: Sequence[ArtifactEntry],
    files: Mapping[str, Digest],
    exporter: Component,
) -> list[Component]:
    """Adds the artifacts and their weights; returns the artifacts."""
    by_weights: dict[str, Component] = {}
    components = []
    for artifact in artifacts:
        weights = by_weights.setdefault(
            artifact["weights"]["sha256"], _weights(artifact["weights"])
        )
        component = Component(
            name=artifact["file"],
            version=artifact["model_id"],
            type=ComponentType.MACHINE_LEARNING_MODEL,
            bom_ref=artifact["file"],
            hashes=[_sha256(files[artifact["file"]]["sha256"])],
            licenses=weights.licenses,
        )
        bom.register_dependency(component, [weights, exporter])
        components.append(component)
    for component in (*components, *by_weights.values()):
        bom.components.add(component)
    return components


def _used(name: str, version: str, purl: PackageURL, **details: Any) -> Component:
    """Returns a component that artifacts are made with, but that is not in the release."""
    return Component(
        name=name,
        version=version,
        purl=purl,
        bom_ref=str(purl),
        scope=ComponentScope.EXCLUDED,
        **details,
    )


def _wheel(wheel: Wheel) -> Component:
    return _used(
        wheel.name,
        wheel.version,
        PackageURL("pypi", None, wheel.name, wheel.version),
        hashes=[_sha256(digest) for digest in wheel.sha256],
        licenses=[LicenseFactory().make_from_string(wheel.license)],
    )


def _weights(weights: Weights) -> Component:
    digest = weights["sha256"]
    details: dict[str, Any] = {
        "type": ComponentType.MACHINE_LEARNING_MODEL,
        "bom_ref": f"weights:{digest}",
        "hashes": [_sha256(digest)],
    }
    published = weights["published"]
    if not published:
        kind = "untrained" if weights["untrained"] else "unpublished"
        return Component(name=f"{kind} weights", **details)
    owner, _, name = published["repository"].partition("/")
    url = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(weights_url(published))
    )
    return Component(
        name=published["file"],
        version=published["revision"],
        purl=PackageURL("huggingface", owner, name, published["revision"]),
        licenses=[_LICENSE],
        external_references=[url],
        **details,
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
