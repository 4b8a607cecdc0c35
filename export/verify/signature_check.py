"""Checks a signature with a public key, before anything else of a subject is looked at."""

from pathlib import Path

from export.release.signature import signing
from export.release.signature.policy import (
    MAXIMUM_ENVELOPE_BYTES,
    MAXIMUM_STATEMENT_BYTES,
    SignatureError,
)
from export.release.signature.statement import (
    PROVENANCE,
    check_statement,
    read_inputs,
    read_subjects,
    replace_subjects,
)
from export.verify.claims import Claims
from export.verify.files import Release, read_file, read_unchanged
from export.verify.verdict import Passed, RefusedError, quoted


def check_signature(
    subject: Path, key: Path | None, signature: Path | None
) -> Passed[bytes | None]:
    """Opens the envelope beside a file or folder, or the given one.

    Args:
        subject: The file or folder that is verified.
        key: Public key, a trusted file; without one no signature is checked.
        signature: The envelope; by default SUBJECT.dsse.json.

    Returns:
        The statement that was signed, or None without a key.

    Raises:
        RefusedError: There is no envelope, or the owner of the key did not sign it.
        OSError: The key cannot be read.
    """
    beside = subject.with_name(f"{subject.name}.dsse.json")
    if not key:
        there = (
            f"; {beside.name} is there, so pass the --key of its signer" if beside.exists() else ""
        )
        return Passed(f"no --key was given{there}", None, "not checked")
    try:
        envelope = read_file(signature or beside, MAXIMUM_ENVELOPE_BYTES)
        statement = signing.verify(envelope, key)
        fingerprint = signing.fingerprint(key)
    except FileNotFoundError:
        raise RefusedError(
            f"there is no {(signature or beside).name}; name the signature with --signature"
        ) from None
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    detail = f"made with the private half of {key.name}, a file with SHA-256 {fingerprint}"
    return Passed(detail, statement)


def check_file(statement: bytes, name: str, sha256: str) -> Passed[None]:
    """Checks that a signed statement covers a single file, by name and digest.

    Raises:
        RefusedError: It does not, or it is not a statement about a release.
    """
    try:
        signed = read_subjects(statement)
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    if name not in signed:
        raise RefusedError(
            f"the statement covers {len(signed)} files, and none of them is named {name}"
        )
    if signed[name] != sha256:
        raise RefusedError(f"the statement states another SHA-256 for {name}")
    return Passed(f"covers {len(signed)} files, and this {name} is one of them", None)


def check_claims(statement: bytes, name: str, claims: Claims) -> Passed[None]:
    """Checks that a signed statement says of a single file what the file says of itself.

    Args:
        statement: A statement that covers the file.
        name: Name of the file.
        claims: Its claims, which are compared with its bytes later.

    Raises:
        RefusedError: The statement gives it another Model Id or other weights.
    """
    artifacts, weights = read_inputs(statement)
    if artifacts.get(name) != claims.model_id:
        raise RefusedError(
            f"the file claims to be {claims.model_id}, and the statement says that it is "
            f"{quoted(artifacts.get(name, 'no artifact'))}"
        )
    if claims.checkpoint["sha256"] not in weights:
        raise RefusedError(
            f"the file claims weights with SHA-256 {claims.checkpoint['sha256']}, which the "
            "statement does not name"
        )
    return Passed("the statement gives it this Model Id and these weights", None)


def check_files(statement: bytes, release: Release) -> Passed[None]:
    """Checks that a signed statement is the one in a release, about its files and its tar.

    Raises:
        RefusedError: It covers other files, says something else of them, or is not a statement
            about a release.
        OSError: The statement in the release cannot be read.
    """
    subjects = release.digests.subjects()
    try:
        check_statement(statement, subjects)
        inside = read_unchanged(release, PROVENANCE, MAXIMUM_STATEMENT_BYTES)
        if statement != replace_subjects(inside, subjects):
            raise RefusedError(f"it says something else of the files than their {PROVENANCE}")
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    return Passed(f"covers exactly these {len(release.digests.files)} files, and their tar", None)
