"""Tests the cost model: exact counts of operators, and of both contenders at 256."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from export.nuke.guide.memory import MEMORY
from testing.benchmark.cost import count
from testing.benchmark.devices import GPUS
from testing.benchmark.prediction import costs

META = torch.device("meta")


def test_views_and_allocations_launch_nothing() -> None:
    x = torch.empty(4, 6, device=META)
    counter = count(lambda: [x.view(2, 12).T, x.narrow(0, 1, 2), x.new_empty(9), x.chunk(2)])
    assert counter.kernels == []


def test_bytes_are_those_of_operands_and_results() -> None:
    x, row = torch.empty(1000, 64, device=META), torch.empty(64, device=META)
    addition, copy = count(lambda: x.copy_(x + row)).kernels
    assert addition.bytes == 4 * (64_000 + 64 + 64_000)
    assert copy.bytes == 4 * (64_000 + 64_000)  # what is overwritten is not read


def test_a_convolution_adds_its_bias_in_a_second_kernel() -> None:
    convolution = nn.Conv2d(3, 8, 3, padding=1, device=META)
    first, second = count(lambda: convolution(torch.empty(1, 3, 10, 10, device=META))).kernels
    assert first.flops == 2 * 9 * 3 * 8 * 100
    assert first.kind == "convolution"
    assert second.bytes == 4 * (800 + 8 + 800)


@pytest.mark.parametrize(("windows", "fused"), [((), True), ((16,), False)])
def test_attention_of_four_dimensions_is_one_kernel(windows: tuple[int, ...], fused: bool) -> None:
    q = torch.empty(1, 8, *windows, 32, 56, device=META)
    kernels = count(lambda: F.scaled_dot_product_attention(q, q, q)).kernels
    assert (len(kernels) == 1) == fused
    products = 2 * (1 if fused else 16) * 8 * 32 * 32 * 56 * 2
    assert sum(kernel.flops for kernel in kernels) == products


def test_peak_is_what_results_take_at_a_time() -> None:
    x = torch.empty(1000, device=META)
    counter = count(lambda: (x + 1).add_(1).mul(2).sum())
    assert counter.peak_bytes == 4 * 2000


COUNTS = {
    "plain": {
        "encoder": (408, 691_921_728, 33_496_236_032),
        "decoders": (31, 111_343_632, 5_184_159_744),
        "refiner": (62, 786_117_520, 39_216_742_400),
        "resize and blend": (20, 335_015_948, 0),
    },
    "ours": {
        "encoder": (395, 536_483_712, 33_496_236_032),
        "decoders": (91, 110_467_080, 1_329_594_368),
        "refiner": (291, 603_513_204, 44_357_255_168),
        "resize and blend": (20, 335_015_948, 0),
    },
    "fast": {
        "encoder": (579, 1_196_619_264, 33_496_236_032),
        "decoders": (59, 170_407_952, 1_329_594_368),
        "refiner": (238, 1_179_126_472, 44_357_255_168),
        "resize and blend": (20, 653_443_096, 0),
    },
}
"""(kernels, bytes, FLOPs) of each part at 256 with a GPU's bands; in half, fast in float32."""


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_a_contender_are_exact(name: str) -> None:
    found = costs(name, 256, torch.float32 if name == "fast" else torch.float16)
    counts = {part: (cost.kernels, cost.bytes, cost.flops) for part, cost in found.items()}
    assert counts == COUNTS[name]


def test_a_larger_device_is_predicted_to_be_faster() -> None:
    refiner = costs("ours", 1024, torch.float16)["refiner"]
    seconds = {device.name: refiner.seconds(device) for device in GPUS}
    assert seconds["H100 SXM"] < seconds["RTX 4090"] < seconds["RTX 5060 Ti"]


@pytest.mark.parametrize("quality", ["512", "2048"])
def test_guide_of_the_nuke_kit_has_the_memory_of_this_model(quality: str) -> None:
    resolution = int(quality)
    peak = max(cost.peak_bytes for cost in costs("ours", resolution, torch.float32).values())
    parameters = 70_341_560 + (resolution // 4) ** 2 * 112  # the last are the position embedding
    needed = (peak + 4 * parameters) / 1e9
    assert (round(needed, 1), round(needed / 2, 1)) == MEMORY[quality]


def test_the_fast_file_attends_to_the_whole_image_in_half() -> None:
    kernels = costs("fast", 256, torch.float32)["encoder"].counter.kernels
    attention = [kernel.dtype for kernel in kernels if kernel.kind == "attention"]
    assert attention.count(torch.half) == 18  # blocks
