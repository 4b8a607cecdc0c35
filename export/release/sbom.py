"""The bill of materials of a release: CycloneDX 1.6, the same bytes for the same content.

A release depends on its artefacts, an artefact on its weights and on the exporter, the exporter on
the wheels that it imports, on CPython and on the Bazel modules. Nothing but artefacts is in the
folder: the rest is what they were made with.
"""

import sys
import uuid
from collections.abc import Mapping
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
from export.release.manifest import weights_url
from export.release.wheels import Wheel

SBOM = "sbom.cdx.json"
"""Its name in a release."""

MODULE = "corridorkey_nuke"
"""This Bazel module, which holds the exporter."""

_LICENCE = DisjunctiveLicense(
    name="Corridor Key Licence, Version 1.0",
    url=XsUri("https://github.com/nikopueringer/CorridorKey/blob/main/LICENSE"),
)


def sbom(
    name: str,
    version: str,
    artifacts: list[dict[str, Any]],
    files: Mapping[str, Digest],
    wheels: list[Wheel],
    imported: list[str],
    modules: dict[str, str],
) -> str:
    """Writes down what a release holds, and what it was made with.

    Args:
        name: Of the release's folder.
        version: Of the release.
        artifacts: From `manifest.artifact`.
        files: Digest by path, of the artefacts at least.
        wheels: That the exporter runs on.
        imported: Names of those that it imports itself.
        modules: Versions of the Bazel modules, this one among them, by name.

    Returns:
        JSON, validated.

    Raises:
        ValueError: It does not fit the schema of CycloneDX.
    """
    bom = Bom()
    # No time, and below a serial number of the content, in place of the clock's and a random one.
    bom.metadata.timestamp = None
    bom.serial_number = uuid.UUID(int=0)
    release = Component(
        name=name, version=version, type=ComponentType.APPLICATION, bom_ref="release"
    )
    bom.metadata.component = release

    by_module = {
        module: _made_with(module, number, PackageURL("bazel", None, module, number))
        for module, number in modules.items()
    }
    exporter = by_module[MODULE]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"  # the patch is each machine's own
    cpython = _made_with(
        "CPython",
        python,
        PackageURL("generic", None, "cpython", python),
        type=ComponentType.PLATFORM,
    )
    by_wheel = {wheel.name: _wheel(wheel) for wheel in wheels}
    used = [component for component in by_module.values() if component is not exporter]
    bom.register_dependency(exporter, [cpython, *used, *(by_wheel[wheel] for wheel in imported)])
    for wheel in wheels:
        bom.register_dependency(
            by_wheel[wheel.name], [by_wheel[required] for required in wheel.requires]
        )

    by_weights: dict[str, Component] = {}
    made = []
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
        made.append(component)
    bom.register_dependency(release, made)

    for component in (
        *made,
        *by_weights.values(),
        *by_module.values(),
        cpython,
        *by_wheel.values(),
    ):
        bom.components.add(component)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, JsonV1Dot6(bom).output_as_string())
    text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"the bill of materials is not CycloneDX 1.6: {error.data}")
    return text


def _made_with(name: str, version: str, purl: PackageURL, **details: Any) -> Component:
    return Component(
        name=name,
        version=version,
        purl=purl,
        bom_ref=str(purl),
        scope=ComponentScope.EXCLUDED,
        **details,
    )


def _wheel(wheel: Wheel) -> Component:
    return _made_with(
        wheel.name,
        wheel.version,
        PackageURL("pypi", None, wheel.name, wheel.version),
        hashes=[_sha256(digest) for digest in wheel.sha256],
        licenses=[LicenseFactory().make_from_string(wheel.licence)],
    )


def _weights(weights: dict[str, Any]) -> Component:
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
        licenses=[_LICENCE],
        external_references=[url],
        **details,
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
