"""What is measured, each in a process of its own: time, and the most memory that it took."""

import gc
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from export.tracing.plate import green_screen_plate
from testing.benchmark import contenders


class Setting(NamedTuple):
    """Where and on what.

    Attributes:
        resolution: Side S of the network's image, in pixels.
        device: "cpu" or "cuda".
        dtype: "float32" or "float16"; the second is what Nuke's "half precision" asks for.
        threads: Of a CPU.
    """

    resolution: int
    device: str
    dtype: str
    threads: int


Figures = dict[str, dict[str, float]]
"""By what was done: `seconds`, of wall time; `cpu_seconds`, of all threads of the process, which a
busy machine disturbs less; or `peak_bytes`."""


def in_new_process(function: Callable[..., Figures], *args: Any) -> Figures:
    """Calls a function in a fresh process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def frames(setting: Setting, file: Path, count: int) -> Figures:
    """Times a file as it loads and keys one 1920×1080 plate several times.

    TorchScript optimises a graph as it first meets it, so the first frames are not like the later.

    Returns:
        The times of "load", and of "frame 1", "frame 2" and so on.
    """
    dtype = _prepare(setting)
    plate = green_screen_plate(1080, 1920).to(setting.device, dtype)
    figures: Figures = {}
    module = _timed(figures, "load", setting, lambda: _load(file, setting, dtype))
    for number in range(1, count + 1):
        _timed(figures, f"frame {number}", setting, lambda: module(plate))
    return figures


def memory(setting: Setting, file: Path) -> Figures:
    """Loads a file and keys one 1920×1080 plate, in a process that gives memory back at once.

    Otherwise glibc's heap keeps gigabytes of fragments, by chance more or fewer. On a GPU it is the
    memory of tensors that counts.

    Returns:
        `peak_bytes` of the "weights", and of the "activations" above them.
    """
    dtype = _prepare(setting)
    plate = green_screen_plate(1080, 1920).to(setting.device, dtype)
    before = _bytes_now(setting)
    module = _load(file, setting, dtype)
    loaded = _bytes_now(setting)
    module(plate)
    return {
        "weights": {"peak_bytes": loaded - before},
        "activations": {"peak_bytes": _peak_bytes(setting) - loaded},
    }


def parts(setting: Setting, name: str, checkpoint: Path) -> Figures:
    """Times each part of a contender's eager network, at its second run."""
    dtype = _prepare(setting)
    wrapper = contenders.eager(name, checkpoint, setting.resolution).to(setting.device, dtype)
    network: Any = wrapper.network
    plate = green_screen_plate(1080, 1920).to(setting.device, dtype)
    image = torch.rand(1, 4, setting.resolution, setting.resolution).to(setting.device, dtype)
    encoder = network.encoder
    network.encoder = _Answer(encoder(image))
    answer: Any = _Answer(image)
    wrapper.network = answer
    figures: Figures = {}
    for _ in range(2):
        _timed(figures, "encoder", setting, lambda: encoder(image))
        _timed(figures, "decoders", setting, lambda: network.coarse_logits(image))
        _timed(figures, "refiner", setting, lambda: network.delta_logits(image[:, :3], image))
        _timed(figures, "resize and blend", setting, lambda: wrapper(plate))
    return figures


def export(setting: Setting, name: str, checkpoint: Path) -> Figures:
    """Exports a contender: ours as it does, the plain one by an honest trace, without its check."""
    _prepare(setting)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        args = (name, checkpoint, setting.resolution, Path(folder, "export.pt"))
        _timed(figures, "export", setting, lambda: contenders.export(*args, computing=True))
    figures["export"]["peak_bytes"] = _peak_bytes(setting)
    return figures


class _Answer(nn.Module):
    """Stands for a network, or a part of one, with an answer that takes no time."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, _image: Tensor) -> Any:
        return self.answer

    def coarse_logits(self, _rgb_hint: Tensor) -> Any:
        return self.answer

    def delta_logits(self, _rgb: Tensor, _coarse: Tensor) -> Any:
        return self.answer


def _prepare(setting: Setting) -> torch.dtype:
    torch.set_grad_enabled(False)
    torch.set_num_threads(setting.threads)
    return getattr(torch, setting.dtype)


def _load(file: Path, setting: Setting, dtype: torch.dtype) -> torch.jit.ScriptModule:
    return torch.jit.load(file, map_location=setting.device).to(dtype)


def _timed(figures: Figures, what: str, setting: Setting, work: Callable[[], Any]) -> Any:
    gc.collect()
    seconds, cpu_seconds = time.perf_counter(), time.process_time()
    result = work()
    if setting.device == "cuda":
        torch.cuda.synchronize()
    figures[what] = {
        "seconds": time.perf_counter() - seconds,
        "cpu_seconds": time.process_time() - cpu_seconds,
    }
    return result


def _bytes_now(setting: Setting) -> int:
    if setting.device == "cuda":
        return torch.cuda.memory_allocated()
    pages = int(Path("/proc/self/statm").read_text().split()[1])  # resident
    return pages * resource.getpagesize()


def _peak_bytes(setting: Setting) -> int:
    if setting.device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
