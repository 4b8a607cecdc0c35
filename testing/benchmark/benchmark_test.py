"""The benchmark at its smallest: that it measures both contenders, and says what it found."""

import json
from pathlib import Path

from click.testing import CliRunner

from testing.benchmark.benchmark import main


def test_figures_of_both_in_json_and_a_picture(tmp_path: Path) -> None:
    json_file, plot_file = tmp_path / "figures.json", tmp_path / "figures.png"
    arguments = ["--resolution=256", "--rounds=1", "--frames=1", "--threads=1", "--export"]
    result = CliRunner().invoke(main, [*arguments, f"--json={json_file}", f"--plot={plot_file}"])
    assert result.exit_code == 0, result.output

    rows = json.loads(json_file.read_text())["rows"]
    on_cpu = {(row["what"], row["quantity"]): row for row in rows if row["device"] == "cpu"}
    for what in ("load", "frame 1", "encoder", "decoders", "refiner", "resize and blend", "export"):
        row = on_cpu[what, "seconds"]
        assert row["ratio"] == row["plain"][0] / row["ours"][0] > 0
    for what in ("weights", "activations", "export"):
        assert on_cpu[what, "peak_bytes"]["ours"][0] > 1e6
    assert plot_file.read_bytes().startswith(b"\x89PNG")
