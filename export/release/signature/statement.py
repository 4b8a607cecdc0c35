"""Writes and checks the provenance statement of a release. It names no time.

Formats: in-toto Attestation Framework v1 (https://github.com/in-toto/attestation) and SLSA
Provenance v1 (https://slsa.dev/spec/v1.0/provenance). `policy` says which statements are accepted.

The statement stands in two places, with different subjects:

    provenance.json, in the release   every other file but SHA256SUMS
    NAME.tar.dsse.json, signed        every file, and NAME.tar (`canonical_tar.digest_release`)
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft202012Validator

from export.common.strict_json import JsonError, parse_object
from export.release.signature.policy import (
    BUILD_TYPE,
    MAXIMUM_STATEMENT_BYTES,
    PREDICATE_TYPE,
    STATEMENT_SCHEMA,
    SignatureError,
)
from wrapper.printable import printable, printable_list

PROVENANCE = "provenance.json"
"""Name of the statement in a release."""

WEIGHTS = "weights"
"""Name of a checkpoint among the inputs that a statement names."""

_NAMES_SHOWN = 5
_SHOWN = 80
"""Most characters of a statement that a message quotes."""


def build_statement(
    digests: Mapping[str, str],
    external_parameters: Mapping[str, Any],
    dependencies: Sequence[ResourceDescriptor],
    builder_id: str,
) -> bytes:
    """Returns the statement about a release, as JSON in its canonical form.

    Args:
        digests: SHA-256 by name, of every subject.
        external_parameters: `target`, `version` and `artifacts` (Model Id by file name).
        dependencies: Inputs of the build, each with its digest.
        builder_id: URI of the builder.

    Raises:
        SignatureError: The statement would not be accepted by `check_statement`.
    """
    predicate = Provenance()
    predicate.build_definition.build_type = BUILD_TYPE
    predicate.build_definition.external_parameters.update(external_parameters)
    predicate.build_definition.resolved_dependencies.extend(item.pb for item in dependencies)
    predicate.run_details.builder.id = builder_id
    statement = Statement([], PREDICATE_TYPE, json_format.MessageToDict(predicate))
    return _with_subjects(json_format.MessageToDict(statement.pb), digests)


def replace_subjects(payload: bytes, digests: Mapping[str, str]) -> bytes:
    """Returns a statement with other subjects and the same predicate.

    Raises:
        SignatureError: The statement is not an accepted one.
    """
    return _with_subjects(_parse(payload), digests)


def read_subjects(payload: bytes) -> dict[str, str]:
    """Returns the subjects of an untrusted statement, SHA-256 by name.

    Raises:
        SignatureError: The statement is not an accepted one: see `check_statement`.
    """
    digests: dict[str, str] = {}
    statement = _parse(payload)
    for subject in statement["subject"]:
        if subject["name"] in digests:
            raise SignatureError(
                f"the statement has two subjects named {printable(subject['name'])}"
            )
        digests[subject["name"]] = subject["digest"]["sha256"]
    artifacts = statement["predicate"]["buildDefinition"]["externalParameters"]["artifacts"]
    for name in artifacts.keys() - digests.keys():
        raise SignatureError(
            f"the statement names the artifact {printable(name)}, which is not among its subjects"
        )
    return digests


def read_inputs(payload: bytes) -> tuple[dict[str, str], set[str]]:
    """Returns what an untrusted statement says about artifacts.

    Returns:
        Model Id by file name, and the SHA-256 of each checkpoint that an artifact was made from.

    Raises:
        SignatureError: The statement is not an accepted one: see `check_statement`.
    """
    definition = _parse(payload)["predicate"]["buildDefinition"]
    weights = {
        item["digest"]["sha256"]
        for item in definition["resolvedDependencies"]
        if item["name"] == WEIGHTS
    }
    return definition["externalParameters"]["artifacts"], weights


def check_statement(payload: bytes, subjects: Mapping[str, str]) -> None:
    """Checks an untrusted statement against the policy and against what it must be about.

    The statement must have exactly the fields of `policy.STATEMENT_SCHEMA`, with its statement
    type, predicate type and build type; be in canonical form, so that every JSON parser reads the
    same; and have exactly the given subjects, each once.

    Args:
        payload: JSON: a release's provenance.json, or what `signing.verify` returned.
        subjects: SHA-256 by name, of everything that the statement must cover.

    Raises:
        SignatureError: The statement is refused; the message says why.
    """
    found = read_subjects(payload)
    problems = [
        *(f"does not cover {name}" for name in sorted(subjects.keys() - found.keys())),
        *(f"covers {name}, which is not there" for name in sorted(found.keys() - subjects.keys())),
        *(
            f"states another SHA-256 for {name}"
            for name in sorted(subjects.keys() & found.keys())
            if subjects[name] != found[name]
        ),
    ]
    if problems:
        raise SignatureError(f"the statement {printable_list(problems, _NAMES_SHOWN)}")


def _with_subjects(statement: Mapping[str, Any], digests: Mapping[str, str]) -> bytes:
    subject = [
        {"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())
    ]
    payload = _canonical({**statement, "subject": subject})
    _parse(payload)
    return payload


def _canonical(document: Any) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _parse(payload: bytes) -> Any:
    """Returns the JSON object of an accepted statement, whose subjects may still repeat a name."""
    try:
        document = parse_object(payload, MAXIMUM_STATEMENT_BYTES)
    except JsonError as error:
        raise SignatureError(f"the statement {printable(str(error))}") from None
    if problem := next(Draft202012Validator(STATEMENT_SCHEMA).iter_errors(document), None):
        raise SignatureError(
            f"the statement is not one of this exporter's releases: "
            f"{printable(problem.json_path, _SHOWN)}: {printable(problem.message, _SHOWN)}"
        )
    if _canonical(document) != payload:
        raise SignatureError("the statement is not in the canonical form of the exporter")
    return document
