"""States which statements and which keys are accepted for a release, in one place.

export/RELEASE.md says the same in words. `statement` and `signing` enforce it.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:corridorkey-nuke:bazel-release:v1"
"""Build type whose external parameters are `target`, `version` and `artifacts`."""

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""Type of the payload in a signed envelope."""

MAXIMUM_STATEMENT_BYTES = 4 << 20
"""Largest accepted statement. One of 20 files has 6 KB."""
MAXIMUM_ENVELOPE_BYTES = 6 << 20
"""Largest accepted signature file: a statement in base64, and its signatures."""
MAXIMUM_KEY_BYTES = 64 << 10
"""Largest accepted key file."""

CURVES = (SECP256R1, SECP384R1)
RSA_BITS = (3072, 8192)
"""Smallest and largest accepted RSA modulus, in bits."""
KEYS = "Ed25519, ECDSA on P-256 or P-384, or RSA of 3072 to 8192 bits"
"""The accepted keys, for messages."""


class SignatureError(ValueError):
    """A key, a signature or a statement is refused; the message says which and why."""


def check_key(key: Any) -> None:
    """Checks that a private or public key is of an accepted type and size.

    Args:
        key: Any key of the library `cryptography`.

    Raises:
        SignatureError: The key is refused. The message is a predicate; callers put the name of the
            file in front.
    """
    match key:
        case Ed25519PrivateKey() | Ed25519PublicKey():
            return
        case EllipticCurvePrivateKey() | EllipticCurvePublicKey():
            if isinstance(key.curve, CURVES):
                return
            found = f"an ECDSA key on {key.curve.name}"
        case RSAPrivateKey() | RSAPublicKey():
            smallest, largest = RSA_BITS
            if smallest <= key.key_size <= largest:
                return
            found = f"an RSA key of {key.key_size} bits"
        case _:
            found = "a key of another type"
    raise SignatureError(f"holds {found}; expected {KEYS}")


_NAME = {"type": "string", "minLength": 1, "maxLength": 1000}
_DIGEST = {
    "type": "object",
    "required": ["sha256"],
    "additionalProperties": False,
    "properties": {"sha256": {"type": "string", "pattern": r"^[0-9a-f]{64}\Z"}},
}


def _fields(**properties: Any) -> dict[str, Any]:
    """Returns the schema of an object with exactly these fields."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


STATEMENT_SCHEMA = _fields(
    _type={"const": STATEMENT_TYPE},
    predicateType={"const": PREDICATE_TYPE},
    subject={
        "type": "array",
        "minItems": 1,
        "maxItems": 10_000,
        "items": _fields(name=_NAME, digest=_DIGEST),
    },
    predicate=_fields(
        buildDefinition=_fields(
            buildType={"const": BUILD_TYPE},
            externalParameters=_fields(
                target={**_NAME, "pattern": r"^[!-~]+\Z"},
                version=_NAME,
                artifacts={"type": "object", "minProperties": 1, "additionalProperties": _NAME},
            ),
            resolvedDependencies={
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "digest"],
                    "additionalProperties": False,
                    "properties": {"name": _NAME, "uri": _NAME, "digest": _DIGEST},
                },
            },
        ),
        runDetails=_fields(
            builder=_fields(id={**_NAME, "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\Z"})
        ),
    ),
)
"""JSON Schema (draft 2020-12) of an accepted statement: exactly these fields, and no other."""
