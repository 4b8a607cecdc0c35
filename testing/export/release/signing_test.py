"""Real keys of each kind sign and verify; anything changed, or anybody else's, is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from export.release import signing
from export.release.signing import SignatureError
from testing.export.release.keys import KINDS, write_keys

STATEMENT = b'{"_type": "https://in-toto.io/Statement/v1"}'


def changed(envelope: bytes, **fields: Any) -> bytes:
    """The envelope with fields of it replaced."""
    return json.dumps(json.loads(envelope) | fields).encode()


@pytest.fixture
def ed25519_keys(tmp_path: Path) -> tuple[Path, Path]:
    return write_keys(tmp_path, KINDS["ed25519"]())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_signed_is_what_comes_out(kind: str, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, KINDS[kind]())
    assert signing.verify(signing.sign(STATEMENT, private), public) == STATEMENT


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_of_any_kind_is_refused(
    kind: str, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    envelope = signing.sign(STATEMENT, ed25519_keys[0])
    _, other = write_keys(tmp_path / "other", KINDS[kind]())
    with pytest.raises(SignatureError, match=r"was not made with the private half of .*other"):
        signing.verify(envelope, other)


def test_every_changed_byte_of_the_payload_is_refused(ed25519_keys: tuple[Path, Path]) -> None:
    private, public = ed25519_keys
    envelope = signing.sign(STATEMENT, private)
    for position in range(len(STATEMENT)):
        payload = bytearray(STATEMENT)
        payload[position] ^= 1
        forged = changed(envelope, payload=base64.b64encode(payload).decode())
        with pytest.raises(SignatureError, match="was not made"):
            signing.verify(forged, public)


def test_the_type_of_the_payload_is_signed_too(ed25519_keys: tuple[Path, Path]) -> None:
    private, public = ed25519_keys
    forged = changed(signing.sign(STATEMENT, private), payloadType="text/plain")
    with pytest.raises(SignatureError, match="what is signed is 'text/plain'"):
        signing.verify(forged, public)


def test_key_id_is_a_hint_and_one_good_signature_of_two_is_enough(
    ed25519_keys: tuple[Path, Path],
) -> None:
    private, public = ed25519_keys
    envelope = signing.sign(STATEMENT, private)
    good = json.loads(envelope)["signatures"][0]["sig"]
    bad = base64.b64encode(bytes(64)).decode()
    signatures = [{"keyid": "theirs", "sig": bad}, {"keyid": "", "sig": good}]
    assert signing.verify(changed(envelope, signatures=signatures), public) == STATEMENT
    with pytest.raises(SignatureError, match="was not made"):
        signing.verify(changed(envelope, signatures=[]), public)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"\xff",
        b"null",
        b"{}",
        b'{"payload": 1, "payloadType": "", "signatures": []}',
        b'{"payload": "*", "payloadType": "", "signatures": []}',
        b'{"payload": "", "payloadType": 1, "signatures": [{"sig": ""}]}',
        b'{"payload": "", "payloadType": "", "signatures": 1}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused(envelope: bytes, ed25519_keys: tuple[Path, Path]) -> None:
    with pytest.raises(SignatureError, match="not a DSSE envelope"):
        signing.verify(envelope, ed25519_keys[1])


def test_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    private, public = write_keys(
        tmp_path, KINDS["ed25519"](), BestAvailableEncryption("pässword".encode())
    )
    assert signing.verify(signing.sign(STATEMENT, private, lambda: "pässword"), public) == STATEMENT
    with pytest.raises(SignatureError, match="is encrypted, and no passphrase"):
        signing.sign(STATEMENT, private)
    with pytest.raises(SignatureError, match="another passphrase"):
        signing.sign(STATEMENT, private, lambda: "password")


@pytest.mark.parametrize("content", [b"", b"not a key", None, "dsa"])
def test_what_is_no_usable_private_key_is_refused(
    content: bytes | str | None, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "wrong.pem"
    if content == "dsa":
        path, _ = write_keys(tmp_path / "dsa", dsa.generate_private_key(2048))
    else:
        assert not isinstance(content, str)
        path.write_bytes(ed25519_keys[1].read_bytes() if content is None else content)
    with pytest.raises(SignatureError, match=f"{path} holds no private key"):
        signing.sign(STATEMENT, path)


def test_a_private_key_is_no_public_key(ed25519_keys: tuple[Path, Path]) -> None:
    private, _ = ed25519_keys
    with pytest.raises(SignatureError, match="holds no public key"):
        signing.verify(signing.sign(STATEMENT, private), private)
