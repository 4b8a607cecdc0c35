"""Measures time and peak memory of a contender. Each function runs in a process of its own."""

import gc
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from export.tracing.plate import green_screen_plate
from testing.benchmark import contenders
from testing.benchmark.parts import parts as parts_of
from testing.benchmark.processes import Figures


class Setting(NamedTuple):
    """Conditions of a measurement.

    Attributes:
        resolution: Side S of the network's image, in pixels.
        device: "cpu", "cuda" or "mps".
        dtype: "float32" or "float16"; the second is Nuke's half-precision checkbox.
        threads: Threads of the CPU.
    """

    resolution: int
    device: str
    dtype: str
    threads: int


def frames(setting: Setting, file: Path, count: int) -> Figures:
    """Times a file as it loads and keys one 1920×1080 plate several times.

    TorchScript optimizes a graph during its first runs, so the first frames differ from later ones.

    Returns:
        Times of "load", "frame 1", "frame 2" and so on. On a GPU also the `peak_bytes` and the
        `reserved_bytes` of "all tensors".
    """
    plate = _plate(setting)
    figures: Figures = {}
    module = _timed(figures, "load", setting, lambda: _load(file, setting))
    for number in range(1, count + 1):
        _timed(figures, f"frame {number}", setting, lambda: module(plate))
    if setting.device == "cuda":
        figures["all tensors"] = {
            "peak_bytes": torch.cuda.max_memory_allocated(),
            "reserved_bytes": torch.cuda.max_memory_reserved(),
        }
    return figures


def memory(setting: Setting, file: Path) -> Figures:
    """Measures the memory of one 1920×1080 frame on a CPU.

    The process must return freed memory at once (MALLOC_MMAP_THRESHOLD_). Otherwise glibc's heap
    keeps gigabytes of fragments, by chance more or fewer.

    Returns:
        `peak_bytes` of the "weights", and of the "activations" above them.
    """
    plate = _plate(setting)
    before = _resident_bytes()
    module = _load(file, setting)
    loaded = _resident_bytes()
    module(plate)
    return {
        "weights": {"peak_bytes": loaded - before},
        "activations": {"peak_bytes": _peak_resident_bytes() - loaded},
    }


def parts(setting: Setting, name: str, checkpoint: Path) -> Figures:
    """Times each part of a contender's eager network, at its second run."""
    plate = _plate(setting)
    wrapper = contenders.eager(name, checkpoint, setting.resolution)
    figures: Figures = {}
    for part, work in parts_of(wrapper.to(setting.device, plate.dtype), plate).items():
        for _ in range(2):
            _timed(figures, part, setting, work)
    return figures


def compiled(setting: Setting, checkpoint: Path, count: int) -> Figures:
    """Times the plain network after torch.compile, as an upper bound.

    TorchScript cannot hold a compiled network, so no file can be this fast.
    """
    plate = _plate(setting)
    wrapper = contenders.eager("plain", checkpoint, setting.resolution)
    wrapper = wrapper.to(setting.device, plate.dtype)
    network: Any = wrapper.network
    network.coarse_logits = torch.compile(network.coarse_logits)
    network.delta_logits = torch.compile(network.delta_logits)
    figures: Figures = {}
    for number in range(1, count + 1):
        _timed(figures, f"frame {number}", setting, lambda: wrapper(plate))
    return figures


def export(setting: Setting, name: str, checkpoint: Path) -> Figures:
    """Times an export without its validation: ours without computing, the plain one by tracing."""
    _prepare(setting)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        file, computing = Path(folder, "export.pt"), name == "plain"
        args = (name, checkpoint, setting.resolution, file, computing)
        _timed(figures, "export", setting, lambda: contenders.export(*args))
    figures["export"]["peak_bytes"] = _peak_resident_bytes()
    return figures


def write_file(setting: Setting, name: str, checkpoint: Path, file: Path) -> Figures:
    """Exports a contender with the torch at hand.

    A torch that the exporter does not know may not trace without computing; then it computes.
    """
    _prepare(setting)
    try:
        contenders.export(name, checkpoint, setting.resolution, file, computing=False)
    except Exception as error:
        print(f"{name}: tracing without computing failed ({error}); computing")
        contenders.export(name, checkpoint, setting.resolution, file, computing=True)
    return {}


def _prepare(setting: Setting) -> None:
    torch.set_grad_enabled(False)
    torch.set_num_threads(setting.threads)


def _plate(setting: Setting) -> torch.Tensor:
    _prepare(setting)
    return green_screen_plate(1080, 1920).to(setting.device, getattr(torch, setting.dtype))


def _load(file: Path, setting: Setting) -> torch.jit.ScriptModule:
    module = torch.jit.load(file, map_location=setting.device)
    return module.to(getattr(torch, setting.dtype))


def _timed(figures: Figures, what: str, setting: Setting, work: Callable[[], Any]) -> Any:
    gc.collect()
    on_cuda = setting.device == "cuda"
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if on_cuda else []
    seconds, cpu_seconds = time.perf_counter(), time.process_time()
    if on_cuda:
        events[0].record()
    result = work()
    if on_cuda:
        events[1].record()
        torch.cuda.synchronize()
    elif setting.device == "mps":
        torch.mps.synchronize()
    figures[what] = {
        "seconds": time.perf_counter() - seconds,
        "cpu_seconds": time.process_time() - cpu_seconds,
    }
    if on_cuda:
        figures[what]["kernel_seconds"] = events[0].elapsed_time(events[1]) / 1000
    return result


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _peak_resident_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
