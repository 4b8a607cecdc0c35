"""Real keys of each accepted kind sign and verify; everything else is refused."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from export.release.signature import signing
from export.release.signature.policy import MAXIMUM_ENVELOPE_BYTES, PAYLOAD_TYPE, SignatureError
from testing.export.release.keys import KINDS, REFUSED_KINDS, write_keys

STATEMENT = b'{"_type": "https://in-toto.io/Statement/v1"}'


def changed(envelope: bytes, **fields: Any) -> bytes:
    """Returns an envelope with some of its fields replaced."""
    return json.dumps(json.loads(envelope) | fields).encode()


@pytest.fixture
def ed25519_keys(tmp_path: Path) -> tuple[Path, Path]:
    return write_keys(tmp_path, KINDS["ed25519"]())


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_signature_returns_the_payload(kind: str, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, KINDS[kind]())
    assert signing.verify(signing.sign(STATEMENT, private), public) == STATEMENT


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_of_any_kind_is_refused(
    kind: str, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    envelope = signing.sign(STATEMENT, ed25519_keys[0])
    _, other = write_keys(tmp_path / "other", KINDS[kind]())
    with pytest.raises(
        SignatureError, match=r"was not made with the private key that belongs to .*other"
    ):
        signing.verify(envelope, other)


@pytest.mark.parametrize("ours", [0, 1])
def test_a_file_of_two_keys_is_refused(
    ours: int, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = ed25519_keys
    _, other = write_keys(tmp_path / "other", KINDS["ed25519"]())
    pair = [other.read_bytes()]
    pair.insert(ours, public.read_bytes())
    public.write_bytes(b"".join(pair))
    with pytest.raises(SignatureError, match="holds more than one key"):
        signing.verify(signing.sign(STATEMENT, private), public)


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
    with pytest.raises(SignatureError, match=r"is of type 'text/plain'; expected"):
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
        b'{"payload": "", "payloadType": ' + b"[" * 900 + b"]" * 900 + b', "signatures": []}',
    ],
)
def test_what_is_not_an_envelope_is_refused(
    envelope: bytes, ed25519_keys: tuple[Path, Path]
) -> None:
    with pytest.raises(SignatureError, match=r"^the signature file (is not|holds|nests)"):
        signing.verify(envelope, ed25519_keys[1])


@pytest.mark.parametrize("place", ["envelope", "signature"])
def test_field_that_dsse_lacks_is_refused(place: str, ed25519_keys: tuple[Path, Path]) -> None:
    """A reader that ignores the case of names would take "Payload" for the payload."""
    private, public = ed25519_keys
    envelope = json.loads(signing.sign(STATEMENT, private))
    (envelope if place == "envelope" else envelope["signatures"][0])["Payload"] = "AAAA"
    with pytest.raises(SignatureError, match="the field Payload, which DSSE lacks"):
        signing.verify(json.dumps(envelope).encode(), public)


def test_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    private, public = write_keys(
        tmp_path, KINDS["ed25519"](), BestAvailableEncryption("pässword".encode())
    )
    assert signing.verify(signing.sign(STATEMENT, private, lambda: "pässword"), public) == STATEMENT
    with pytest.raises(SignatureError, match="is encrypted, and no passphrase"):
        signing.sign(STATEMENT, private)
    with pytest.raises(SignatureError, match="its passphrase is wrong"):
        signing.sign(STATEMENT, private, lambda: "password")


@pytest.mark.parametrize("content", [b"", b"not a key", None])
def test_what_is_not_a_private_key_is_refused(
    content: bytes | None, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "wrong.pem"
    path.write_bytes(ed25519_keys[1].read_bytes() if content is None else content)
    with pytest.raises(SignatureError, match=f"{path} holds no private key"):
        signing.sign(STATEMENT, path)


@pytest.mark.parametrize("kind", REFUSED_KINDS)
def test_a_key_of_another_type_or_size_neither_signs_nor_verifies(
    kind: str, ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = write_keys(tmp_path / "refused", REFUSED_KINDS[kind]())
    with pytest.raises(SignatureError, match=f"{private} holds .*; expected Ed25519, ECDSA on P-"):
        signing.sign(STATEMENT, private)
    with pytest.raises(SignatureError, match=f"{public} holds .*; expected Ed25519, ECDSA on P-"):
        signing.verify(signing.sign(STATEMENT, ed25519_keys[0]), public)


@pytest.mark.parametrize("kind", ["rsa-1024", "rsa-2048", "ecdsa-p521"])
def test_a_signature_by_a_refused_key_is_refused_however_it_was_made(
    kind: str, tmp_path: Path
) -> None:
    key = REFUSED_KINDS[kind]()
    _, public = write_keys(tmp_path / "refused", key)
    envelope = Envelope(STATEMENT, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    opened = json.dumps(envelope.to_dict()).encode()
    with pytest.raises(SignatureError, match=r"holds an (RSA|ECDSA) key (of|on)"):
        signing.verify(opened, public)


def test_an_envelope_of_any_size_is_refused_in_little_time(
    ed25519_keys: tuple[Path, Path],
) -> None:
    private, public = ed25519_keys
    with pytest.raises(SignatureError, match=r"has more than 6,291,456 bytes"):
        signing.verify(b" " * (MAXIMUM_ENVELOPE_BYTES + 1), public)
    many = [{"keyid": str(number), "sig": ""} for number in range(17)]
    with pytest.raises(SignatureError, match="has 17 signatures; at most 16"):
        signing.verify(changed(signing.sign(STATEMENT, private), signatures=many), public)


def test_a_key_is_a_regular_file_of_a_bounded_size(
    ed25519_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = ed25519_keys
    envelope = signing.sign(STATEMENT, private)
    pipe, large = tmp_path / "pipe.pem", tmp_path / "large.pem"
    os.mkfifo(pipe)
    large.write_bytes(public.read_bytes() + bytes(100_000))
    for path, message in ((pipe, "expected a regular file"), (large, "at most 65,536")):
        with pytest.raises(SignatureError, match=message):
            signing.verify(envelope, path)
        with pytest.raises(SignatureError, match=message):
            signing.sign(STATEMENT, path)


def test_a_private_key_is_not_a_public_key(ed25519_keys: tuple[Path, Path]) -> None:
    private, _ = ed25519_keys
    with pytest.raises(SignatureError, match="holds no public key"):
        signing.verify(signing.sign(STATEMENT, private), private)
