"""Signs a statement with a studio's own key, and verifies it; no network, no service.

    envelope = signing.sign(statement, Path("release.pem"))
    statement = signing.verify(envelope, Path("release.pub.pem"))

The envelope is DSSE (github.com/secure-systems-lab/dsse), which other tools read, too. `policy`
says which keys are accepted.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

from export.common.regular_file import FileError, read_regular
from export.common.strict_json import JsonError, parse_object
from export.release.signature.policy import (
    KEYS,
    MAXIMUM_ENVELOPE_BYTES,
    MAXIMUM_KEY_BYTES,
    PAYLOAD_TYPE,
    SignatureError,
    check_key,
)
from wrapper.printable import printable

__all__ = ["SignatureError", "fingerprint", "sign", "verify"]

_MAXIMUM_SIGNATURES = 16
_FIELDS = {"payload", "payloadType", "signatures"}
_FIELDS_OF_SIGNATURE = {"keyid", "sig"}


def sign(statement: bytes, private_key: Path, passphrase: Callable[[], str] | None = None) -> bytes:
    """Signs the bytes of an in-toto statement.

    Args:
        statement: JSON; `build_statement` or `replace_subjects` made it.
        private_key: A PEM file with a key that the policy accepts. RSA keys sign with PSS.
        passphrase: Called if the key is encrypted.

    Returns:
        The envelope, JSON, with the statement in it.

    Raises:
        OSError: The key cannot be read.
        SignatureError: The file holds no private key that the policy accepts, or the passphrase is
            wrong.
    """
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    envelope.sign(_signer(private_key, passphrase))
    return f"{json.dumps(envelope.to_dict(), indent=2)}\n".encode()


def verify(envelope: bytes, key_path: Path) -> bytes:
    """Returns the payload of an untrusted envelope if the owner of a key signed it.

    The payload is still to be checked: `statement.check_statement`.

    Args:
        envelope: What `sign` returned, or another tool's DSSE envelope.
        key_path: A PEM file with the public key.

    Raises:
        OSError: The key cannot be read.
        SignatureError: The file holds no public key that the policy accepts, the envelope is not a
            DSSE envelope of an in-toto statement, or the key did not sign it.
    """
    key = _public_key(key_path)
    opened = _opened(envelope)
    for signature in opened.signatures.values():
        try:
            # A key id is a hint, which each tool computes differently: every signature is tried.
            key.verify_signature(Signature(key.keyid, signature.signature), opened.pae())
        except UnverifiedSignatureError:
            continue
        return opened.payload
    raise SignatureError(
        f"the signature was not made with the private key that belongs to {key_path}"
    )


def fingerprint(key_path: Path) -> str:
    """Returns the SHA-256 of a key file, by which its owner can confirm it on the telephone.

    Raises:
        OSError: The file cannot be read.
        SignatureError: It is too large.
    """
    return hashlib.sha256(_read_key(key_path)).hexdigest()


def _opened(envelope: bytes) -> Envelope:
    try:
        document = parse_object(envelope, MAXIMUM_ENVELOPE_BYTES)
    except JsonError as error:
        raise SignatureError(f"the signature file {printable(str(error))}") from None
    try:
        if len(document["signatures"]) > _MAXIMUM_SIGNATURES:
            raise SignatureError(
                f"the signature file has {len(document['signatures'])} signatures; "
                f"at most {_MAXIMUM_SIGNATURES} are allowed"
            )
        # A reader that ignores the case of names would take "Payload" for the payload.
        unknown = document.keys() - _FIELDS
        for signature in document["signatures"]:
            unknown |= signature.keys() - _FIELDS_OF_SIGNATURE
        if unknown:
            raise SignatureError(
                f"the signature file has the field {printable(min(unknown), 80)}, which DSSE lacks"
            )
        opened = Envelope.from_dict(document)
    except SignatureError:
        raise
    except (AttributeError, FormatError, KeyError, TypeError, ValueError):
        raise SignatureError("the signature file is not a DSSE envelope") from None
    if opened.payload_type != PAYLOAD_TYPE:
        raise SignatureError(
            f"the signed payload is of type {printable(str(opened.payload_type))!r}; "
            f"expected {PAYLOAD_TYPE}"
        )
    return opened


def _public_key(path: Path) -> SSlibKey:
    pem = _read_key(path)
    if pem.count(b"-----BEGIN") > 1:
        raise SignatureError(f"{path} holds more than one key; expected the one of the signer")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError(f"{path} holds no public key in PEM; expected {KEYS}") from None
    _check_key(path, key)
    return SSlibKey.from_crypto(key)


def _signer(path: Path, passphrase: Callable[[], str] | None) -> CryptoSigner:
    pem = _read_key(path)
    key: Any
    try:
        try:
            key = load_pem_private_key(pem, None)
        except TypeError:  # The library raises it for an encrypted key without a passphrase.
            if passphrase is None:
                raise SignatureError(f"{path} is encrypted, and no passphrase is given") from None
            key = load_pem_private_key(pem, passphrase().encode())
    except SignatureError:
        raise
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError(
            f"{path} holds no private key in PEM (expected {KEYS}), or its passphrase is wrong"
        ) from None
    _check_key(path, key)
    return CryptoSigner(key)


def _check_key(path: Path, key: Any) -> None:
    try:
        check_key(key)
    except SignatureError as error:
        raise SignatureError(f"{path} {error}") from None


def _read_key(path: Path) -> bytes:
    try:
        return read_regular(path, MAXIMUM_KEY_BYTES)
    except FileError as error:
        raise SignatureError(f"{path} {error}") from None
