"""Runs the benchmark at its smallest, and tests the figures that it reports."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from testing.benchmark.benchmark import main
from testing.benchmark.processes import Figures, SkippedError, in_new_process


def test_figures_of_both_in_json_and_a_picture(tmp_path: Path) -> None:
    json_file, plot_file = tmp_path / "figures.json", tmp_path / "figures.png"
    arguments = ["--device=cpu", "--resolution=256", "--rounds=1", "--frames=1", "--threads=1"]
    files = [f"--json={json_file}", f"--plot={plot_file}"]
    result = CliRunner().invoke(main, [*arguments, "--export", *files])
    assert result.exit_code == 0, result.output

    facts = json.loads(json_file.read_text())
    assert facts["skipped"] == ["torch.compile on cpu: measured on CUDA only"]
    rows = {(row["what"], row["quantity"]): row for row in facts["rows"]}
    for what in ("load", "frame 1", "encoder", "decoders", "refiner", "resize and blend", "export"):
        row = rows[what, "seconds"]
        assert row["ratio"] == row["plain"][0] / row["ours"][0] > 0
    for what in ("weights", "activations", "export"):
        assert rows[what, "peak_bytes"]["ours"][0] > 1e6
    # The model need not be right on a busy machine, but it must not be off by orders of magnitude.
    for what in ("encoder", "refiner"):
        for name in ("plain", "ours"):
            measured = rows[what, "seconds"][name][0]
            assert measured / 20 < rows[what, "predicted_seconds"][name][0] < 5 * measured
    assert plot_file.read_bytes().startswith(b"\x89PNG")


def test_what_does_not_fit_the_time_is_skipped_and_listed(tmp_path: Path) -> None:
    json_file = tmp_path / "figures.json"
    arguments = ["--device=cpu", "--resolution=256", "--minutes=0.001", "--no-parts"]
    result = CliRunner().invoke(main, [*arguments, f"--json={json_file}"])
    assert result.exit_code == 0, result.output
    facts = json.loads(json_file.read_text())
    assert facts["rows"] == []
    assert "256 cpu float32: frames of ours: no time left" in facts["skipped"]


def raises() -> Figures:
    raise RuntimeError("CUDA out of memory.\nMore lines")


def sleeps() -> Figures:
    time.sleep(600)
    return {}


def dies() -> Figures:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "timeout", "reason"),
    [
        (raises, 60, "RuntimeError: CUDA out of memory."),
        (sleeps, 1, "took more than the 1 s that were left"),
        (dies, 60, "the process died with exit status 3"),
    ],
)
def test_a_measurement_that_fails_is_skipped(
    function: Callable[[], Figures], timeout: int, reason: str
) -> None:
    with pytest.raises(SkippedError, match=f"^{reason}$"):
        in_new_process(timeout, function)
