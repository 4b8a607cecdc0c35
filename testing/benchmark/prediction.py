"""Predicts the time of a frame on devices that are not at hand, from exact counts.

python3 -m testing.benchmark.prediction --resolution 2048
"""

import dataclasses
from unittest import mock

import click
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.common import command_line
from testing.benchmark import contenders
from testing.benchmark.cost import CostCounter, count
from testing.benchmark.devices import GPUS, Device
from testing.benchmark.parts import parts
from wrapper.network import bands


@dataclasses.dataclass(frozen=True)
class Cost:
    """Counts of one part of a contender.

    Attributes:
        kernels: Number of kernels.
        bytes: Bytes moved.
        flops: Floating-point operations.
        peak_bytes: Most memory of results at a time.
        counter: The kernels themselves.
    """

    kernels: int
    bytes: int
    flops: int
    peak_bytes: int
    counter: CostCounter

    def seconds(self, device: Device) -> float:
        """Predicts the time on a device."""
        return sum(map(device.seconds, self.counter.kernels))


def costs(name: str, resolution: int, dtype: torch.dtype, cpu: bool = False) -> dict[str, Cost]:
    """Counts each part of a contender for one 1920×1080 frame.

    Args:
        name: One of `contenders.NAMES`.
        resolution: Side S of the network's image, in pixels.
        dtype: Type of the network and of the frame.
        cpu: True to count with a CPU's bands. The meta device has a GPU's.
    """
    values = bands.CPU_VALUES if cpu else bands.GPU_VALUES
    plate = torch.empty(1, 4, 1080, 1920, dtype=dtype, device="meta")
    found = {}
    with torch.no_grad(), mock.patch.object(bands, "GPU_VALUES", values):
        for part, work in parts(contenders.on_meta(name, resolution).to(dtype), plate).items():
            counter = count(work)
            found[part] = Cost(
                kernels=len(counter.kernels),
                bytes=sum(kernel.bytes for kernel in counter.kernels),
                flops=sum(kernel.flops for kernel in counter.kernels),
                peak_bytes=counter.peak_bytes,
                counter=counter,
            )
    return found


@click.command()
@click.option(
    "--resolution",
    "resolutions",
    type=click.IntRange(32),
    multiple=True,
    default=[1024, 2048],
    show_default=True,
    help="Side of the network's image, a multiple of 32; may be repeated.",
)
def main(resolutions: tuple[int, ...]) -> None:
    """Prints kernels, bytes, FLOPs and predicted times of each contender, part by part."""
    table = Table("", "", "kernels", "GB", "TFLOP", "peak GB", *(f"{g.name}, ms" for g in GPUS))
    for resolution in track(resolutions, transient=True):
        for dtype in (torch.float32, torch.float16):
            for name in contenders.NAMES:
                of_parts = costs(name, resolution, dtype)
                title = f"{resolution} {str(dtype).removeprefix('torch.')} {name}"
                for part, cost in of_parts.items():
                    times = [cost.seconds(device) for device in GPUS]
                    table.add_row(title, part, *_cells([cost], times))
                sums = [sum(cost.seconds(g) for cost in of_parts.values()) for g in GPUS]
                cells = _cells(list(of_parts.values()), sums)
                table.add_row(title, "frame", *cells, end_section=True)
    Console(width=160).print(table)


def _cells(of_parts: list[Cost], seconds: list[float]) -> list[str]:
    return [
        f"{sum(cost.kernels for cost in of_parts):,}",
        f"{sum(cost.bytes for cost in of_parts) / 1e9:.1f}",
        f"{sum(cost.flops for cost in of_parts) / 1e12:.2f}",
        f"{max(cost.peak_bytes for cost in of_parts) / 1e9:.2f}",
        *(f"{1000 * time:.0f}" for time in seconds),
    ]


if __name__ == "__main__":
    command_line.run(main)
