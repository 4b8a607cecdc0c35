"""`//export:sign` on the command line, on a release that Bazel built."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from export.common import sha256sums
from export.common.digests import sha256
from export.release.canonical_tar import digest_release
from export.release.signature import signing
from export.release.signature.sign import PASSPHRASE_VARIABLE, main
from export.release.signature.signing import SignatureError
from export.release.signature.statement import check_statement, read_subjects, replace_subjects
from testing import command_lines
from testing.export.release.keys import KINDS, write_keys

FOLDER = Path(os.environ["RELEASE_FOLDER"])
TAR = Path(os.environ["RELEASE_TAR"])
STATEMENT = (FOLDER / "provenance.json").read_bytes()


def sign(release: Path, private: Path, **environment: str) -> Result:
    """Runs the command."""
    return CliRunner(env=environment).invoke(main, [str(release), f"--key={private}"])


def times(release: Path) -> dict[str, int]:
    """Returns the time of the last change of each file."""
    return {str(path): path.stat().st_ctime_ns for path in release.rglob("*")}


def hard_link(path: Path, copy: Path) -> None:
    """Makes a hard link, which no test may change in place; or a copy, on another disk."""
    try:
        copy.hardlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, copy)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Returns a copy of the folder, beside which files can be written."""
    for path in FOLDER.rglob("*"):
        copy = tmp_path / path.relative_to(FOLDER.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            hard_link(path, copy)
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
    payload = signing.verify(envelope, public)
    assert payload == replace_subjects(STATEMENT, digest_release(release).subjects())
    with pytest.raises(SignatureError, match="was not made with"):
        signing.verify(envelope, other)
    assert times(release) == before


def test_tar_is_signed_and_not_changed(keys: tuple[Path, Path], tmp_path: Path) -> None:
    tar = tmp_path / TAR.name
    tar.symlink_to(TAR.absolute())
    result = sign(tar, keys[0])
    assert result.exit_code == 0, result.output
    assert f"Signed {tar.name} with SHA-256 {sha256(TAR)}" in result.stdout
    payload = signing.verify(Path(f"{tar}.dsse.json").read_bytes(), keys[1])
    check_statement(payload, digest_release(tar).subjects())
    with pytest.raises(SignatureError, match=rf"does not cover {tar.name}"):
        check_statement(STATEMENT, digest_release(tar).subjects())


def test_folder_and_tar_have_one_signature(
    release: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    tar = tmp_path / "elsewhere" / TAR.name
    tar.symlink_to(TAR.absolute())
    for path in (release, tar):
        assert sign(path, keys[0]).exit_code == 0
    signatures = [Path(f"{path}.dsse.json").read_bytes() for path in (release, tar)]
    assert signatures[0] == signatures[1]  # Ed25519 signs without random numbers.


def test_a_tar_in_another_form_is_not_signed(
    release: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    tar = tmp_path / "other.tar"
    with tarfile.open(tar, "w", dereference=True) as file:
        file.add(release, release.name)
    result = sign(tar, keys[0])
    assert result.exit_code != 0
    assert "is not the plain one" in result.output
    assert not Path(f"{tar}.dsse.json").exists()


def test_tar_of_another_name_is_not_signed(keys: tuple[Path, Path], tmp_path: Path) -> None:
    hard_link(TAR, renamed := tmp_path / "CorridorKey-9.9.tar")
    result = sign(renamed, keys[0])
    assert result.exit_code == 1
    assert f"it is named CorridorKey-9.9.tar and holds {FOLDER.name}" in result.output
    assert not renamed.with_name("CorridorKey-9.9.tar.dsse.json").exists()


def test_option_that_is_the_name_of_a_file_is_refused(
    keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard_link(TAR, tmp_path / TAR.name)
    monkeypatch.chdir(tmp_path)
    option = "--output=signed.tar"
    Path(option).touch()
    result = CliRunner().invoke(main, [f"--key={keys[0]}", option, TAR.name])
    assert result.exit_code == 2
    assert f"{option} is also the name of a file" in result.output
    assert not Path("signed.tar").exists()


def test_folder_that_one_stands_in_is_signed_beside_it(
    release: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(release)
    result = sign(Path(), keys[0])
    assert result.exit_code == 0, result.output
    assert Path(f"{release}.dsse.json").exists()


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


def test_the_name_of_a_refused_release_is_printed_escaped(
    release: Path, keys: tuple[Path, Path]
) -> None:
    (release / "manifest.json").unlink()
    release = release.rename(release.with_name("\x1b]0;title\x07"))
    result = sign(release, keys[0])
    assert result.exit_code != 0
    assert r"\x1b]0;title\x07.dsse.json is not written, because " in result.output
    assert "\x1b" not in result.output


def test_statement_about_other_files_is_not_signed(release: Path, keys: tuple[Path, Path]) -> None:
    (release / "LICENSE-CorridorKey.txt").unlink()
    (release / "LICENSE-CorridorKey.txt").write_text("do as you like")
    digests = sha256sums.parse((release / "SHA256SUMS").read_bytes())
    digests["LICENSE-CorridorKey.txt"] = sha256(release / "LICENSE-CorridorKey.txt")
    (release / "SHA256SUMS").unlink()
    (release / "SHA256SUMS").write_text(sha256sums.to_text(digests))
    result = sign(release, keys[0])
    assert result.exit_code != 0
    assert "manifest.json" in result.output
    assert "its files is not what this version of the exporter writes" in result.output
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
        ({PASSPHRASE_VARIABLE: "wrong"}, "its passphrase is wrong"),
    ):
        result = sign(release, private, **variables)
        assert result.exit_code != 0
        assert message in result.output
        assert not envelope.exists()
    assert sign(release, private, **{PASSPHRASE_VARIABLE: "secret"}).exit_code == 0
    assert read_subjects(signing.verify(envelope.read_bytes(), public))


def test_the_passphrase_is_not_visible_to_others(release: Path, tmp_path: Path) -> None:
    passphrase = "correct horse battery staple"
    encryption = BestAvailableEncryption(passphrase.encode())
    private, public = write_keys(tmp_path / "keys", KINDS["ed25519"](), encryption)
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    with command_lines.watched() as seen:
        result = subprocess.run(
            [sys.executable, "-m", "export.release.signature.sign", release, f"--key={private}"],
            env=os.environ | {"PYTHONPATH": path, PASSPHRASE_VARIABLE: passphrase},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
    envelope = Path(f"{release}.dsse.json").read_bytes()
    assert read_subjects(signing.verify(envelope, public))
    assert any(b"export.release.signature.sign" in line for line in seen), "nothing was watched"
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
