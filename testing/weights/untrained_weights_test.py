import hashlib
from pathlib import Path

import pytest
import safetensors
import torch
from click.testing import CliRunner

from export.common.digests import sha256
from testing.golden import golden_data
from testing.weights import untrained_weights


@pytest.mark.parametrize(
    ("resolution", "digest"), golden_data.weights_sha256().items(), ids=lambda value: str(value)[:8]
)
def test_weights_are_the_documented_function_of_their_keys(resolution: int, digest: str) -> None:
    weights = hashlib.sha256()
    for key, tensor in sorted(untrained_weights.untrained_state_dict(resolution).items()):
        weights.update(key.encode())
        weights.update(tensor.numpy().tobytes())
    assert weights.hexdigest() == digest


def test_command_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    digests = set()
    for name in ("first.safetensors", "second.safetensors"):
        output = tmp_path / name
        arguments = ["--resolution", "64", "--output", str(output)]
        assert CliRunner().invoke(untrained_weights.main, arguments).exit_code == 0
        digests.add(sha256(output))
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "first.safetensors",
        "second.safetensors",
    ]


def test_file_says_that_it_is_untrained(tmp_path: Path) -> None:
    output = tmp_path / "untrained.safetensors"
    untrained_weights.write_untrained_checkpoint(64, output)
    with safetensors.safe_open(output, framework="pt") as archive:
        assert archive.metadata() == {"model_id": "CorridorKey_untrained"}
        assert archive.get_tensor("encoder.model.pos_embed").dtype == torch.float32


def test_interrupted_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(safetensors.torch, "save_file", fail)
    output = tmp_path / "untrained.safetensors"
    with pytest.raises(OSError, match="disk full"):
        untrained_weights.write_untrained_checkpoint(32, output)
    assert not output.exists()
