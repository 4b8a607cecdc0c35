"""The exporter on the command line."""

import json
import shutil
import signal
import types
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.operators import operators
from export.common.digests import digest, sha256
from export.tracing import validation
from testing.export.export_command import export, failure, start
from testing.weights.untrained_weights import write_untrained_checkpoint
from wrapper.knobs import KNOBS
from wrapper.model_ids import UNTRAINED_MODEL_ID

STEPS = ["Load the checkpoint", "Trace the network", "Save the file", "Check its operators"]
MODEL_ID = f"{UNTRAINED_MODEL_ID}_256"
GOLDEN_DIGEST = Path(__file__).with_name("untrained_256.sha256").absolute()


@pytest.fixture(scope="module")
def exported(checkpoint_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Returns a folder with all files of one run, and what the run printed."""
    folder = tmp_path_factory.mktemp("exported")
    options: list[str | Path] = [
        "--report",
        folder / "report.json",
        "--manifest",
        folder / "manifest.json",
    ]
    process = start(checkpoint_file, folder / "CorridorKey.pt", *options)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return folder, printed


def test_writes_what_it_was_asked_for_and_nothing_else(exported: tuple[Path, str]) -> None:
    folder, _ = exported
    files = {path.name for path in folder.iterdir()}
    assert files == {"CorridorKey.pt", "manifest.json", "report.json"}


def test_file_keys_a_plate_and_has_the_knobs(exported: tuple[Path, str]) -> None:
    folder, _ = exported
    module = torch.jit.load(folder / "CorridorKey.pt")
    assert {knob.name: getattr(module, knob.name) for knob in KNOBS} == {
        knob.name: knob.default for knob in KNOBS
    }
    assert module.model_id == MODEL_ID
    assert not module.training
    assert module(torch.rand(1, 4, 40, 60)).shape == (1, 4, 40, 60)


def test_manifest_says_what_went_in_and_came_out(
    exported: tuple[Path, str], checkpoint_file: Path
) -> None:
    folder, _ = exported
    manifest = json.loads((folder / "manifest.json").read_text())
    path = folder / "CorridorKey.pt"
    assert manifest.pop("torchscript") == digest(path)
    assert [knob.pop("name") for knob in manifest["knobs"]] == [knob.name for knob in KNOBS]
    assert manifest.pop("operators") == operators(path)
    assert manifest.pop("knobs")[1] == {
        "kind": "Enumeration_Knob",
        "default": 0,
        "minimum": 0,
        "maximum": 1,
        "labels": ["sRGB", "Linear"],
    }
    assert [manifest.pop(name) for name in ("torch", "timm")] == [
        torch.__version__.partition("+")[0],
        timm.__version__,
    ]
    assert manifest == {
        "model_id": MODEL_ID,
        "resolution": 256,
        "precision": "float32",
        "runtime": "nuke17",
        "checkpoint": digest(checkpoint_file),
    }


def test_manifest_travels_in_the_file(exported: tuple[Path, str]) -> None:
    folder, _ = exported
    extra_files = {NAME_IN_ARCHIVE: ""}
    torch.jit.load(folder / "CorridorKey.pt", _extra_files=extra_files)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["torchscript"], manifest["operators"]
    assert json.loads(extra_files[NAME_IN_ARCHIVE]) == manifest


def test_report_adds_what_it_took(exported: tuple[Path, str], checkpoint_file: Path) -> None:
    folder, _ = exported
    report = json.loads((folder / "report.json").read_text())
    assert json.loads((folder / "manifest.json").read_text()).items() <= report.items()
    assert report["checkpoint_file"] == str(checkpoint_file)
    assert (report["tensors"], report["source_resolution"]) == (367, 256)
    assert [step["name"] for step in report["steps"]][:4] == STEPS
    assert all(step["seconds"] > 0 and step["peak_bytes"] > 100e6 for step in report["steps"])
    assert report["validation"]["difference"] <= validation.TOLERANCE
    assert set(report["validation"]["moved_by"]) == {knob.name for knob in KNOBS}


def test_prints_what_it_loaded_each_step_and_the_digest(
    exported: tuple[Path, str], checkpoint_file: Path
) -> None:
    folder, printed = exported
    report = json.loads((folder / "report.json").read_text())
    loading, loaded, *steps, wrote = printed.splitlines()
    assert loaded == (
        f"Loaded {checkpoint_file}: {UNTRAINED_MODEL_ID}, 367 tensors, "
        f"{report['parameters']:,} parameters, position embedding unchanged"
    )
    for line, step in zip([loading, *steps], report["steps"], strict=True):
        assert line.startswith(f"{step['name']}: {step['seconds']:.1f} s, peak memory ")
    assert wrote.endswith(report["torchscript"]["sha256"])


@pytest.fixture(scope="module")
def other_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns weights for another resolution: their position embedding is computed, not copied."""
    path = tmp_path_factory.mktemp("other") / "untrained.safetensors"
    write_untrained_checkpoint(288, path)
    return path


@pytest.mark.parametrize(
    ("output", "settings"),
    [
        (
            "a.pt",
            {
                "ATEN_CPU_CAPABILITY": "default",
                "LC_ALL": "C",
                "MKL_CBWR": "COMPATIBLE",
                "MKL_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "PYTHONHASHSEED": "0",
                "TZ": "Asia/Kathmandu",
            },
        ),
        (
            "some/where else/other näme.pt",
            {
                "ATEN_CPU_CAPABILITY": "avx2",  # Every CPU since 2015; others fall back.
                "LC_ALL": "C.UTF-8",
                "MKL_CBWR": "AUTO",
                "MKL_NUM_THREADS": "3",
                "OMP_NUM_THREADS": "3",
                "PYTHONHASHSEED": "12345",
                "TZ": "America/St_Johns",
            },
        ),
    ],
    ids=["plain", "fancy"],
)
def test_bytes_are_the_reviewed_ones_in_any_environment(
    output: str, settings: dict[str, str], other_checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / output
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under `bazel run` a path starts where the user is.
    settings = settings | {"BUILD_WORKING_DIRECTORY": str(path.parent)}
    process = start(other_checkpoint, Path(path.name), "--no-validate", **settings)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert "position embedding resized from 288\n" in printed
    assert list(path.parent.iterdir()) == [path]
    assert sha256(path) == GOLDEN_DIGEST.read_text().strip(), (
        "The exporter writes other bytes than the reviewed ones. If you meant that, and both of "
        f"these tests show the same new digest, write it to testing/export/{GOLDEN_DIGEST.name}"
    )


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_the_old_file_and_nothing_beside_it(
    signal_number: signal.Signals, checkpoint_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "CorridorKey.pt"
    output.write_text("old")
    process = start(checkpoint_file, output, "--no-validate", PYTHONUNBUFFERED="1")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Trace the network"):  # and now it saves
            process.send_signal(signal_number)
    assert process.wait() == 1
    assert output.read_text() == "old"
    assert list(tmp_path.iterdir()) == [output]


def test_killed_it_leaves_the_old_file(checkpoint_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "CorridorKey.pt"
    output.write_text("old")
    process = start(checkpoint_file, output, "--no-validate", PYTHONUNBUFFERED="1")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Trace the network"):
            process.kill()
    assert process.wait() == -signal.SIGKILL
    assert output.read_text() == "old"


def test_incomplete_checkpoint(checkpoint_file: Path, tmp_path: Path) -> None:
    tensors = safetensors.torch.load_file(checkpoint_file)
    del tensors["refiner.final.bias"]
    incomplete = tmp_path / "incomplete.safetensors"
    safetensors.torch.save_file(tensors, incomplete)
    folder = tmp_path / "output"
    folder.mkdir()
    message = failure(export(incomplete, folder / "CorridorKey.pt"), folder)
    assert str(incomplete) in message
    assert "refiner.final.bias" in message


def test_weights_of_a_training_run_are_adapted_and_have_an_id_of_their_own(
    checkpoint_file: Path, tmp_path: Path
) -> None:
    tensors = safetensors.torch.load_file(checkpoint_file)
    own = {
        f"module.{key}": tensor.half()
        for key, tensor in tensors.items()
        if not key.endswith("num_batches_tracked")
    }
    path, output = tmp_path / "own.safetensors", tmp_path / "CorridorKey.pt"
    safetensors.torch.save_file(own, path)
    result = export(path, output, "--no-validate", "--manifest", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert (
        f"\nAdapted {path}: removed module. from 365 keys; set num_batches_tracked of "
        "alpha_decoder.bn, fg_decoder.bn to 0; converted 365 tensors from float16 to float32\n"
    ) in result.stdout
    digits = sha256(path)[:8]
    manifest = json.loads((tmp_path / "a.json").read_text())
    assert manifest["model_id"] == f"CorridorKey_custom_{digits}_256"

    options = ("--no-validate", "--model-id=Show_42", "--manifest", tmp_path / "a.json")
    assert export(path, output, *options).exit_code == 0
    assert json.loads((tmp_path / "a.json").read_text())["model_id"] == "Show_42_256"
    assert torch.jit.load(output).model_id == "Show_42_256"


@pytest.mark.parametrize("own", [True, False])
def test_model_id_of_other_weights(own: bool, checkpoint_file: Path, tmp_path: Path) -> None:
    path, folder = checkpoint_file, tmp_path / "output"
    folder.mkdir()
    if own:
        path = tmp_path / "own.safetensors"
        safetensors.torch.save_file(safetensors.torch.load_file(checkpoint_file), path)
    result = export(path, folder / "CorridorKey.pt", "--model-id=CorridorKey_v1.0_Nuke")
    assert failure(result, folder).startswith(
        "CorridorKey_v1.0_Nuke looks like the Model Id of other weights"
        if own
        else f"the weights are those of {UNTRAINED_MODEL_ID} and keep that Model Id"
    )


def test_missing_checkpoint(tmp_path: Path) -> None:
    message = failure(export(tmp_path / "none.safetensors", tmp_path / "CorridorKey.pt"), tmp_path)
    assert "none.safetensors" in message


def test_file_that_fails_validation(
    checkpoint_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "TOLERANCE", -1.0)
    output = tmp_path / "CorridorKey.pt"
    message = failure(export(checkpoint_file, output), tmp_path)
    assert message.startswith(f"{output} is not written, because the output is 0 off")


def test_full_disk(checkpoint_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=500e6))
    message = failure(export(checkpoint_file, tmp_path / "CorridorKey.pt"), tmp_path)
    assert message.startswith("too little disk for CorridorKey.pt: 0.5 GB are free, 0.6 GB are")


@pytest.mark.parametrize("option", ["--output", "--report", "--manifest"])
def test_folder_that_is_not_there_is_found_before_the_work(
    option: str, checkpoint_file: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing" / "file"
    result = export(checkpoint_file, tmp_path / "CorridorKey.pt", option, missing)
    assert failure(result, tmp_path) == f"cannot write {missing}: No such file or directory\n"
    assert not result.stdout


@pytest.mark.parametrize("resolution", ["0", "224", "300", "2080", "large"])
def test_resolution_out_of_range(resolution: str, checkpoint_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "CorridorKey.pt"
    result = export(checkpoint_file, output, "--resolution", resolution)
    assert result.exit_code == 2
    assert "Invalid value for '--resolution'" in result.stderr
    assert not output.exists()
