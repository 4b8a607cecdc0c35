"""`//export:sign`, as a person at a shell meets it, on a release that Bazel built."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from export.release import signing
from export.release.sign import PASSPHRASE_VARIABLE, main
from export.release.signing import SignatureError
from testing import command_lines
from testing.export.release.keys import KINDS, write_keys

FOLDER = Path(os.environ["RELEASE_FOLDER"])
TAR = Path(os.environ["RELEASE_TAR"])
STATEMENT = (FOLDER / "provenance.json").read_bytes()


def sign(release: Path, private: Path, **environment: str) -> Result:
    """Runs the command."""
    return CliRunner(env=environment).invoke(main, [str(release), f"--key={private}"])


def times(release: Path) -> dict[str, int]:
    """When each file was last written, or replaced by another."""
    return {str(path): path.stat().st_ctime_ns for path in release.rglob("*")}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The folder, in a place where a file may be written beside it."""
    for path in FOLDER.rglob("*"):
        copy = tmp_path / path.relative_to(FOLDER.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # A large file is a link: nothing here changes it in place.
        if path.suffix == ".pt":
            copy.symlink_to(path.resolve())
        elif path.is_file():
            shutil.copyfile(path, copy)
    return tmp_path / FOLDER.name


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return write_keys(tmp_path / "keys", KINDS["ed25519"]())


@pytest.mark.parametrize("kind", KINDS)
def test_signed_folder_is_verified_by_the_public_key_alone(
    kind: str, release: Path, tmp_path: Path
) -> None:
    private, public = write_keys(tmp_path / "keys", KINDS[kind]())
    _, other = write_keys(tmp_path / "other", KINDS[kind]())
    before = times(release)
    result = sign(release, private)
    assert result.exit_code == 0, result.output
    envelope = Path(f"{release}.dsse.json").read_bytes()
    assert signing.verify(envelope, public) == STATEMENT
    with pytest.raises(SignatureError, match="was not made with"):
        signing.verify(envelope, other)
    assert times(release) == before


def test_tar_is_signed_too_and_stays_as_it_is(keys: tuple[Path, Path], tmp_path: Path) -> None:
    tar = tmp_path / TAR.name
    tar.symlink_to(TAR.absolute())
    result = sign(tar, keys[0])
    assert result.exit_code == 0, result.output
    assert signing.verify(Path(f"{tar}.dsse.json").read_bytes(), keys[1]) == STATEMENT


@pytest.mark.parametrize("name", ["manifest.json", "nuke14_artifact_test.pt"])
def test_release_with_a_flipped_bit_is_not_signed(
    name: str, release: Path, keys: tuple[Path, Path]
) -> None:
    content = bytearray((release / name).read_bytes())
    content[len(content) // 2] ^= 1
    (release / name).unlink()
    (release / name).write_bytes(content)
    result = sign(release, keys[0])
    assert result.exit_code != 0
    assert f"{name} is changed" in result.output
    assert not Path(f"{release}.dsse.json").exists()


def test_statement_about_other_files_is_not_signed(release: Path, keys: tuple[Path, Path]) -> None:
    (release / "LICENSE-CorridorKey.txt").write_text("do as you like")
    digests = "".join(
        line
        for line in (release / "SHA256SUMS").read_text().splitlines(keepends=True)
        if "LICENSE" not in line
    )
    new = hashlib.sha256(b"do as you like").hexdigest()
    (release / "SHA256SUMS").write_text(f"{digests}{new}  LICENSE-CorridorKey.txt\n")
    result = sign(release, keys[0])
    assert result.exit_code != 0
    assert "provenance.json" in result.output
    assert "speaks of other files" in result.output
    assert not Path(f"{release}.dsse.json").exists()


def test_encrypted_key_takes_its_passphrase_from_the_environment(
    release: Path, tmp_path: Path
) -> None:
    private, public = write_keys(
        tmp_path / "keys", KINDS["ed25519"](), BestAvailableEncryption(b"secret")
    )
    envelope = Path(f"{release}.dsse.json")
    for variables, message in (
        ({}, "is encrypted: set CORRIDORKEY_KEY_PASSPHRASE"),
        ({PASSPHRASE_VARIABLE: "wrong"}, "another passphrase"),
    ):
        result = sign(release, private, **variables)
        assert result.exit_code != 0
        assert message in result.output
        assert not envelope.exists()
    assert sign(release, private, **{PASSPHRASE_VARIABLE: "secret"}).exit_code == 0
    assert signing.verify(envelope.read_bytes(), public) == STATEMENT


def test_nobody_else_gets_to_see_the_passphrase(release: Path, tmp_path: Path) -> None:
    passphrase = "correct horse battery staple"
    encryption = BestAvailableEncryption(passphrase.encode())
    private, public = write_keys(tmp_path / "keys", KINDS["ed25519"](), encryption)
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    with command_lines.watched() as seen:
        result = subprocess.run(
            [sys.executable, "-m", "export.release.sign", release, f"--key={private}"],
            env=os.environ | {"PYTHONPATH": path, PASSPHRASE_VARIABLE: passphrase},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
    envelope = Path(f"{release}.dsse.json").read_bytes()
    assert signing.verify(envelope, public) == STATEMENT
    assert any(b"export.release.sign" in line for line in seen), "nothing was watched"
    for text in (*seen, result.stdout, envelope):
        assert passphrase.encode() not in text


@pytest.mark.parametrize("content", [None, b"no key"])
def test_key_that_cannot_be_used_is_one_clear_error(
    content: bytes | None, release: Path, tmp_path: Path
) -> None:
    private = tmp_path / "key.pem"
    if content is not None:
        private.write_bytes(content)
    result = sign(release, private)
    assert result.exit_code != 0
    assert str(private) in result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not Path(f"{release}.dsse.json").exists()
