"""A statement is accepted in one form only, about exactly the files that are there."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from export.release.signature.policy import MAXIMUM_STATEMENT_BYTES, SignatureError
from export.release.signature.statement import (
    build_statement,
    check_statement,
    read_subjects,
    replace_subjects,
)
from testing.export.release.statements import DIGEST, small_statement

SUBJECTS = {"CorridorKey.pt": DIGEST, "nuke/menu.py": 64 * "b"}


def changed(change: Callable[[Any], object]) -> bytes:
    """Returns a good statement after a change to its JSON, written as the exporter writes it."""
    document = json.loads(small_statement(SUBJECTS))
    change(document)
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def test_good_statement_is_accepted() -> None:
    payload = small_statement(SUBJECTS)
    check_statement(payload, SUBJECTS)
    assert read_subjects(payload) == SUBJECTS
    assert changed(lambda _: None) == payload


def test_subjects_are_replaced_and_nothing_else() -> None:
    more = SUBJECTS | {"CorridorKey-1.0.tar": 64 * "c"}
    payload = replace_subjects(small_statement(SUBJECTS), more)
    assert payload == small_statement(more)
    check_statement(payload, more)


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        (SUBJECTS | {"nuke/init.py": DIGEST}, "does not cover nuke/init.py"),
        ({"CorridorKey.pt": DIGEST}, r"covers nuke/menu\.py, which is not there"),
        (SUBJECTS | {"CorridorKey.pt": 64 * "c"}, r"states another SHA-256 for CorridorKey\.pt"),
        # The same digest under another name.
        (
            {"Other.pt": DIGEST, "nuke/menu.py": 64 * "b"},
            r"does not cover Other\.pt; covers CorridorKey\.pt, which is not there",
        ),
    ],
)
def test_other_files_are_refused(subjects: dict[str, str], message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        check_statement(small_statement(SUBJECTS), subjects)


def set_in(*path: Any) -> Callable[[Any], object]:
    """Returns a change that sets the value at a path of keys."""
    *keys, last, value = path

    def change(document: Any) -> None:
        for key in keys:
            document = document[key]
        document[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_in("_type", "https://in-toto.io/Statement/v0.1"),
        set_in("predicateType", "https://slsa.dev/provenance/v0.2"),
        set_in("predicateType", "https://slsa.dev/verification_summary/v1"),
        set_in("predicateType", "https://in-toto.io/attestation/test-result/v0.1"),
        set_in("predicateType", "https://slsa.dev/provenance/v1/"),
        set_in("predicate", "buildDefinition", "buildType", "https://example.com/build"),
        set_in("predicate", "buildDefinition", "buildType", "urn:corridorkey-nuke:bazel-release"),
        set_in("predicate", "verificationResult", "FAILED"),
        set_in("predicate", "result", "FAILED"),
        set_in("result", "FAILED"),
        set_in("predicate", "runDetails", "metadata", {"invocationId": "1"}),
        set_in("predicate", "runDetails", "byproducts", []),
        set_in("predicate", "runDetails", "builder", "version", {}),
        set_in("predicate", "runDetails", "builder", "id", ""),
        set_in("predicate", "buildDefinition", "internalParameters", {}),
        set_in("predicate", "buildDefinition", "externalParameters", "result", "FAILED"),
        set_in("predicate", "buildDefinition", "externalParameters", "version", 1),
        set_in("predicate", "buildDefinition", "externalParameters", "artifacts", {}),
        set_in("predicate", "buildDefinition", "resolvedDependencies", {}),
        set_in("predicate", "buildDefinition", "resolvedDependencies", 0, "digest", {}),
        set_in("predicate", {}),
        set_in("predicate", None),
        set_in("subject", []),
        set_in("subject", {}),
        set_in("subject", 0, "name", ""),
        set_in("subject", 0, "uri", "https://example.com/CorridorKey.pt"),
        set_in("subject", 0, "annotations", {"result": "FAILED"}),
        set_in("subject", 0, "digest", {}),
        set_in("subject", 0, "digest", {"sha512": 128 * "a"}),
        set_in("subject", 0, "digest", {"sha256": DIGEST, "sha512": 128 * "a"}),
        set_in("subject", 0, "digest", "sha256", DIGEST.upper()),
        set_in("subject", 0, "digest", "sha256", DIGEST + "\n"),
        set_in("subject", 0, "digest", "sha256", DIGEST[1:]),
    ],
)
def test_another_kind_of_statement_is_refused(change: Callable[[Any], object]) -> None:
    payload = changed(change)
    assert payload != small_statement(SUBJECTS)
    with pytest.raises(SignatureError, match="is not one of this exporter's releases"):
        check_statement(payload, SUBJECTS)


def test_each_field_is_needed() -> None:
    def without(*path: Any) -> Callable[[Any], object]:
        *keys, last = path

        def change(document: Any) -> None:
            for key in keys:
                document = document[key]
            del document[last]

        return change

    build = ("predicate", "buildDefinition")
    for path in (
        *(("_type",), ("predicateType",), ("subject",), ("predicate",)),
        *((*build, name) for name in json.loads(small_statement(SUBJECTS))["predicate"][build[1]]),
        *(("predicate", "runDetails"), ("predicate", "runDetails", "builder", "id")),
        *(("subject", 0, "name"), ("subject", 0, "digest")),
    ):
        with pytest.raises(SignatureError, match="is a required property"):
            check_statement(changed(without(*path)), SUBJECTS)


def test_an_artifact_that_is_not_a_subject_is_refused() -> None:
    artifacts = {"CorridorKey.pt": "CorridorKey_untrained", "Other.pt": "CorridorKey_v1.0_Nuke"}
    path = ("predicate", "buildDefinition", "externalParameters", "artifacts")
    with pytest.raises(SignatureError, match=r"names the artifact Other\.pt, which is not among"):
        check_statement(changed(set_in(*path, artifacts)), SUBJECTS)


def test_two_subjects_of_one_name_are_refused() -> None:
    other = {"name": "CorridorKey.pt", "digest": {"sha256": 64 * "c"}}
    for place in (0, 2):
        document = json.loads(small_statement(SUBJECTS))
        document["subject"].insert(place, other)
        payload = changed(set_in("subject", document["subject"]))
        for subjects in (SUBJECTS, SUBJECTS | {"CorridorKey.pt": 64 * "c"}):
            with pytest.raises(SignatureError, match=r"two subjects named CorridorKey\.pt"):
                check_statement(payload, subjects)


def test_json_that_parsers_may_read_differently_is_refused() -> None:
    payload = small_statement(SUBJECTS)
    field = b'  "predicateType"'
    for other in (
        payload.replace(field, b'  "predicateType": "https://example.com",\n' + field),
        payload.replace(b"predicateType", b"predicate\\u0054ype"),
        payload.replace(b"\n", b"\r\n"),
        payload.rstrip(),
        payload + b"\n",
        b" " + payload,
        json.dumps(json.loads(payload)).encode(),
        payload.replace(b'"CorridorKey.pt"', b'"CorridorKey\\u002ept"'),
    ):
        assert other != payload
        with pytest.raises(SignatureError, match=r"is not in the canonical form|has a key twice"):
            check_statement(other, SUBJECTS)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b"1e999",
        b"[" * 1_000_000,
        b'{"_type":' * 100_000,
        b"9" * 10_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_a_statement_is_refused(payload: bytes) -> None:
    with pytest.raises(SignatureError, match=r"^the statement (is not|holds|nests|has the)"):
        check_statement(payload, SUBJECTS)


def test_a_huge_statement_is_refused_unread() -> None:
    with pytest.raises(SignatureError, match="has more than 4,194,304 bytes"):
        check_statement(b" " * (MAXIMUM_STATEMENT_BYTES + 1), SUBJECTS)


def test_text_of_a_statement_is_made_printable() -> None:
    payload = changed(set_in("predicateType", "\x1b[2JVERIFIED\n" + 10_000 * "a"))
    with pytest.raises(SignatureError) as caught:
        check_statement(payload, SUBJECTS)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_a_statement_that_would_be_refused_is_not_built() -> None:
    with pytest.raises(SignatureError, match="'resolvedDependencies' is a required"):
        build_statement(SUBJECTS, {"target": "//:release"}, [], "urn:test")
