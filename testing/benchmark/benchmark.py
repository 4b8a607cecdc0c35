"""The artefact against a plain export of the same network and weights, side by side in one run.

Each measurement has a process of its own, and the contenders take turns, so that a machine that is
shared disturbs both alike. What counts is the ratio.
"""

import os
import platform
import tempfile
from pathlib import Path
from unittest import mock

import click
import torch
from rich.console import Console
from rich.progress import Progress

from export.common import command_line
from export.common.atomic import replacing
from export.common.json_text import to_json
from testing.benchmark import contenders, measurements, report
from testing.benchmark.measurements import Setting, in_new_process
from testing.weights.untrained_weights import write_untrained_checkpoint

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--resolution",
    "resolutions",
    type=click.IntRange(256, 2048),
    multiple=True,
    default=[512, 1024],
    show_default=True,
    help="Side of the network's image; may be repeated. At 2048 a frame takes minutes on a CPU.",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--frames", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=os.cpu_count(),
    show_default="all",
    help="Of a CPU.",
)
@click.option("--parts/--no-parts", default=True, show_default=True, help="Each part alone, too.")
@click.option("--export/--no-export", default=False, show_default=True, help="The exports, too.")
@click.option("--json", "json_file", type=_FILE, help="JSON to write: all the figures.")
@click.option("--plot", "plot_file", type=_FILE, help="Picture to write, .png or .svg.")
def main(
    resolutions: tuple[int, ...],
    rounds: int,
    frames: int,
    threads: int,
    parts: bool,
    export: bool,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Measures CorridorKey.pt against a plain export, on the CPU and on a CUDA GPU if any."""
    rows: list[report.Row] = []
    devices = [("cpu", "float32")]
    if torch.cuda.is_available():
        devices += [("cuda", "float32"), ("cuda", "float16")]
    with tempfile.TemporaryDirectory() as folder, Progress(transient=True) as progress:
        for resolution in resolutions:
            checkpoint = Path(folder, f"untrained_{resolution}.safetensors")
            write_untrained_checkpoint(resolution, checkpoint)
            files = {name: Path(folder, f"{name}_{resolution}.pt") for name in contenders.NAMES}
            for name, file in files.items():
                contenders.export(name, checkpoint, resolution, file, computing=False)
            for device, dtype in devices:
                setting = Setting(resolution, device, dtype, threads)
                found = report.Findings()
                title = f"{resolution} {device} {dtype}"
                for _ in progress.track(range(rounds), description=title):
                    for name, file in files.items():
                        found.add(name, in_new_process(measurements.frames, setting, file, frames))
                        # Gives large tensors back at once.
                        with mock.patch.dict(os.environ, MALLOC_MMAP_THRESHOLD_="131072"):
                            found.add(name, in_new_process(measurements.memory, setting, file))
                        args = (setting, name, checkpoint)
                        if parts:
                            found.add(name, in_new_process(measurements.parts, *args))
                        if export and device == "cpu":
                            found.add(name, in_new_process(measurements.export, *args))
                rows += found.rows(setting)
    Console().print(report.table(rows))
    if json_file:
        facts = {"machine": _machine(), "torch": torch.__version__, "rows": rows}
        with replacing(json_file) as partial:
            partial.write_text(to_json(facts))
    if plot_file:
        with replacing(plot_file) as partial:
            report.plot(rows, partial)


def _machine() -> str:
    """The processors, as far as the system says."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    names = [f"{os.cpu_count()} × {models[0] if models else platform.processor()}"]
    if torch.cuda.is_available():
        names.append(torch.cuda.get_device_name())
    return ", ".join(names)


if __name__ == "__main__":
    command_line.run(main)
