"""The command line of verify on a .pt: what passes, what is refused and why, what it exits with."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jsonschema import Draft202012Validator

from export.artifact.canonical import FOLDER
from export.common.digests import digest
from export.release import signing
from export.verify.archive_check import MANIFEST
from export.verify.verify import main
from testing.export.release.keys import write_keys
from testing.export.release.statements import small_statement
from testing.export.verify.small_artifact import CODE, MODEL_ID, rewrite, write_small_artifact
from wrapper.knobs import KNOBS

DATA = f"{FOLDER}/data.pkl"
MEAN, NAN = (struct.pack("<f", value) for value in (0.485, float("nan")))
ONE, HALF = (b"G" + struct.pack(">d", value) for value in (1.0, 0.5))
"""Knob values, as a pickle has them."""

SCHEMA = json.loads(Path("export/verify/verdict.schema.json").read_text())
LOADED = ["code", "loads", "manifest", "manifest beside", "knobs", "operators", "devices"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify") / "CorridorKey.pt"
    write_small_artifact(path)
    return path


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm, without a manifest beside it."""
    return Path(shutil.copy(good, tmp_path))


def verify(*arguments: str | Path) -> tuple[Result, dict[str, Any]]:
    """Runs the command line; gives its result, and what it printed as JSON."""
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    verdict = json.loads(result.stdout)
    Draft202012Validator(SCHEMA).validate(verdict)
    assert result.exit_code == (0 if verdict["verified"] else 1)
    return result, verdict


def outcomes(verdict: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in verdict["checks"]}


def refusal(verdict: dict[str, Any]) -> tuple[str, str]:
    """Name and detail of the one check that failed."""
    (check,) = (check for check in verdict["checks"] if check["outcome"] == "refused")
    assert verdict["verdict"].startswith("REFUSED: ")
    assert verdict["verdict"].endswith(check["detail"])
    return check["name"], check["detail"]


def test_good_file_is_verified(good: Path) -> None:
    _, verdict = verify(good)
    found = outcomes(verdict)
    assert list(found) == ["signature", "archive", "canonical form", *LOADED, "probe plate"]
    assert found.pop("signature") == "not checked"
    assert set(found.values()) == {"passed"}
    assert verdict["sha256"] == digest(good)["sha256"]
    assert verdict["model_ids"] == {"CorridorKey.pt": MODEL_ID}
    assert verdict["verdict"] == (
        f"VERIFIED: CorridorKey.pt (SHA-256 {verdict['sha256']}); signature not checked; "
        "UNTRAINED weights, which key nothing"
    )
    plate = verdict["checks"][-1]["detail"]
    assert all(f"{knob.name} by " in plate for knob in KNOBS)


