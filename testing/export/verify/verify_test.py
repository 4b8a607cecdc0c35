"""The command line of verify on a .pt: its words, its exit statuses, its order of work."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from torch import Tensor

from export.common.digests import Digest, digest
from export.release.signature import signing
from export.verify import artifact_check
from export.verify import verify as verify_module
from export.verify.verdict import SIGNATURE, Passed, Verdict
from export.verify.verify import main
from export.verify.weights import pins as weights
from testing.export.release.keys import write_keys
from testing.export.release.statements import small_statement
from testing.export.verify.command import outcomes, refusal, verify
from testing.export.verify.small_artifact import CHECKPOINT, MODEL_ID, SmallExporter, rewrite
from testing.hostile.archives import MANIFEST
from wrapper.knobs import KNOBS
from wrapper.model_ids import BLUE_MODEL_ID, PUBLISHED
from wrapper.model_ids import MODEL_ID as GREEN_MODEL_ID

CHECKS = ["file", "signature", "claims", "every byte", "weights", "manifest beside", "probe plate"]
CHECKS += ["unchanged"]


class Signed:
    """A statement about one file, signed with a key, and another key."""

    def __init__(
        self,
        folder: Path,
        name: str,
        sha256: str,
        model_id: str = MODEL_ID,
        weights: str = CHECKPOINT["sha256"],
    ) -> None:
        private, self.key = write_keys(folder / "key", Ed25519PrivateKey.generate())
        _, self.another_key = write_keys(folder / "another", Ed25519PrivateKey.generate())
        statement = small_statement({name: sha256}, model_id, weights)
        self.envelope = folder / "release.dsse.json"
        self.envelope.write_bytes(signing.sign(statement, private))


@pytest.fixture
def signed(path: Path, tmp_path: Path) -> Signed:
    """A signature of the good file."""
    return Signed(tmp_path, path.name, digest(path)["sha256"])


def test_without_a_key_the_good_file_is_consistent(exporter: SmallExporter, path: Path) -> None:
    exporter.write(path)
    verdict = verify(path)
    found = outcomes(verdict)
    assert list(found) == CHECKS
    assert found.pop("signature") == "not checked"
    assert found.pop("probe plate") == "measured"
    assert set(found.values()) == {"passed"}
    assert verdict["sha256"] == digest(path)["sha256"]
    assert verdict["model_ids"] == {"CorridorKey.pt": MODEL_ID}
    assert verdict["verdict"] == (
        f"CONSISTENT: CorridorKey.pt (SHA-256 {verdict['sha256']}): exactly what this version of "
        "the exporter makes; without --key its origin is unknown; UNTRAINED weights, which key "
        "nothing"
    )
    plate = verdict["checks"][-2]["detail"]
    assert all(f"{knob.name} by " in plate for knob in KNOBS)
    assert "in a child with limits of memory and file size" in plate


def test_with_the_key_of_its_signer_it_is_verified(path: Path, signed: Signed) -> None:
    verdict = verify(path, "--no-probe", "--key", signed.key, "--signature", signed.envelope)
    assert verdict["word"] == "VERIFIED"
    assert outcomes(verdict)["signature"] == outcomes(verdict)["statement"] == "passed"


def test_key_is_named_by_its_digest(path: Path, signed: Signed) -> None:
    verdict = verify(path, "--no-probe", "--key", signed.key, "--signature", signed.envelope)
    assert digest(signed.key)["sha256"] in verdict["checks"][1]["detail"]


def test_with_a_key_there_is_no_consistent(path: Path, signed: Signed) -> None:
    attempts: list[list[str | Path]] = [
        ["--key", signed.another_key, "--signature", signed.envelope],
        ["--key", signed.key],  # there is no CorridorKey.pt.dsse.json
        ["--key", signed.key, "--signature", signed.key],
    ]
    for arguments in attempts:
        verdict = verify(path, *arguments)
        assert refusal(verdict)[0] == "signature"


def test_signature_beside_the_file_is_found(path: Path, signed: Signed) -> None:
    signed.envelope.rename(path.with_name("CorridorKey.pt.dsse.json"))
    assert verify(path, "--no-probe", "--key", signed.key)["word"] == "VERIFIED"
    without = verify(path, "--no-probe")
    assert without["word"] == "CONSISTENT"
    assert "CorridorKey.pt.dsse.json is there, so pass the --key" in without["checks"][1]["detail"]


def test_statement_with_another_digest(path: Path, tmp_path: Path) -> None:
    signed = Signed(tmp_path, path.name, "0" * 64)
    verdict = verify(path, "--key", signed.key, "--signature", signed.envelope)
    assert refusal(verdict) == (
        "statement",
        "the statement states another SHA-256 for CorridorKey.pt",
    )


def test_signed_empty_statement_is_refused(path: Path, signed: Signed, tmp_path: Path) -> None:
    signed.envelope.write_bytes(signing.sign(b"", tmp_path / "key/private.pem"))
    verdict = verify(path, "--key", signed.key, "--signature", signed.envelope)
    assert refusal(verdict)[0] == "statement"


def test_statement_about_another_name(path: Path, signed: Signed) -> None:
    other = path.rename(path.with_name("CorridorKeyBlue.pt"))
    verdict = verify(other, "--key", signed.key, "--signature", signed.envelope)
    assert refusal(verdict)[0] == "statement"
    assert "none of them is named CorridorKeyBlue.pt" in refusal(verdict)[1]


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ("key", "signature"),
        ("no signature", "signature"),
        ("no JSON", "signature"),
        ("digest", "statement"),
        ("name", "statement"),
        ("predicate", "statement"),
    ],
)
def test_refusal_ends_the_work(
    wrong: str,
    check: str,
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    children: list[list[str]],
) -> None:
    """Nothing of a file is read but its digest, once its signature is refused."""
    name = "Other.pt" if wrong == "name" else path.name
    sha256 = "0" * 64 if wrong == "digest" else digest(path)["sha256"]
    signed = Signed(tmp_path, name, sha256)
    key = signed.another_key if wrong == "key" else signed.key
    if wrong == "no signature":
        signed.envelope.unlink()
        os.mkfifo(signed.envelope)
    if wrong == "no JSON":
        signed.envelope.write_bytes(b"\x1b[2J")
    if wrong == "predicate":
        statement = small_statement({name: sha256}).replace(b"provenance/v1", b"provenance/v2")
        signed.envelope.write_bytes(signing.sign(statement, tmp_path / "key/private.pem"))
    monkeypatch.setattr(artifact_check, "read_claims", lambda _: pytest.fail("it was read"))
    verdict = verify(path, "--key", key, "--signature", signed.envelope)
    assert refusal(verdict)[0] == list(outcomes(verdict))[-1] == check
    assert not children


class TestWeights:
    """Tests which weights each Model Id accepts."""

    def test_published_id_needs_a_published_checkpoint(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        exporter.write(path, GREEN_MODEL_ID)
        name, detail = refusal(verify(path))
        assert name == "weights"
        assert "was never published" in detail

    @pytest.mark.parametrize("weights_id", [GREEN_MODEL_ID, BLUE_MODEL_ID])
    def test_published_id_without_a_pin_is_said_to_be_vouched_for_by_a_signature_only(
        self, weights_id: str, exporter: SmallExporter, path: Path, tmp_path: Path
    ) -> None:
        sha256 = min(PUBLISHED[weights_id])
        zeros = {key: 0 * tensor for key, tensor in exporter.weights.items()}
        exporter.write(path, weights_id, {"sha256": sha256, "bytes": 398_849_256}, zeros)
        note = f"the values of the weights of {weights_id}_256 are vouched for by a signature only"
        verdict = verify(path, "--no-probe")
        assert verdict["word"] == "CONSISTENT"
        assert verdict["verdict"].endswith(note)
        assert "nothing vouches for its weights, and without --key" in verdict["verdict"]
        assert outcomes(verdict)["weights"] == "not checked"

        signed = Signed(tmp_path, path.name, digest(path)["sha256"], f"{weights_id}_256", sha256)
        verdict = verify(path, "--no-probe", "--key", signed.key, "--signature", signed.envelope)
        assert verdict["word"] == "VERIFIED"
        assert verdict["verdict"].endswith(note)
        assert not verdict["weights_pinned"]
        assert "and its code is exactly what this version of the" in verdict["verdict"]

    def test_published_id_with_a_pin_is_held_to_it(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        sha256 = min(PUBLISHED[GREEN_MODEL_ID])
        published = exporter.other_weights()
        checkpoint: Digest = {"sha256": sha256, "bytes": 398_849_256}
        self._pin(exporter, 256, published)
        exporter.write(path, GREEN_MODEL_ID, checkpoint, published)
        assert outcomes(verify(path, "--no-probe"))["weights"] == "passed"

        changed = {key: tensor.clone() for key, tensor in published.items()}
        next(tensor for key, tensor in changed.items() if key.endswith("bias"))[0] += 1e-6
        exporter.write(path, GREEN_MODEL_ID, checkpoint, changed)
        assert "the numbers are not those of the checkpoint" in refusal(verify(path))[1]

    @pytest.mark.parametrize("sha256", PUBLISHED[GREEN_MODEL_ID])
    def test_published_id_that_is_pinned_at_another_resolution_only_is_refused(
        self, sha256: str, exporter: SmallExporter, path: Path
    ) -> None:
        size = PUBLISHED[GREEN_MODEL_ID][sha256] or 1
        self._pin(exporter, 512, exporter.other_weights())
        exporter.write(
            path, GREEN_MODEL_ID, {"sha256": sha256, "bytes": size}, exporter.other_weights()
        )
        assert f"no {GREEN_MODEL_ID} weights from the checkpoint" in refusal(verify(path))[1]

    def _pin(self, exporter: SmallExporter, resolution: int, numbers: dict[str, Tensor]) -> None:
        """Pins numbers as the published green weights."""
        digest_of_numbers = exporter.pin(numbers).weights_sha256
        sha256 = min(PUBLISHED[GREEN_MODEL_ID])
        fields = (sha256, 398_849_256, GREEN_MODEL_ID, resolution, "float32", digest_of_numbers)
        with weights.PINS_FILE.open("a") as file:
            file.write("\t".join(map(str, fields)) + "\n")

    @pytest.mark.parametrize("weights_id", [GREEN_MODEL_ID, BLUE_MODEL_ID, "Studio_show_42"])
    def test_known_stand_in_numbers_have_no_other_id(
        self, weights_id: str, exporter: SmallExporter, path: Path
    ) -> None:
        sha256 = min(PUBLISHED.get(weights_id, {"1" * 64: 1}))
        exporter.write(path, weights_id, {"sha256": sha256, "bytes": 398_849_256})
        assert refusal(verify(path)) == (
            "weights",
            f"the numbers are those of CorridorKey_untrained, not of {weights_id}",
        )

    @pytest.mark.parametrize("size", [1, 398_849_255, 2 << 30])
    @pytest.mark.parametrize("weights_id", [GREEN_MODEL_ID, BLUE_MODEL_ID])
    def test_published_checkpoint_has_its_published_size(
        self, weights_id: str, size: int, exporter: SmallExporter, path: Path
    ) -> None:
        checkpoint: Digest = {"sha256": min(PUBLISHED[weights_id]), "bytes": size}
        exporter.write(path, weights_id, checkpoint, exporter.other_weights())
        name, detail = refusal(verify(path))
        assert name == "weights"
        assert f"states {size:,} bytes for the checkpoint" in detail
        assert "the published file has 398,849,256" in detail

    def test_checkpoint_has_a_size(self, exporter: SmallExporter, path: Path) -> None:
        checkpoint: Digest = {"sha256": "1" * 64, "bytes": 0}
        exporter.write(path, "Studio_show_42", checkpoint, exporter.other_weights())
        assert refusal(verify(path))[0] == "claims"

    def test_stand_in_without_a_pin_is_refused(self, exporter: SmallExporter, path: Path) -> None:
        checkpoint: Digest = {"sha256": "1" * 64, "bytes": 1}
        exporter.write(path, "CorridorKey_demo", checkpoint, exporter.other_weights())
        assert "no CorridorKey_demo weights from the checkpoint" in refusal(verify(path))[1]

    def test_custom_weights_are_vouched_for_by_a_signature_only(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        checkpoint: Digest = {"sha256": "1" * 64, "bytes": 1}
        exporter.write(path, "Studio_show_42", checkpoint, exporter.other_weights())
        verdict = verify(path, "--no-probe")
        assert verdict["word"] == "CONSISTENT"
        assert verdict["verdict"].endswith(
            "the values of the weights of Studio_show_42_256 are vouched for by a signature only"
        )

    @pytest.mark.parametrize(
        "weights_id",
        [
            "CorridorKey_v1.0_Nuke_512",
            "CorridorKey_V1.0_nuke",
            "CorridorKey_v2.0_Nuke",
            "CorridorKeyBlue_1.0_Nuke2",
            "CorridorKey-v1.0_Nuke",
            "Corridor.Key_v1.0_Nuke",
            "CorridorKeyGreen_1.0_Nuke",
            "corridorkey_demo",
            "CorridorKey_custom_22222222",
            "CorridorKey_Custom_11111111",
            "CorridorKey_1.0_Nuke",
            "CorridorKey",
            "C0rridorKey_v1.0_Nuke",
            "CorridorKey_Nuke_v1.0",
            "CorridorKey_2.0_Nuke",
            "Nuke_C0rr1d0r_K3y",
            "custom_74d614f7",
            "x" * 65,
        ],
    )
    def test_custom_weights_cannot_look_published(
        self, weights_id: str, exporter: SmallExporter, path: Path
    ) -> None:
        exporter.write(path, weights_id, {"sha256": "1" * 64, "bytes": 1})
        assert "nor a name that the exporter accepts" in refusal(verify(path))[1]

    def test_custom_id_is_the_digest_of_the_named_checkpoint(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        checkpoint: Digest = {"sha256": "1" * 64, "bytes": 1}
        exporter.write(path, "CorridorKey_custom_11111111", checkpoint, exporter.other_weights())
        assert outcomes(verify(path, "--no-probe"))["weights"] == "not checked"

    def test_published_checkpoint_keeps_its_id(self, exporter: SmallExporter, path: Path) -> None:
        sha256 = min(PUBLISHED[BLUE_MODEL_ID])
        exporter.write(path, "Studio_show_42", {"sha256": sha256, "bytes": 398_849_256})
        assert f"names a published checkpoint of {BLUE_MODEL_ID}" in refusal(verify(path))[1]

    def test_custom_id_for_pinned_weights_is_refused(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        exporter.write(path, "Studio_show_42", weights=exporter.other_weights())
        assert "the manifest names a checkpoint of" in refusal(verify(path))[1]

    def test_a_checkpoint_that_is_pinned_for_another_resolution_keeps_its_id(
        self, exporter: SmallExporter, path: Path
    ) -> None:
        fields = ("1" * 64, 1, "CorridorKey_demo", 512, "float32", "0" * 64)
        with weights.PINS_FILE.open("a") as file:
            file.write("\t".join(map(str, fields)) + "\n")
        checkpoint: Digest = {"sha256": "1" * 64, "bytes": 1}
        exporter.write(path, "CorridorKey_custom_11111111", checkpoint, exporter.other_weights())
        detail = refusal(verify(path))[1]
        assert "the manifest names a checkpoint of CorridorKey_demo, 1 bytes, as" in detail

    def test_table_of_pins_is_sound(self) -> None:
        pins = weights.read_pins(Path(weights.__file__).with_name("weights_pins.tsv"))
        keys = {(pin.checkpoint_sha256, pin.resolution, pin.precision) for pin in pins}
        assert len(keys) == len(pins)
        for pin in pins:
            assert len(pin.weights_sha256) == len(pin.checkpoint_sha256) == 64
            assert pin.resolution in range(256, 2049, 32)


def test_manifest_of_another_file_is_refused(exporter: SmallExporter, path: Path) -> None:
    beside = exporter.write(path)
    assert outcomes(verify(path, "--no-probe"))["manifest beside"] == "passed"
    facts = json.loads(beside.read_text())
    beside.write_text(json.dumps(facts | {"torch": "2.7.0"}))
    assert refusal(verify(path))[0] == "manifest beside"


@pytest.mark.parametrize("kind", ["pipe", "device", "link", "loop", "folder", "large"])
def test_manifest_beside_that_is_no_small_file(kind: str, path: Path) -> None:
    beside = path.with_suffix(".json")
    if kind == "pipe":
        os.mkfifo(beside)
    elif kind == "device":
        beside.symlink_to("/dev/zero")
    elif kind == "link":  # Whoever stands elsewhere reads another file.
        beside.symlink_to("/proc/self/cwd/nowhere.json")
    elif kind == "loop":
        beside.symlink_to(beside)
    elif kind == "folder":
        beside.mkdir()
    else:
        with beside.open("wb") as file:
            file.truncate(90 << 20)
    name, detail = refusal(verify(path))
    assert name == "manifest beside"
    assert re.search("expected a (regular )?file|at most 1,048,576 are allowed", detail), detail


def test_linked_file_has_a_linked_manifest_that_leads_somewhere(
    exporter: SmallExporter, path: Path, tmp_path: Path
) -> None:
    beside = exporter.write(path)
    (link := tmp_path / "link/CorridorKey.pt").parent.mkdir()
    link.symlink_to(path)
    link.with_suffix(".json").symlink_to(beside)
    assert outcomes(verify(link, "--no-probe"))["manifest beside"] == "passed"
    beside.unlink()
    assert "leads nowhere" in refusal(verify(link, "--no-probe"))[1]


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "CorridorKey.pt")
    name, detail = refusal(verify(tmp_path / "CorridorKey.pt"))
    assert (name, detail.endswith("expected a regular file")) == ("file", True)


def test_file_of_another_version_is_told_how_to_verify_it(
    exporter: SmallExporter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    with monkeypatch.context() as patch:
        patch.setattr(timm, "__version__", "0.9.0")
        exporter.write(path).unlink()
    name, detail = refusal(verify(path))
    assert name == "every byte"
    assert detail.startswith("the field timm of its manifest is not what this version ")
    assert "check out the version that made it" in detail


def test_table_and_verdict_for_a_person(path: Path) -> None:
    result = CliRunner().invoke(main, [str(path), "--no-probe"])
    assert result.exit_code == 3
    *table, about, line = result.stdout.splitlines()
    assert about.startswith("Checked: CorridorKey.pt (SHA-256 ")
    assert line == (
        "CONSISTENT: exactly what this version of the exporter makes; without --key its origin is "
        "unknown"
    )
    assert any("weights" in row and "passed" in row for row in table)
    assert not any("…" in row for row in table)  # No digest is cut.
    assert "CorridorKey.pt: every byte …" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nowhere.pt"],
        ["--nonsense", "."],
        [__file__],
        ["--key", "nowhere.pem", "."],
        ["--signature", __file__, "."],
        ["--help", "--key", __file__],  # The name of a file that a pipeline found.
        ["--no-probe", "--help"],
        ["--", "--help"],
        ["--signature", "--", "--key", __file__, "--help"],
        ["--key", __file__, f"--key={__file__}", "."],
        ["A" + " " * 60 + "VERIFIED: signed by the given key.pt"],
    ],
)
def test_what_cannot_be_looked_at_exits_with_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "No verdict: the reason stands above"


@pytest.mark.parametrize("word", ["--key=.k.pem", "--key=folder/k.pem", "--no-probe", "--help"])
def test_option_that_is_the_name_of_a_file_is_refused(
    word: str, path: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of `verify *` may hold a file that is named like an option."""
    monkeypatch.chdir(path.parent)
    Path("folder").mkdir()
    shutil.copy(signed.key, ".k.pem")
    shutil.copy(signed.key, "folder/k.pem")
    Path(word.split("/")[0]).touch()
    for arguments in ([word], [word, path.name]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2
        assert f"{word} is also the name of a file" in result.stderr
        assert result.stderr.endswith("No verdict: the reason stands above\n")


@pytest.mark.parametrize("name", [".k.pt", ".k.tar", ".pt", ".tar", "k.PT"])
@pytest.mark.parametrize("option", ["--key", "--signature"])
def test_key_that_is_named_like_an_artifact_is_refused(
    option: str, name: str, path: Path, signed: Signed
) -> None:
    """`verify *.pt` may bring --key=.k.pt, of which nothing is left when verify looks."""
    files = {"--key": signed.key, "--signature": signed.envelope}
    files[option] = files[option].rename(path.with_name(name))
    arguments = [f"{word}={file}" for word, file in files.items()]
    result = CliRunner().invoke(main, [*arguments, str(path)])
    assert result.exit_code == 2
    assert f"{option} is {name}; expected a file whose name does not end in" in result.stderr


@pytest.mark.parametrize("relative", [None, ".", "folder"])
def test_working_directory_is_not_the_folder_for_temporary_files(
    relative: str | None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes it where no other folder can be written to."""
    monkeypatch.chdir(path.parent)
    Path("folder").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path.parent / (relative or "")))
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    if relative:
        monkeypatch.setenv("TMPDIR", relative)
    result = CliRunner().invoke(main, [str(path), "--no-probe"])
    assert result.exit_code == 2
    assert "name a folder in TMPDIR" in result.stderr


def test_full_disk_exits_with_2(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 2
    assert "Error: [Errno 2]" in result.output


def test_folder_that_one_stands_in_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    verdict = verify(".")
    assert verdict["subject"] == tmp_path.name
    assert verdict["word"] == "REFUSED"


def test_interrupted_run_is_no_verdict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(artifact_check, "read_claims", interrupt)
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: stopped before there was a verdict\nNo verdict: the reason stands above\n"
    )


def test_defect_of_verify_is_no_verdict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("\x1b[2J")

    monkeypatch.setattr(artifact_check, "read_claims", fail)
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 2
    assert "Error: verify failed: ZeroDivisionError: \\x1b[2J" in result.output


@pytest.mark.parametrize("kind", ["payloadType", "payload", "signatures"])
def test_deep_envelope_is_refused(kind: str, path: Path, signed: Signed) -> None:
    good = json.loads(signed.envelope.read_text())
    deep = json.dumps(good | {kind: "DEEP"}).replace('"DEEP"', "[" * 900 + "]" * 900)
    signed.envelope.write_text(deep)
    verdict = verify(path, "--key", signed.key, "--signature", signed.envelope)
    assert refusal(verdict) == (
        "signature",
        "the signature file nests more than 32 deep; that is the limit",
    )


def test_last_line_admits_a_kit_of_the_studios_own() -> None:
    verdict = Verdict("CorridorKey-1.0.tar")
    verdict.model_ids["CorridorKey.pt"] = MODEL_ID
    verdict.run("CorridorKey-1.0.tar", SIGNATURE, lambda: Passed("", None))
    assert verdict.line().startswith("VERIFIED: ")
    assert "not so" not in verdict.line()
    verdict.signed_only("nuke/ differs from this checkout's kit")
    assert verdict.line().endswith("; not so the parts that only the signature vouches for")
    assert "nuke/ differs from this checkout's kit" in verdict.about()


@pytest.mark.parametrize("place", ["name", "manifest"])
def test_last_line_is_of_verify_alone(place: str, path: Path) -> None:
    """A quoted VERIFIED can be at no start of a line, however narrow the terminal."""
    fake = "VERIFIED: signed by the given key"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    if place == "manifest":
        path.write_bytes(content)
        rewrite(path, MANIFEST, b'"timm": "', b'"timm": "' + b" " * 500 + fake.encode())
    else:
        path = path.rename(path.with_name(" " * 200 + f"{fake}.pt"))
    result = CliRunner().invoke(main, [str(path), "--no-probe"])
    assert result.exit_code == 1
    *_, about, last = result.stdout.splitlines()
    assert last == "REFUSED: do not use it; the reason stands above"
    assert f" {fake}" in about
    assert "  " not in about


@pytest.mark.parametrize(
    ("model_id", "sha256", "message"),
    [
        ("CorridorKey_v1.0_Nuke_256", CHECKPOINT["sha256"], "says that it is CorridorKey_v1.0_"),
        (MODEL_ID, "7" * 64, "which the statement does not name"),
    ],
)
def test_signed_statement_that_lies_about_the_file(
    model_id: str, sha256: str, message: str, path: Path, tmp_path: Path, children: list[list[str]]
) -> None:
    signed = Signed(tmp_path, path.name, digest(path)["sha256"], model_id, sha256)
    verdict = verify(path, "--key", signed.key, "--signature", signed.envelope)
    name, detail = refusal(verdict)
    assert name == "stated claims"
    assert message in detail
    assert not children


def test_file_that_changes_before_the_verdict_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_beside(path: Path) -> None:
        path.write_bytes(path.read_bytes()[::-1])

    monkeypatch.setattr(verify_module, "_read_beside", read_beside)
    assert refusal(verify(path, "--no-probe")) == ("unchanged", "it changed while it was verified")


def test_manifest_that_changes_before_the_verdict_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter([None, b"{}"])
    monkeypatch.setattr(verify_module, "_read_beside", lambda _: next(contents))
    assert refusal(verify(path, "--no-probe")) == ("unchanged", "it changed while it was verified")


def test_file_that_becomes_a_link_before_the_verdict_is_refused(
    exporter: SmallExporter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link leads to the same bytes, for this reader."""
    exporter.write(path)
    (away := path.with_name("away")).mkdir()

    def check_last(*arguments: Any) -> Any:
        result = artifact_check.check_artifact(*arguments)
        for file in (path, path.with_suffix(".json")):
            file.rename(away / file.name)
            file.symlink_to(away / file.name)
        return result

    monkeypatch.setattr(verify_module, "check_artifact", check_last)
    assert refusal(verify(path, "--no-probe")) == ("unchanged", "it changed while it was verified")


def test_escapes_in_a_name_do_not_reach_the_terminal(path: Path) -> None:
    hostile = path.rename(path.with_name("\x1b[2J\x1b]0;VERIFIED\x07\u202e[red].pt"))
    result = CliRunner().invoke(main, [str(hostile), "--no-probe"])
    assert result.exit_code == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
    assert "\\x1b[2J" in result.output


def test_modules_beside_the_file_are_not_imported(path: Path, witness: Path) -> None:
    """A person stands in the folder of a download, with whatever else is in it."""
    write = f"open({str(witness)!r}, 'a').write('ran')\n"
    for name in ("click", "json", "torch", "numpy", "sitecustomize", "usercustomize", "export"):
        path.with_name(f"{name}.py").write_text(write)
    path.with_name("python.pth").write_text(f"import os; {write}")
    shadow = path.with_name("runpy.pyc")
    shadow.write_bytes(b"")
    shadow.chmod(stat.S_IRUSR)
    root = Path(artifact_check.__file__).parents[2]
    process = subprocess.run(
        # As a launcher of Bazel's runs it: by path, from the folder that the person stands in.
        [sys.executable, root / "export/verify/verify.py", path.name],
        cwd=path.parent,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "BUILD_WORKING_DIRECTORY": str(path.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # The real exporter makes something else than the small one.
    assert process.returncode == 1, process.stderr
    assert "every byte" in process.stdout


def test_pin_of_the_small_exporter_is_the_only_one(exporter: SmallExporter) -> None:
    assert [pin.checkpoint_sha256 for pin in weights.read_pins()] == [CHECKPOINT["sha256"]]
    assert exporter.pin() in weights.read_pins()
