"""Devices that the cost model predicts for, with the rates that bound a kernel on each."""

import dataclasses
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from testing.benchmark.cost import Kernel


@dataclasses.dataclass(frozen=True)
class Device:
    """The rates of a device, as its maker publishes them.

    Attributes:
        name: Name in the tables.
        bandwidth: Bytes per second to and from memory.
        cache_bytes: Size of the last-level cache, in bytes.
        cache_bandwidth: Bytes per second to and from that cache.
        launch: Seconds of the host per kernel.
        flops: FLOP per second by kind of arithmetic and dtype.
        cpu: True if the device runs bands of the CPU's size.
    """

    name: str
    bandwidth: float
    cache_bytes: float
    cache_bandwidth: float
    launch: float
    flops: dict[tuple[str, torch.dtype], float]
    cpu: bool = False

    def seconds(self, kernel: Kernel) -> float:
        """Predicts one kernel: the largest of its launch, its bytes and its FLOPs.

        A kernel whose operands fit half of the cache finds them there, because the kernel before
        has just written them.
        """
        fits = kernel.bytes <= self.cache_bytes / 2
        moved = kernel.bytes / (self.cache_bandwidth if fits else self.bandwidth)
        computed = kernel.flops / self.flops[kernel.kind, kernel.dtype] if kernel.flops else 0.0
        return max(self.launch, moved, computed)


def _gpu(
    name: str,
    bandwidth: float,
    cache_bytes: float,
    cache_bandwidth: float,
    float32: float,
    tf32: float,
    float16: float,
) -> Device:
    """Makes a GPU from dense peak rates, in TFLOP/s; the last two are those of tensor cores.

    PyTorch's defaults decide which rate a kind of arithmetic has in float32: matrices do not use
    TF32, convolutions do, and fused attention multiplies three times in TF32.
    """
    half, single = torch.float16, torch.float32
    rates = {
        ("attention", half): float16,
        ("attention", single): tf32 / 3,
        ("matrix", half): float16,
        ("matrix", single): float32,
        ("convolution", half): float16,
        ("convolution", single): tf32,
    }
    flops = {key: rate * 1e12 for key, rate in rates.items()}
    # Launching from TorchScript takes 5 to 9 µs of the host's time.
    return Device(name, bandwidth, cache_bytes, cache_bandwidth, 6e-6, flops)


GPUS = (
    _gpu("RTX 3080", 760e9, 5e6, 2.5e12, float32=29.8, tf32=29.8, float16=59.5),
    _gpu("RTX 4090", 1008e9, 72e6, 5e12, float32=82.6, tf32=82.6, float16=165.2),
    _gpu("RTX 5060 Ti", 448e9, 32e6, 2e12, float32=23.7, tf32=23.7, float16=47.4),
    _gpu("RTX A5000", 768e9, 6e6, 2.5e12, float32=27.8, tf32=55.6, float16=111.1),
    _gpu("H100 SXM", 3350e9, 50e6, 5.5e12, float32=66.9, tf32=494.7, float16=989.4),
)
"""GPUs that shots are keyed on. float16 accumulates in float32, at half rate on GeForce cards.
The bandwidths of the caches are estimates."""


def this_cpu(threads: int) -> Device:
    """Measures the rates of this machine's CPU in float32, which takes about three seconds."""
    torch.set_num_threads(threads)
    matrix = torch.rand(2048, 1024), torch.rand(1024, 512)
    band = torch.rand(1, 64, 64, 512).contiguous(memory_format=torch.channels_last)
    kernel = torch.rand(64, 64, 3, 3)
    q = torch.rand(1, 8, 1024, 56)
    large, small = torch.rand(1 << 26), torch.rand(1 << 18)
    copy, tiny = torch.empty_like(large), torch.rand(8)
    flops = {
        "attention": 4 * 8 * 1024 * 1024 * 56 / _seconds(lambda: _attend(q)),
        "matrix": 2 * 2048 * 1024 * 512 / _seconds(lambda: matrix[0] @ matrix[1]),
        "convolution": 2
        * 9
        * 64
        * 64
        * 64
        * 512
        / _seconds(lambda: F.conv2d(band, kernel, padding=1)),
    }
    return Device(
        name="this CPU",
        bandwidth=2 * large.nbytes / _seconds(lambda: copy.copy_(large)),
        # A band of 17 MB, its results and its margins stay in the cache.
        cache_bytes=64e6,
        cache_bandwidth=2 * small.nbytes / _seconds(lambda: small.add_(1.0)),
        launch=_seconds(lambda: tiny.add_(1.0)),
        flops={(kind, torch.float32): rate for kind, rate in flops.items()},
        cpu=True,
    )


def _attend(q: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, q, q)


def _seconds(work: Callable[[], object]) -> float:
    """Returns the least time of several runs; the first one warms up."""
    work()
    times: list[float] = []
    until = time.perf_counter() + 0.4
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
