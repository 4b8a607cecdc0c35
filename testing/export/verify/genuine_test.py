"""verify on genuine files: the real exporter's main variant, and a release with two others.

All are of stand-in weights at 256; BUILD.bazel names them in the environment.
"""

import os
import shutil
import subprocess
from pathlib import Path

from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.release.signature import sign
from testing.export.release.keys import write_keys
from testing.export.verify.command import outcomes, refusal, verify

ARTIFACT = Path(os.environ["ARTIFACT"])
VERIFY = Path(os.environ["VERIFY"]).absolute()
RELEASE_TAR = Path(os.environ["RELEASE_TAR"])


def test_main_variant_is_consistent_and_measured() -> None:
    verdict = verify(ARTIFACT)
    assert verdict["word"] == "CONSISTENT"
    assert set(verdict["model_ids"].values()) == {"CorridorKey_untrained_256"}
    found = outcomes(verdict)
    assert found.pop("signature") == "not checked"
    assert found.pop("probe plate") == "measured"
    assert set(found.values()) == {"passed"}
    (plate,) = [check for check in verdict["checks"] if check["name"] == "probe plate"]
    assert "knobs move it: " in plate["detail"]


def test_one_bit_of_a_weight_is_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(ARTIFACT, tmp_path / "CorridorKey.pt"))
    path.chmod(0o644)
    with path.open("r+b") as file:
        middle = path.stat().st_size // 2
        file.seek(middle)
        (byte,) = file.read(1)
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
    assert "wrong CRC-32" in refusal(verify(path, "--no-probe"))[1]


def test_release_of_float16_and_nuke14_is_verified(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path / "key", Ed25519PrivateKey.generate())
    envelope = tmp_path / "release.dsse.json"
    arguments = [str(RELEASE_TAR), f"--key={private}", f"--output={envelope}"]
    result = CliRunner().invoke(sign.main, arguments)
    assert result.exit_code == 0, result.output
    verdict = verify(RELEASE_TAR, "--no-probe", "--key", public, "--signature", envelope)
    assert verdict["word"] == "VERIFIED"
    assert set(verdict["model_ids"].values()) == {
        "CorridorKey_untrained_256_float16",
        "CorridorKey_untrained_256_nuke14",
    }
    assert set(outcomes(verdict).values()) == {"passed", "not checked"}
    assert [c["name"] for c in verdict["checks"] if c["outcome"] == "not checked"] == [
        "probe plate",
        "probe plate",
    ]


def test_modules_where_one_stands_are_not_imported(tmp_path: Path, witness: Path) -> None:
    """An empty part of PYTHONPATH is the folder that one stands in."""
    for name in ("json", "click", "hashlib", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(witness)!r}, 'a').write('ran')")
    result = subprocess.run(
        [VERIFY, "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ":", "BUILD_WORKING_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Verifies PATH" in result.stdout
