"""The command line of verify on releases, folder and tar: a good one, and every hostile one."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS
from export.release.canonical_tar import digest_release
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature import sign, signing
from export.release.signature.statement import PROVENANCE, replace_subjects
from export.verify import papers_check, release_check
from export.verify import verify as verify_module
from export.verify.kit_check import check_kit
from testing.export.release.keys import KINDS, REFUSED_KINDS, write_keys
from testing.export.verify.command import outcomes, refusal, verify
from testing.export.verify.small_artifact import SmallExporter
from testing.export.verify.small_release import (
    NAME,
    make_small_release,
    mend,
    small_checkout,
    write_small_release,
    write_tar,
)
from testing.hostile.releases import HARMS, LATE, LIES, TAR_HARMS, Harm, TarHarm

PAPERS = [SHA256SUMS, "names", "claims", "every byte", "weights", "manifest beside", "probe plate"]
PAPERS += ["numbers", MANIFEST, PROVENANCE, SBOM, "copies", "nuke/", "unchanged"]


@pytest.fixture(scope="session")
def _release(_exporter: SmallExporter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_release(_exporter, tmp_path_factory.mktemp("release"))


@pytest.fixture
def release(
    _release: Path, exporter: SmallExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy that a test may harm; verify takes the small exporter for the real one."""
    del exporter
    monkeypatch.setattr(papers_check, "_CHECKOUT", small_checkout(_release.parent))
    return Path(shutil.copytree(_release, tmp_path / NAME))


class Signed:
    """A signature of a release, and another key."""

    def __init__(self, release: Path, kind: str = "ed25519") -> None:
        folder = release.parent
        private, self.key = write_keys(folder / "key", KINDS[kind]())
        _, self.another_key = write_keys(folder / "another", KINDS[kind]())
        result = CliRunner().invoke(sign.main, [str(release), f"--key={private}"])
        assert result.exit_code == 0, result.output
        self.warnings = [line for line in result.stderr.splitlines() if "Warning" in line]
        self.envelope = release.with_name(f"{release.name}.dsse.json")

    def arguments(self) -> list[str | Path]:
        """Returns what verify needs to check it."""
        return ["--no-probe", "--key", self.key, "--signature", self.envelope]


@pytest.mark.parametrize("kind", KINDS)
def test_signed_release_is_verified_as_folder_and_as_tar(kind: str, release: Path) -> None:
    signed = Signed(release, kind)
    assert not signed.warnings
    for path in (release, write_tar(release)):
        verdict = verify(path, *signed.arguments())
        assert verdict["word"] == "VERIFIED"
        assert verdict["weights_pinned"]
        assert verdict["parts_exact"]
        found = outcomes(verdict)
        assert list(found) == ["signature", "container", "statement", *PAPERS]
        assert found.pop("probe plate") == "not checked"
        assert set(found.values()) == {"passed"}
        another = verify(path, "--key", signed.another_key, "--signature", signed.envelope)
        assert refusal(another)[0] == "signature"


@pytest.mark.parametrize("kind", REFUSED_KINDS)
def test_weak_key_is_refused(kind: str, release: Path) -> None:
    signed = Signed(release)
    _, public = write_keys(release.parent / "weak", REFUSED_KINDS[kind]())
    verdict = verify(release, "--key", public, "--signature", signed.envelope)
    assert refusal(verdict)[0] == "signature"
    assert "expected Ed25519" in refusal(verdict)[1]


def test_without_a_key_a_release_is_consistent(release: Path) -> None:
    Signed(release)
    for path in (release, write_tar(release)):
        verdict = verify(path, "--no-probe")
        assert verdict["word"] == "CONSISTENT"
        found = outcomes(verdict)
        assert list(found) == ["signature", "container", *PAPERS]
        assert {name for name, outcome in found.items() if outcome != "passed"} == {
            "signature",
            "probe plate",
        }


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: f"{harm.kind}: {harm.fault}")
def test_hostile_release_is_refused_though_its_papers_are_mended(
    harm: Harm, release: Path, witness: Path
) -> None:
    harm.harm(release, witness)
    mend(release, *harm.left)
    name, detail = refusal(verify(release, "--no-probe"))
    assert name == harm.check, (name, detail)
    assert re.search(harm.message, detail), detail
    assert not {"\x1b", "\u202e"} & set(detail)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: f"{harm.kind}: {harm.fault}")
