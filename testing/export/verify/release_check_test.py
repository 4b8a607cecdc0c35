"""The command line of verify on releases: a small one harmed in every way, and a real one.

The real one is at 256, of stand-in weights; BUILD.bazel names it in the environment.
"""

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from export.common import sha256sums
from export.common.digests import digest
from export.common.sha256sums import SHA256SUMS
from export.release import make_release, sign
from export.release.canonical_tar import write_canonical
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.statement import PROVENANCE
from export.verify.verify import main
from testing.export.release.keys import write_keys
from testing.export.verify.small_artifact import write_small_artifact

SCHEMA = json.loads(Path("export/verify/verdict.schema.json").read_text())
NAME = "CorridorKey-1.0-untrained"
LOADED = ["archive", "canonical form", "code", "loads", "manifest", "manifest beside", "knobs"]
LOADED += ["operators", "devices", "probe plate"]


def run(command: Any, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def verify(*arguments: str | Path) -> dict[str, Any]:
    """Runs the command line; gives what it printed as JSON."""
    result = run(main, *arguments, "--json")
    verdict = json.loads(result.stdout)
    Draft202012Validator(SCHEMA).validate(verdict)
    assert result.exit_code == (0 if verdict["verified"] else 1)
    return verdict


def refusal(verdict: dict[str, Any]) -> tuple[str, str]:
    """Name and detail of the one check that failed, after which nothing was loaded."""
    (check,) = (check for check in verdict["checks"] if check["outcome"] == "refused")
    assert "loads" not in {check["name"] for check in verdict["checks"]}
    return check["name"], check["detail"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole release of 50 kB. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("small")
    write_small_artifact(folder / "CorridorKey.pt")
    metadata = folder / "torch-1.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: torch\nVersion: 1.0\nLicense: BSD\n")
    wheels = [{"metadata": str(metadata), "requires": []}]
    (folder / "wheels.json").write_text(json.dumps({"wheels": wheels, "imported": ["torch"]}))
    (folder / "lock.txt").write_text(f"torch==1.0 \\\n    --hash=sha256:{'a' * 64}\n")
    (folder / "pins.json").write_text("{}")
    (folder / "MODULE.bazel").write_text(
        'module(\n    name = "corridorkey_nuke",\n    version = "1.0",\n)\n'
    )
    (folder / "kit").mkdir()
    (folder / "kit/CorridorKey.nk").write_text("Inference {}\n")
    result = run(
        make_release.main,
        f"--artifact={folder / 'CorridorKey.pt'}",
        f"--artifact={folder / 'CorridorKey.json'}",
        f"--nuke-kit={folder / 'kit'}",
        "--version=1.0",
        "--untrained",
        "--target=//:release",
        "--builder-id=urn:test",
        f"--pins={folder / 'pins.json'}",
        f"--wheels={folder / 'wheels.json'}",
        f"--lock={folder / 'lock.txt'}",
        f"--module={folder / 'MODULE.bazel'}",
        f"--output={folder / NAME}",
    )
    assert result.exit_code == 0, result.output
    return folder / NAME


@pytest.fixture
def release(small: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm."""
    return Path(shutil.copytree(small, tmp_path / NAME))


def write_tar(release: Path) -> Path:
    path = release.with_name(f"{release.name}.tar")
    with path.open("wb") as tar:
        write_canonical(release, tar)
    return path


def papers_of(release: Path) -> None:
    """Mends the list of a release that was harmed, as whoever harmed it could."""
    digests = {
        str(path.relative_to(release)): digest(path)["sha256"]
        for path in release.rglob("*")
        if path.is_file() and path.name != SHA256SUMS
    }
    (release / SHA256SUMS).write_text(sha256sums.to_text(digests))


def test_release_and_tar_are_verified_with_the_key_of_who_signed(
    release: Path, tmp_path: Path
) -> None:
    private, public = write_keys(tmp_path / "key", Ed25519PrivateKey.generate())
    _, another = write_keys(tmp_path / "another", Ed25519PrivateKey.generate())
    for path in (release, write_tar(release)):
        assert run(sign.main, path, "--key", private).exit_code == 0
        verdict = verify(path, "--key", public, "--no-probe")
        assert verdict["verified"]
        assert verdict["verdict"].endswith(
            "; probe plate not checked; UNTRAINED weights, which key nothing"
        )
        passed = [c["name"] for c in verdict["checks"] if c["outcome"] == "passed"]
        papers = ["signature", SHA256SUMS, MANIFEST, PROVENANCE, SBOM]
        assert passed == ["tar"] * path.is_file() + papers + LOADED[:-1]
        assert (verdict["sha256"] is None) == path.is_dir()

        verdict = verify(path, "--key", another, "--no-probe")
        (refused,) = (c for c in verdict["checks"] if c["outcome"] == "refused")
        assert refused["name"] == "signature"
        assert "not made with the private key that" in refused["detail"]

    found = verify(release, "--no-probe")["checks"][0]
    assert found["outcome"] == "not checked"
    assert found["detail"].endswith(f"{NAME}.dsse.json is there")


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_flipped_byte_is_found_and_its_file_named(data: st.DataObject, release: Path) -> None:
    names = sorted(str(p.relative_to(release)) for p in release.rglob("*") if p.is_file())
    path = release / data.draw(st.sampled_from(names))
    good = path.read_bytes()
    position = data.draw(st.integers(0, len(good) - 1))
    harmed = bytearray(good)
    harmed[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(harmed)
    try:
        name, detail = refusal(verify(release))
    finally:
        path.write_bytes(good)
    assert name == SHA256SUMS
    if path.name != SHA256SUMS:
        assert f"{path.relative_to(release)} is changed" in detail


def describe_otherwise(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_text())
    manifest["artifacts"][0]["resolution"] = 512
    (release / MANIFEST).write_text(json.dumps(manifest))


def leave_out_of_manifest(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_text())
    manifest["files"] = [f for f in manifest["files"] if not f["path"].startswith("nuke/")]
    (release / MANIFEST).write_text(json.dumps(manifest))


def leave_out_artifact(release: Path) -> None:
    for name in ("CorridorKey.pt", "CorridorKey.json"):
        (release / name).rename(release / f"Other{name[11:]}")


@pytest.mark.parametrize(
    ("harm", "paper", "message"),
    [
        (lambda r: (r / "evil.so").write_text(""), SHA256SUMS, f"evil.so is not in {SHA256SUMS}"),
        (lambda r: (r / "nuke/more.nk").write_text(""), SHA256SUMS, "nuke/more.nk is not in"),
        (lambda r: (r / "CorridorKey.json").unlink(), SHA256SUMS, "CorridorKey.json is missing"),
        (lambda r: (r / SHA256SUMS).unlink(), SHA256SUMS, f"has no {SHA256SUMS}"),
        (lambda r: (r / "link").symlink_to("/etc/passwd"), SHA256SUMS, "link is a link"),
        (lambda r: os.mkfifo(r / "pipe"), SHA256SUMS, "pipe is a link or a device"),
        (describe_otherwise, MANIFEST, "CorridorKey.pt as its own manifest does"),
        (leave_out_of_manifest, MANIFEST, "does not describe nuke/CorridorKey.nk as it is"),
        (leave_out_artifact, MANIFEST, "does not describe CorridorKey.json as it is"),
        (lambda r: (r / MANIFEST).unlink(), MANIFEST, "No such file"),
        (lambda r: (r / MANIFEST).write_text("{}"), MANIFEST, "is a required property"),
        (lambda r: (r / MANIFEST).write_text("{"), MANIFEST, "Expecting property name"),
        (lambda r: (r / MANIFEST).write_text("[" * 100_000), MANIFEST, "recursion"),
        (lambda r: (r / "CorridorKey.pt").write_text(""), MANIFEST, "describe CorridorKey.pt"),
        (lambda r: (r / PROVENANCE).unlink(), PROVENANCE, "No such file"),
        (lambda r: (r / PROVENANCE).write_text("{}"), PROVENANCE, "the statement is not"),
    ],
)
def test_harmed_release_is_refused_though_its_list_is_mended(
    harm: Callable[[Path], object], paper: str, message: str, release: Path
) -> None:
    harm(release)
    if paper != SHA256SUMS:
        papers_of(release)
    name, detail = refusal(verify(release))
    assert name == paper
    assert message in detail


def test_statement_of_another_release_is_refused(release: Path, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path / "key", Ed25519PrivateKey.generate())
    assert run(sign.main, release, "--key", private).exit_code == 0
    text = (release / PROVENANCE).read_text()
    (release / PROVENANCE).write_text(text.replace("urn:test", "urn:else"))
    papers_of(release)
    verdict = verify(release, "--key", public, "--no-probe")
    found = {c["name"]: c["detail"] for c in verdict["checks"] if c["outcome"] == "refused"}
    assert found == {
        "signature": f"the statement states another SHA-256 for {NAME}.tar; "
        "states another SHA-256 for SHA256SUMS; states another SHA-256 for provenance.json"
    }


def test_bill_of_materials_is_held_to_its_schema(release: Path) -> None:
    """Whoever mends every digest is left with what the papers have to be."""
    old = {paper: digest(release / paper) for paper in (SBOM, MANIFEST)}
    bill = json.loads((release / SBOM).read_text())
    del bill["specVersion"]
    (release / SBOM).write_text(json.dumps(bill))
    for paper, by in ((SBOM, MANIFEST), (SBOM, PROVENANCE), (MANIFEST, PROVENANCE)):
        new = digest(release / paper)
        text = (release / by).read_text()
        for key in ("sha256", "bytes"):
            text = text.replace(
                f'"{key}": {json.dumps(old[paper][key])}', f'"{key}": {json.dumps(new[key])}'
            )
        (release / by).write_text(text)
    papers_of(release)
    name, detail = refusal(verify(release))
    assert name == SBOM
    assert "no CycloneDX 1.6" in detail


def test_hostile_tar_is_refused_and_nothing_unpacked(release: Path) -> None:
    (release / "link").symlink_to("/etc/passwd")
    path = release.with_name(f"{release.name}.tar")
    with tarfile.open(path, "w") as tar:
        tar.add(release, release.name)
    verdict = verify(path)
    assert refusal(verdict) == ("tar", f"{NAME}/link is a link or a device, not a plain file")
    assert verdict["model_ids"] == {}


def test_real_release_is_verified_to_the_last_knob() -> None:
    verdict = verify(Path(os.environ["RELEASE_TAR"]))
    outcomes = {(c["subject"], c["name"]): c["outcome"] for c in verdict["checks"]}
    for artifact in ("float16_artifact_test.pt", "nuke14_artifact_test.pt"):
        assert {outcomes[artifact, name] for name in LOADED} == {"passed"}
    assert [name for name, outcome in outcomes.items() if outcome != "passed"] == [
        (Path(os.environ["RELEASE_TAR"]).name, "signature")
    ]
    assert set(verdict["model_ids"].values()) == {
        "CorridorKey_untrained_256_float16",
        "CorridorKey_untrained_256_nuke14",
    }