def test_table_and_verdict_for_a_person(path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "export.verify.verify", path.name, "--no-probe"],
        cwd=path.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    *table, line = process.stdout.splitlines()
    assert line.startswith("VERIFIED: CorridorKey.pt (SHA-256 ")
    assert "manifest beside not checked; probe plate not checked" in line
    assert any("canonical form" in row and "passed" in row for row in table)
    assert "CorridorKey.pt: devices …" in process.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nowhere.pt"],
        ["--nonsense", "."],
        [__file__],
        ["--key", "nowhere.pem", "."],
        ["--signature", __file__, "."],
    ],
)
def test_what_cannot_be_looked_at_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_full_disk_exits_with_2(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    result = CliRunner().invoke(main, [str(good)])
    assert result.exit_code == 2
    assert "Error: [Errno 2]" in result.output


@pytest.mark.parametrize(
    ("check", "detail", "rewriting"),
    [
        ("archive", f"{DATA} is not a pickle", (DATA, b"\x80\x02", b"\x80\x02R")),
        ("archive", f"{MANIFEST} is no manifest", (MANIFEST, b"{", b"[")),
        ("archive", f"{MANIFEST} has the resolution 9999", (MANIFEST, b": 256", b": 9999")),
        ("code", f"{CODE} calls torch.save", (CODE, b"torch.dim(x)", b"torch.save(x, WITNESS)")),
        ("loads", "", (CODE, b"torch.dim(x)", b"torch.dim(y)")),
        ("loads", "weights that are NaN", (f"{FOLDER}/data/0", MEAN, NAN)),
        ("manifest", "its model_id is", (MANIFEST, MODEL_ID.encode(), b"CorridorKey_v1.0_Nuke")),
        ("manifest", "its resolution is 256", (MANIFEST, b": 256", b": 288")),
        ("manifest", "its precision is float32", (MANIFEST, b"float32", b"float16")),
        ("manifest", "are not those of this version", (MANIFEST, b"10.0", b"11.0")),
        ("manifest", "_nuke13", (MANIFEST, b"nuke17", b"nuke13")),
        ("knobs", "refiner_strength is 0.5", (DATA, ONE, HALF)),
    ],
)
def test_harmed_file_is_refused(
    check: str, detail: str, rewriting: tuple[str, bytes, bytes], path: Path
) -> None:
    witness = path.with_name("witness")
    record, old, new = rewriting
    rewrite(path, record, old, new.replace(b"WITNESS", json.dumps(str(witness)).encode()))
    _, verdict = verify(path, "--no-probe")
    name, found = refusal(verdict)
    assert name == check
    assert detail in found
    assert not witness.exists()


def test_file_as_torch_saves_it_is_refused_unloaded(path: Path) -> None:
    torch.jit.load(path).save(path)
    _, verdict = verify(path)
    name, detail = refusal(verdict)
    assert name == "archive"
    assert "export it again" in detail
    assert not {*LOADED} & {*outcomes(verdict)}


def test_file_that_is_not_canonical_is_refused_unloaded(path: Path) -> None:
    with zipfile.ZipFile(path) as source:
        records = {name: source.read(name) for name in reversed(source.namelist())}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in records.items():
            target.writestr(name, content)
    _, verdict = verify(path)
    name, detail = refusal(verdict)
    assert name == "canonical form"
    assert detail.startswith("not canonical")
    assert not {*LOADED} & {*outcomes(verdict)}


@pytest.mark.parametrize(
    ("dtype", "problem"),
    [
        (b"ops.prim.dtype(mean)", "aten::promote_types with a constant type2"),
        (b"ops.prim.dtype(mean0)", "aten::to.dtype with a constant dtype"),
    ],
)
def test_baked_dtype_is_found(dtype: bytes, problem: str, path: Path) -> None:
    rewrite(path, CODE, dtype, b"6")
    _, verdict = verify(path, "--no-probe")
    name, detail = refusal(verdict)
    assert name == "operators"
    assert problem in detail


def test_dead_knob_is_named(path: Path) -> None:
    rewrite(path, CODE, b"gamma_input = self.gamma_input", b"gamma_input = 0")
    _, verdict = verify(path)
    assert refusal(verdict) == ("probe plate", "the output does not change with gamma_input")


def test_file_that_takes_too_much_memory_is_refused(path: Path) -> None:
    before, first = b"    alpha = torch.slice(torch.slice(", b"key1), 1, None, 1)"
    doubled = b"".join(b"    b%d = torch.cat([b%d, b%d], 1)\n" % (n + 1, n, n) for n in range(12))
    after = b"    b0 = key1\n" + doubled + before + first.replace(b"key1", b"b12")
    rewrite(path, CODE, before + first, after)
    _, verdict = verify(path)
    assert refusal(verdict) == ("probe plate", "it asks for more memory than it may have")


def test_manifest_of_another_file_is_refused(good: Path, path: Path) -> None:
    beside = path.with_suffix(".json")
    facts = json.loads(good.with_suffix(".json").read_text())
    beside.write_text(json.dumps(facts | {"torch": "2.7.0"}))
    _, verdict = verify(path, "--no-probe")
    assert refusal(verdict) == (
        "manifest beside",
        "CorridorKey.json has 2.7.0 as its torch, not 2.7.1",
    )


class Signed:
    """A statement about a file, signed with a key, and another key."""

    def __init__(self, folder: Path, sha256: str) -> None:
        private, self.key = write_keys(folder / "key", Ed25519PrivateKey.generate())
        _, self.another_key = write_keys(folder / "another", Ed25519PrivateKey.generate())
        provenance = small_statement({"CorridorKey.pt": sha256})
        self.envelope = folder / "release.dsse.json"
        self.envelope.write_bytes(signing.sign(provenance, private))


def test_signature_of_the_release_that_a_file_is_from(path: Path, tmp_path: Path) -> None:
    signed = Signed(tmp_path, digest(path)["sha256"])
    signature = ["--no-probe", "--signature", str(signed.envelope)]
    _, verdict = verify(path, "--key", signed.key, *signature)
    assert verdict["verified"]
    assert outcomes(verdict)["signature"] == "passed"

    _, verdict = verify(path, "--key", signed.another_key, *signature)
    assert refusal(verdict)[0] == "signature"
    assert "not made with the private key that" in refusal(verdict)[1]


def test_signature_of_something_else(path: Path, tmp_path: Path) -> None:
    signed = Signed(tmp_path, "0" * 64)
    shutil.copy(signed.envelope, tmp_path / "CorridorKey.pt.dsse.json")
    _, verdict = verify(path, "--key", signed.key, "--no-probe")
    assert refusal(verdict) == (
        "signature",
        "the signed release has no CorridorKey.pt with this SHA-256",
    )


def test_missing_signature(path: Path, tmp_path: Path) -> None:
    signed = Signed(tmp_path, "0" * 64)
    _, verdict = verify(path, "--key", signed.key, "--no-probe")
    assert refusal(verdict)[1].startswith("there is no ")