def test_hostile_release_is_refused_by_the_signature_of_the_good_one(
    harm: Harm, release: Path, witness: Path
) -> None:
    signed = Signed(release)
    harm.harm(release, witness)
    mend(release, *harm.left)
    assert refusal(verify(release, *signed.arguments()))[0] in ("container", "statement")


@pytest.mark.parametrize(
    "harm",
    [
        harm
        for harm in HARMS
        if harm.check in ("container", SHA256SUMS, "names", MANIFEST, PROVENANCE, "copies")
    ],
    ids=lambda harm: f"{harm.kind}: {harm.fault}",
)
def test_hostile_papers_are_not_signed(harm: Harm, release: Path, witness: Path) -> None:
    private, _ = write_keys(release.parent / "key", KINDS["ed25519"]())
    harm.harm(release, witness)
    mend(release, *harm.left)
    result = CliRunner().invoke(sign.main, [str(release), f"--key={private}"])
    assert result.exit_code == 1
    assert re.search(harm.message, result.output), result.output
    assert "dsse.json is not written, because " in result.output
    assert not release.with_name(f"{NAME}.dsse.json").exists()


@pytest.mark.parametrize("lie", LIES, ids=lambda harm: harm.fault)
def test_statement_that_lies_is_neither_signed_nor_believed(
    lie: Harm, release: Path, witness: Path
) -> None:
    good = (release / PROVENANCE).read_bytes()
    lie.harm(release, witness)
    private, public = write_keys(release.parent / "key", KINDS["ed25519"]())
    lying = (release / PROVENANCE).read_bytes()
    mend(release)
    result = CliRunner().invoke(sign.main, [str(release), f"--key={private}"])
    assert result.exit_code == 1
    assert f"{PROVENANCE} in {NAME} is refused: its " in result.output

    # Another program has signed it.
    (release / PROVENANCE).write_bytes(good)
    mend(release)
    envelope = release.with_name("lying.dsse.json")
    lying = replace_subjects(lying, digest_release(release).subjects())
    envelope.write_bytes(signing.sign(lying, private))
    arguments: list[str | Path] = ["--no-probe", "--key", public, "--signature", envelope]
    name, detail = refusal(verify(release, *arguments))
    assert (name, detail) == (
        "statement",
        f"it says something else of the files than their {PROVENANCE}",
    )
    name, detail = refusal(verify(release / "CorridorKey.pt", *arguments))
    assert name == lie.check
    assert re.search(lie.message, detail), detail


