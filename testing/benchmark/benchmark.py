"""Measures CorridorKey.pt against a plain export of the same network and weights.

    python3 -m testing.benchmark --device cuda --resolution 2048

Runs from a checkout with any Python that has torch, timm, safetensors, numpy, click and rich. Each
measurement has a process of its own, and the contenders take turns, so that other work on the
machine disturbs both alike. The ratio is what counts.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import click
import torch
from rich.console import Console

from export.common import command_line
from export.common.atomic import replacing
from export.common.json_text import to_json
from testing.benchmark import contenders, measurements, prediction, report
from testing.benchmark.devices import this_cpu
from testing.benchmark.measurements import Setting
from testing.benchmark.processes import Figures, SkippedError, in_new_process
from testing.weights.untrained_weights import write_untrained_checkpoint

_FILE = click.Path(dir_okay=False, path_type=Path)
_COMPILED_FRAMES = 2
"""Frames of the compiled network; the first one compiles."""


@click.command()
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "mps"]),
    help="Device to measure.  [default: cuda if there is one, else cpu]",
)
@click.option(
    "--resolution",
    "resolutions",
    type=click.IntRange(32),
    multiple=True,
    help="Side of the network's image, a multiple of 32; may be repeated. At 2048 a frame takes "
    "minutes on a CPU.  [default: 512 on a CPU, 2048 on a GPU]",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--frames",
    type=click.IntRange(1),
    help="Frames per process.  [default: 3 on a CPU, 10 on a GPU]",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=os.cpu_count(),
    show_default="all",
    help="Threads of the CPU.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=7.5,
    show_default=True,
    help="Time limit. What does not fit is skipped, and listed.",
)
@click.option("--parts/--no-parts", default=True, show_default=True, help="Measure each part.")
@click.option("--export/--no-export", default=False, show_default=True, help="Measure exports.")
@click.option("--json", "json_file", type=_FILE, help="JSON file to write, with all figures.")
@click.option(
    "--plot", "plot_file", type=_FILE, help="Picture to write, .png or .svg; needs matplotlib."
)
def main(
    device: str | None,
    resolutions: tuple[int, ...],
    rounds: int,
    frames: int | None,
    threads: int,
    minutes: float,
    parts: bool,
    export: bool,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Measures CorridorKey.pt against a plain export on a CPU or a GPU."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    on_cpu = device == "cpu"
    run = _Run(time.monotonic() + 60 * minutes)
    with tempfile.TemporaryDirectory() as folder:
        for resolution in resolutions or ((512,) if on_cpu else (2048,)):
            settings = [
                Setting(resolution, device, dtype, threads)
                for dtype in (("float32",) if on_cpu else ("float32", "float16"))
            ]
            try:
                run.measure(
                    settings, Path(folder), rounds, frames or (3 if on_cpu else 10), parts, export
                )
            except KeyboardInterrupt:
                run.skipped.append("the rest: interrupted")
                break
    rows = run.rows()
    console = Console()
    console.print(report.table(rows))
    for skipped in run.skipped:
        console.print(f"Skipped {skipped}", markup=False)
    if json_file:
        facts = {
            "machine": _machine(device),
            "torch": torch.__version__,
            "skipped": run.skipped,
            "rows": rows,
        }
        with replacing(json_file) as partial:
            partial.write_text(to_json(facts))
    if plot_file:
        try:
            with replacing(plot_file) as partial:
                report.plot(rows, partial)
        except ImportError as error:
            console.print(f"Skipped {plot_file}: {error}", markup=False)


class _Run:
    """Runs measurements until a deadline.

    Attributes:
        skipped: What was not measured, and why.
    """

    def __init__(self, deadline: float) -> None:
        self.skipped: list[str] = []
        self._deadline = deadline
        self._findings: dict[Setting, report.Findings] = {}

    def rows(self) -> list[report.Row]:
        """Returns the rows of all settings."""
        return [row for setting, of in self._findings.items() for row in of.rows(setting)]

    def measure(
        self,
        settings: list[Setting],
        folder: Path,
        rounds: int,
        frames: int,
        parts: bool,
        export: bool,
    ) -> None:
        """Measures every contender in every setting, which all have one resolution."""
        resolution = settings[0].resolution
        checkpoint = folder / f"untrained_{resolution}.safetensors"
        write_untrained_checkpoint(resolution, checkpoint)
        # On a CPU the fast file computes as ours does.
        on_cpu = settings[0].device == "cpu"
        names = [name for name in contenders.NAMES if not (on_cpu and name == "fast")]
        files = {name: folder / f"{name}_{resolution}.pt" for name in names}
        for name, file in files.items():
            args = (settings[0], name, checkpoint, file)
            self._try(settings[0], name, measurements.write_file, *args)
        for number in range(rounds):
            for setting in settings:
                for name, file in files.items():
                    self._try(setting, name, measurements.frames, setting, file, frames)
                    if setting.device == "cpu":
                        # glibc then returns large tensors to the system at once.
                        with mock.patch.dict(os.environ, MALLOC_MMAP_THRESHOLD_="131072"):
                            self._try(setting, name, measurements.memory, setting, file)
                    if parts:
                        self._try(setting, name, measurements.parts, setting, name, checkpoint)
                    if export and setting.device == "cpu":
                        self._try(setting, name, measurements.export, setting, name, checkpoint)
                if number == 0:
                    self._bound(setting, checkpoint)
        if parts and on_cpu:
            for name in names:
                self._add(settings[0], name, _predicted(settings[0], name))

    def _bound(self, setting: Setting, checkpoint: Path) -> None:
        """Measures the compiled network, which needs a GPU to be worth its time."""
        if setting.device != "cuda":
            self.skipped.append(f"torch.compile on {setting.device}: measured on CUDA only")
            return
        args = (setting, checkpoint, _COMPILED_FRAMES)
        self._try(setting, "compiled", measurements.compiled, *args)

    def _try(
        self, setting: Setting, name: str, function: Callable[..., Figures], *args: Any
    ) -> None:
        where = f"{setting.resolution} {setting.device} {setting.dtype}"
        print(f"{where}: {function.__name__} of {name}", flush=True)
        try:
            figures = in_new_process(self._deadline - time.monotonic(), function, *args)
        except SkippedError as reason:
            self.skipped.append(f"{where}: {function.__name__} of {name}: {reason}")
        else:
            self._add(setting, name, figures)

    def _add(self, setting: Setting, name: str, figures: Figures) -> None:
        self._findings.setdefault(setting, report.Findings()).add(name, figures)


def _predicted(setting: Setting, name: str) -> Figures:
    """Predicts the parts on this CPU, to hold the cost model against what was measured."""
    cpu = this_cpu(setting.threads)
    of_parts = prediction.costs(name, setting.resolution, torch.float32, cpu=True)
    return {part: {"predicted_seconds": cost.seconds(cpu)} for part, cost in of_parts.items()}


def _machine(device: str) -> str:
    """Returns the names of the processors and of the system."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    names = [f"{os.cpu_count()} × {models[0] if models else platform.processor()}"]
    if device == "cuda":
        names.append(f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")
    return ", ".join([*names, platform.platform()])


if __name__ == "__main__":
    command_line.run(main)
