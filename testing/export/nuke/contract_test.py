"""Checks the kit's assumptions about a CorridorKey.pt against the exporter and a real file."""

import subprocess
import sys
from pathlib import Path

import torch

from export.artifact import archive
from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.describe import describe_inputs
from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Variant
from export.common.json_text import to_json
from export.nuke.cat_files import LIBTORCHES
from export.nuke.model import OLDEST_NUKE
from testing.weights.untrained_weights import write_untrained_checkpoint
from wrapper.checkpoint.checkpoint import load_checkpoint


def test_oldest_nuke_of_each_runtime() -> None:
    assert {name: runtime.nuke.split()[0] for name, runtime in RUNTIMES.items()} == {
        name: "{}.{}".format(*version) for name, version in OLDEST_NUKE.items()
    }


def test_libtorches_of_each_runtime() -> None:
    for name, runtime in RUNTIMES.items():
        mine = [libtorch for libtorch in LIBTORCHES if libtorch.runtime == name]
        assert (mine[0].version, mine[-1].version) == runtime.libtorch
        versions = "{}.{} to {}.{}".format(*mine[0].oldest, *mine[-1].newest)
        assert versions == runtime.nuke


def test_create_cat_reads_the_manifest_of_a_real_file(tmp_path: Path, kit_folder: Path) -> None:
    weights = tmp_path / "untrained.safetensors"
    write_untrained_checkpoint(256, weights)
    checkpoint = load_checkpoint(weights, 256)
    content = describe_inputs(checkpoint, Variant(256), Variant(256).model_id(checkpoint.model_id))
    pt = tmp_path / "CorridorKey.pt"
    archive.save(torch.jit.script(torch.nn.Identity()), pt, {NAME_IN_ARCHIVE: to_json(content)})
    result = subprocess.run(
        [
            sys.executable,
            "-B",
            str(kit_folder / "create_cat.py"),
            f"--pt={pt}",
            f"--cat={tmp_path}/CorridorKey.cat",
            "--dry-run",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "CorridorKey_untrained_256" in result.stdout
