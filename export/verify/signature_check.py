"""Checks a signature with a public key, before anything else of a subject is looked at."""

from pathlib import Path

from export.release import signing
from export.release.signing import SignatureError
from export.verify.files import read_regular
from export.verify.verdict import Passed, Refusal

_MAXIMUM_ENVELOPE_BYTES = 4 << 20
"""Largest signature that is read. That of a release of 30 files has 12,000 bytes."""


def check_signature(subject: Path, key: Path | None, signature: Path | None) -> Passed[bytes | None]:
    """Opens the envelope beside a file or folder, or the given one.

    Args:
        subject: The file or folder that is verified.
        key: Public key, a trusted file; without one no signature is checked.
        signature: The envelope; by default SUBJECT.dsse.json.

    Returns:
        The statement that was signed, or None without a key.

    Raises:
        Refusal: There is no envelope, or the owner of the key did not sign it.
        OSError: The key cannot be read.
    """
    beside = subject.with_name(f"{subject.name}.dsse.json")
    if not key:
        there = f"; {beside.name} is there, so pass the --key of its signer" if beside.exists() else ""
        return Passed(f"no --key was given{there}", None, "not checked")
    try:
        envelope = read_regular(signature or beside, _MAXIMUM_ENVELOPE_BYTES)
        statement = signing.verify(envelope, key)
    except FileNotFoundError:
        raise Refusal(
            f"there is no {(signature or beside).name}; name the signature with --signature"
        ) from None
    except SignatureError as error:
        raise Refusal(str(error)) from None
    return Passed(f"made with the private half of {key.name}", statement)
