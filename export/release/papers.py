"""Writes the papers of a release: the same bytes for the same artifacts, files and checkout.

`make_release` writes them into a release. verify writes them again and compares.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

from export.artifact.artifact_manifest import ArtifactManifest
from export.common.digests import Digest, sha256
from export.release.release_manifest import (
    MANIFEST,
    SCHEMA,
    ArtifactEntry,
    artifact,
    weights_url,
)
from export.release.sbom import SBOM, sbom
from export.release.signature.statement import PROVENANCE, WEIGHTS, build_statement
from export.release.wheels import read_wheels

_MODULE = re.compile(
    r'^(?:module|bazel_dep)\(\s*name = "([^"]+)",\s*version = "([^"]+)"(?:\)|,)$', re.MULTILINE
)
"""This module and the modules that it always needs: those without dev_dependency."""


@dataclasses.dataclass(frozen=True)
class Checkout:
    """The files of a checkout that say what a release is made from.

    Attributes:
        pins: JSON file of published checkpoints, `//third_party/checkpoints:pins`.
        wheels: JSON file of the exporter's wheels, `//export/release:exporter_wheels`.
        external: Folder of external repositories, among which the wheels are.
        lock: Lock of the wheels.
        module: MODULE.bazel.
    """

    pins: Path
    wheels: Path
    external: Path
    lock: Path
    module: Path

    def entries(self, artifacts: Mapping[str, ArtifactManifest]) -> list[ArtifactEntry]:
        """Returns the entries of artifacts, given by file name, in the manifest of a release.

        Raises:
            ValueError: The manifest of an artifact would have the name of a paper, or two artifacts
                state different sizes for one checkpoint.
        """
        pins = json.loads(self.pins.read_text())
        entries = [artifact(name, manifest, pins) for name, manifest in sorted(artifacts.items())]
        sizes: dict[str, int] = {}
        for entry in entries:
            if entry["manifest"] in (MANIFEST, PROVENANCE, SBOM, SCHEMA.name):
                raise ValueError(
                    f"{entry['manifest']} is a paper of the release, so no artifact can be named "
                    f"{entry['file']}; give it another name"
                )
            weights = entry["weights"]
            if sizes.setdefault(weights["sha256"], weights["bytes"]) != weights["bytes"]:
                raise ValueError(
                    f"{entry['file']} states {weights['bytes']:,} bytes for a checkpoint for which "
                    f"another artifact states {sizes[weights['sha256']]:,}"
                )
        return entries

    def bill_of_materials(
        self,
        name: str,
        version: str,
        artifacts: Sequence[ArtifactEntry],
        files: Mapping[str, Digest],
    ) -> bytes:
        """Returns the bill of materials of a release.

        Args:
            name: Name of the release's folder.
            version: Version of the release.
            artifacts: Its artifacts.
            files: Digest by path, of the artifacts at least.

        Raises:
            ValueError: A wheel is not the one in the lock, or the result is not CycloneDX.
        """
        wheels, imported = read_wheels(self.wheels, self.lock, self.external)
        modules = dict(_MODULE.findall(self.module.read_text()))
        return sbom(name, version, artifacts, files, wheels, imported, modules).encode()

    def provenance(
        self,
        target: str,
        builder_id: str,
        version: str,
        artifacts: Sequence[ArtifactEntry],
        digests: Mapping[str, str],
    ) -> bytes:
        """Returns the statement about a release.

        Args:
            target: Label of the release.
            builder_id: URI of the builder.
            version: Version of the release.
            artifacts: Its artifacts.
            digests: SHA-256 by path, of every file that is written before the statement.

        Raises:
            SignatureError: The policy would not accept the statement.
        """
        parameters: dict[str, Any] = {
            "target": target,
            "version": version,
            "artifacts": {entry["file"]: entry["model_id"] for entry in artifacts},
        }
        return build_statement(digests, parameters, self._dependencies(artifacts), builder_id)

    def _dependencies(self, artifacts: Sequence[ArtifactEntry]) -> list[ResourceDescriptor]:
        """Returns the inputs of the artifacts: weights, and the files that pin everything else."""
        weights = {one["weights"]["sha256"]: one["weights"]["published"] for one in artifacts}
        return [
            *(
                ResourceDescriptor(
                    name=WEIGHTS,
                    uri=weights_url(published) if published else "",
                    digest={"sha256": digest},
                )
                for digest, published in sorted(weights.items())
            ),
            *(
                ResourceDescriptor(name=file.name, digest={"sha256": sha256(file)})
                for file in (self.module, self.lock)
            ),
        ]
