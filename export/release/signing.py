"""A statement and a key that a studio owns → a signed envelope, and back; no network, no service.

    envelope = signing.sign(statement, Path("release.pem"))
    statement = signing.verify(envelope, Path("release.pub.pem"))

The envelope is DSSE (github.com/secure-systems-lab/dsse), which other tools read too.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""What is signed: an in-toto statement."""


class SignatureError(ValueError):
    """A key that is of no use, or a signature that does not hold; the message says which."""


def sign(statement: bytes, private_key: Path, passphrase: Callable[[], str] | None = None) -> bytes:
    """Signs the bytes of an in-toto statement.

    Args:
        statement: JSON.
        private_key: A PEM file: Ed25519, ECDSA on P-256, or RSA (which signs with PSS).
        passphrase: Called if the key is encrypted.

    Returns:
        The envelope, JSON, with the statement in it.

    Raises:
        OSError: The key cannot be read.
        SignatureError: The file is no private key of these kinds, or the passphrase is not its own.
    """
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    envelope.sign(_signer(private_key, passphrase))
    return f"{json.dumps(envelope.to_dict(), indent=2)}\n".encode()


def verify(envelope: bytes, public_key: Path) -> bytes:
    """Opens an envelope that the owner of a key has signed.

    Args:
        envelope: What `sign` returned, or another tool's envelope of the same kind.
        public_key: A PEM file: the public half of the key.

    Returns:
        The statement, JSON.

    Raises:
        OSError: The key cannot be read.
        SignatureError: The file is no public key, the envelope is none, or the key did not sign it.
    """
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(public_key.read_bytes()))
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError(f"{public_key} holds no public key in PEM that can be used") from None
    try:
        opened = Envelope.from_dict(json.loads(envelope))
    except (AttributeError, FormatError, KeyError, RecursionError, TypeError, ValueError):
        raise SignatureError("the signature file is not a DSSE envelope") from None
    if opened.payload_type != PAYLOAD_TYPE:
        raise SignatureError(f"what is signed is {opened.payload_type!r}, not {PAYLOAD_TYPE}")
    for signature in opened.signatures.values():
        try:
            # A key id is a hint, which each tool makes in its own way: every signature is tried.
            key.verify_signature(Signature(key.keyid, signature.signature), opened.pae())
        except UnverifiedSignatureError:
            continue
        return opened.payload
    raise SignatureError(f"the signature was not made with the private half of {public_key}")


def _signer(private_key: Path, passphrase: Callable[[], str] | None) -> CryptoSigner:
    pem = private_key.read_bytes()
    key: Any
    try:
        try:
            key = load_pem_private_key(pem, None)
        except TypeError:  # its only word for a key that is encrypted
            if passphrase is None:
                raise SignatureError(
                    f"{private_key} is encrypted, and no passphrase is given"
                ) from None
            key = load_pem_private_key(pem, passphrase().encode())
        return CryptoSigner(key)
    except SignatureError:
        raise
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError(
            f"{private_key} holds no private key in PEM that can be used (Ed25519, ECDSA on P-256 "
            "or RSA), or it is encrypted with another passphrase"
        ) from None