@pytest.mark.parametrize("harm", LATE, ids=lambda harm: harm.fault)
def test_release_that_changes_before_the_verdict_is_refused(
    harm: Harm, release: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = Signed(release)

    def check_last(*arguments: Any) -> Any:
        result = check_kit(*arguments)
        harm.harm(release, witness)
        return result

    monkeypatch.setattr(release_check, "check_kit", check_last)
    name, detail = refusal(verify(release, *signed.arguments()))
    assert name == harm.check
    assert re.search(harm.message, detail), detail


@pytest.mark.parametrize("form", ["tar", "folder", "its folder"])
def test_release_that_becomes_a_link_before_the_verdict_is_refused(
    form: str, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link leads to the same bytes, for this reader."""
    path = release if form == "folder" else write_tar(release)
    (away := release.with_name("away")).mkdir()

    def check_last(*arguments: Any) -> Any:
        result = check_kit(*arguments)
        moved = path.rename(away / path.name)
        path.symlink_to(release if form == "its folder" else moved)
        return result

    monkeypatch.setattr(release_check, "check_kit", check_last)
    name, detail = refusal(verify(path, "--no-probe"))
    assert (name, detail) == ("unchanged", "it changed while it was verified")


@pytest.mark.parametrize("same", [True, False])
def test_artifacts_of_one_checkpoint_have_the_same_numbers(
    same: bool, exporter: SmallExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = exporter.other_weights()
    other = weights if same else {key: tensor + 1 for key, tensor in weights.items()}
    exporter.write(tmp_path / "A.pt", "Studio_1", {"sha256": "1" * 64, "bytes": 1}, weights)
    exporter.write(tmp_path / "B.pt", "Studio_2", {"sha256": "1" * 64, "bytes": 1}, other)
    release = make_small_release(tmp_path, "CorridorKey-1.0", ["A", "B"])
    monkeypatch.setattr(papers_check, "_CHECKOUT", small_checkout(tmp_path))
    verdict = verify(release, "--no-probe")
    if same:
        assert verdict["word"] == "CONSISTENT"
    else:
        message = "B.pt and A.pt name one checkpoint and have different numbers"
        assert refusal(verdict) == ("numbers", message)


def test_size_in_the_manifest_is_that_of_the_digested_file(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is longer for a moment, while the manifest is checked."""
    manifest = json.loads((release / MANIFEST).read_text())
    entry = next(item for item in manifest["files"] if item["path"] == "CorridorKey.pt")
    entry["bytes"] += 1000
    (release / MANIFEST).write_text(to_json(manifest))
    mend(release, MANIFEST)
    check_manifest = papers_check.Papers.check_manifest

    def check_longer(papers: papers_check.Papers) -> Any:
        size = (release / "CorridorKey.pt").stat().st_size
        os.truncate(release / "CorridorKey.pt", size + 1000)
        try:
            return check_manifest(papers)
        finally:
            os.truncate(release / "CorridorKey.pt", size)

    monkeypatch.setattr(papers_check.Papers, "check_manifest", check_longer)
    name, detail = refusal(verify(release, "--no-probe"))
    assert name == MANIFEST
    assert "its files is not what" in detail


@pytest.mark.parametrize("harm", TAR_HARMS, ids=lambda harm: harm.fault)
def test_hostile_tar_is_refused(harm: TarHarm, release: Path, witness: Path) -> None:
    signed = Signed(release)
    tar = release.with_name(f"{NAME}.tar")
    harm.harm(release, tar, witness)
    for arguments in (["--no-probe"], signed.arguments()):
        name, detail = refusal(verify(tar, *arguments))
        assert name == "container"
        assert re.search(harm.message, detail), detail


@pytest.mark.parametrize("form", ["folder", "tar"])
@pytest.mark.parametrize(
    ("wrong", "check"),
    [("key", "signature"), ("a pipe", "signature"), ("a file", "statement"), ("form", "container")],
)
def test_refusal_ends_the_work(
    wrong: str,
    check: str,
    form: str,
    release: Path,
    monkeypatch: pytest.MonkeyPatch,
    children: list[list[str]],
) -> None:
    """Nothing in a release is looked at once its signature, container or statement is refused."""
    signed = Signed(release)
    key = signed.another_key if wrong == "key" else signed.key
    if wrong == "a pipe":
        signed.envelope.unlink()
        os.mkfifo(signed.envelope)
    if wrong == "a file":
        (release / "nuke/more.py").write_text("")
    path = release if form == "folder" else write_tar(release)
    if wrong == "form":
        if form == "tar":
            path.write_bytes(path.read_bytes() + bytes(512))
        else:
            (release / "link").symlink_to("/etc/passwd")
    monkeypatch.setattr(verify_module, "check_release", lambda *_, **__: pytest.fail("it was read"))
    verdict = verify(path, "--key", key, "--signature", signed.envelope)
    assert refusal(verdict)[0] == list(outcomes(verdict))[-1] == check
    assert not children


def _resigned(release: Path, change: Any) -> list[str | Path]:
    """Signs a changed statement about a good release."""
    private, public = write_keys(release.parent / "key", KINDS["ed25519"]())
    statement = (release / PROVENANCE).read_bytes()
    statement = replace_subjects(statement, digest_release(release).subjects())
    envelope = release.with_name("changed.dsse.json")
    envelope.write_bytes(signing.sign(change(statement), private))
    return ["--no-probe", "--key", public, "--signature", envelope]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"slsa.dev/provenance/v1", b"slsa.dev/provenance/v9", "predicateType"),
        (b"bazel-release:v1", b"bazel-release:v0", "buildType"),
        (b'"runDetails"', b'"result": "FAILED",\n    "runDetails"', "FAILED|result"),
        (b"in-toto.io/Statement/v1", b"in-toto.io/Statement/v0.1", "_type"),
        (b'"name": "CorridorKey.pt"', b'"name": "Other.pt"', "CorridorKey.pt"),
        (b'"name": "CorridorKey.json"', b'"name": "CorridorKey.pt"', "two subjects"),
        (b"{\n", b"{\n\n", "canonical form"),
    ],
)
def test_signed_statement_that_the_policy_refuses(
    old: bytes, new: bytes, message: str, release: Path
) -> None:
    def change(statement: bytes) -> bytes:
        assert old in statement
        return statement.replace(old, new, 1)

    assert verify(release, *_resigned(release, lambda statement: statement))["word"] == "VERIFIED"
    name, detail = refusal(verify(release, *_resigned(release, change)))
    assert name == "statement"
    assert re.search(message, detail), detail


