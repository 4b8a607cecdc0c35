"""Who made which files of what: an in-toto statement with SLSA provenance. It names no time.

Formats: in-toto Attestation Framework v1 (https://github.com/in-toto/attestation) and SLSA
Provenance v1 (https://slsa.dev/spec/v1.0/provenance).
"""

import json
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

PROVENANCE = "provenance.json"
"""The statement's name in a release."""

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:corridorkey-nuke:bazel-release:v1"
"""That external parameters are those of `corridorkey_release` in export/release/defs.bzl."""


def statement(
    digests: dict[str, str],
    external_parameters: dict[str, Any],
    dependencies: list[ResourceDescriptor],
    builder_id: str,
) -> str:
    """The statement about a release.

    Args:
        digests: SHA-256 by path, of every file that it vouches for.
        external_parameters: What a person chose.
        dependencies: What went in, each with its digest.
        builder_id: URI of who built it.

    Returns:
        JSON.
    """
    predicate = Provenance()
    predicate.build_definition.build_type = BUILD_TYPE
    predicate.build_definition.external_parameters.update(external_parameters)
    predicate.build_definition.resolved_dependencies.extend(item.pb for item in dependencies)
    predicate.run_details.builder.id = builder_id
    files = [
        ResourceDescriptor(name=path, digest={"sha256": digest}).pb
        for path, digest in sorted(digests.items())
    ]
    made = Statement(files, PREDICATE_TYPE, json_format.MessageToDict(predicate))
    made.validate()
    return json.dumps(json_format.MessageToDict(made.pb), indent=2, sort_keys=True) + "\n"


def subjects(text: bytes) -> dict[str, str]:
    """SHA-256 by path, of every file that a statement vouches for.

    Raises:
        ValueError: It is no in-toto statement.
    """
    made = Statement([], "", {})
    try:
        json_format.Parse(text, made.pb)
        made.validate()
        return {subject.name: subject.digest["sha256"] for subject in made.pb.subject}
    except (json_format.ParseError, ValueError) as error:
        raise ValueError(f"it is no in-toto statement: {error}") from None
