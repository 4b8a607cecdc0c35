"""Checks a signature with a public key, before anything else of a subject is looked at."""

from pathlib import Path

from export.release.signature import signing
from export.release.signature.policy import MAXIMUM_ENVELOPE_BYTES, SignatureError
from export.release.signature.statement import check_statement, read_subjects
from export.verify.files import Release, read_file
from export.verify.verdict import Passed, RefusedError


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
    except FileNotFoundError:
        raise RefusedError(
            f"there is no {(signature or beside).name}; name the signature with --signature"
        ) from None
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    return Passed(f"made with the private half of {key.name}", statement)


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


def check_files(statement: bytes, release: Release) -> Passed[None]:
    """Checks that a signed statement covers exactly the files of a release, and its tar.

    Raises:
        RefusedError: It does not, or it is not a statement about a release.
    """
    try:
        check_statement(statement, release.digests.subjects())
    except SignatureError as error:
        raise RefusedError(str(error)) from None
    return Passed(f"covers exactly these {len(release.digests.files)} files, and their tar", None)