def test_kit_of_a_studio_is_vouched_for_by_its_signature_only(release: Path) -> None:
    (release / "nuke/menu.py").write_text("# the studio's own\n")
    mend(release)
    assert refusal(verify(release, "--no-probe"))[0] == "nuke/"
    signed = Signed(release)
    (warning,) = signed.warnings
    assert warning.startswith("Warning: nuke/: nuke/menu.py differs from the kit")
    verdict = verify(release, *signed.arguments())
    assert verdict["word"] == "VERIFIED"
    assert not verdict["parts_exact"]
    assert outcomes(verdict)["nuke/"] == "not checked"
    assert "nuke/ differs" in verdict["verdict"]


def test_table_has_at_least_three_of_each_kind() -> None:
    kinds = [harm.kind for harm in HARMS]
    assert min(kinds.count(kind) for kind in kinds) >= 3


def test_release_whose_folder_is_renamed_is_refused(release: Path) -> None:
    other = release.rename(release.with_name("CorridorKey-9.9"))
    name, detail = refusal(verify(other, "--no-probe"))
    assert name == MANIFEST
    assert detail == f"a release of these files and version is named {NAME}"


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_signed_release_under_another_name_is_refused(
    form: str, release: Path, witness: Path
) -> None:
    """A studio's release for one show must not pass for that of another."""
    del witness
    signed = Signed(release)
    path = release if form == "folder" else write_tar(release)
    assert verify(path, *signed.arguments())["word"] == "VERIFIED"
    other = path.with_name(f"CorridorKey-2.0{path.suffix if form == 'tar' else ''}")
    if form == "folder":
        other.symlink_to(path)
    else:
        path.rename(other)
    for arguments in (["--no-probe"], signed.arguments()):
        name, detail = refusal(verify(other, *arguments))
        assert name == "container"
        assert f"it is named {other.name} and holds {NAME}; rename it" in detail


def test_bill_of_another_platform_is_vouched_for_by_its_signature_only(release: Path) -> None:
    bill = json.loads((release / SBOM).read_text())
    torch = next(item for item in bill["components"] if item["name"] == "torch")
    torch["name"] = "torch-for-mac"
    (release / SBOM).write_text(json.dumps(bill))
    mend(release)
    name, detail = refusal(verify(release, "--no-probe"))
    assert name == SBOM
    assert "it lists 'torch-for-mac' as the exporter does not" in detail
    signed = Signed(release)
    (warning,) = signed.warnings
    assert warning.startswith(f"Warning: {SBOM}: it lists 'torch-for-mac' as the exporter does not")
    verdict = verify(release, *signed.arguments())
    assert verdict["word"] == "VERIFIED"
    assert outcomes(verdict)[SBOM] == "not checked"
    assert "sbom.cdx.json differs" in verdict["verdict"]
