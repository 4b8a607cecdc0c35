"""Keys frames while others are read and written; a frame that fails does not stop the others.

threads that read       main thread        threads that write
frame n+1, n+2, …   →   key frame n    →   frame n-1, n-2, …
"""

import collections
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from export.common.printable import printable
from export.pictures.compositing import Floats
from export.pictures.keyer import Keyed
from export.pictures.movies.movie import is_movie
from export.preview.frame_reader import Frame, FrameReader
from export.preview.keyed_files import Framing, write_key

_AHEAD = 3
"""Most frames that are read and wait to be keyed, and most that are keyed and being written. A
4K frame takes about 0.3 GB."""


Notes: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""Remarks and warnings of a frame."""
_T = TypeVar("_T")


class Network(Protocol):
    """Keys pictures; `export.pictures.keyer.Keyer` is one."""

    def start(self, planes: Floats, **knobs: float) -> Callable[[], Keyed]:
        """Starts to key plate and hint [4, H, W]; returns a function that returns the key."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One frame to key.

    Attributes:
        frame: Frame number; None for a still.
        plate: File of the plate.
        hint: File of the hint; None if it is in the plate's file.
        result: EXR to write.
        reason: Reason for keying it, such as "new" or "hint changed".
    """

    frame: int | None
    plate: Path
    hint: Path | None
    result: Path
    reason: str

    @property
    def name(self) -> str:
        """Name of the plate's file, with the frame number if it is a movie."""
        return frame_name(self.plate, self.frame)


def frame_name(plate: Path, frame: int | None) -> str:
    """Returns the name of a plate's file, with the frame number if it is a movie."""
    return f"{plate.name} frame {frame}" if is_movie(plate) else plate.name


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcome of one job.

    Attributes:
        job: The job.
        error: Message if the job failed, else "".
        remarks: How the files were interpreted.
        warnings: Doubts about the hint or the colors.
        seconds: Time since the previous outcome.
    """

    job: Job
    error: str
    remarks: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float


class Clock:
    """Measures how long the network has waited for files.

    Attributes:
        waiting: Seconds that the main thread waited for frames to be read or written.
    """

    def __init__(self) -> None:
        self.waiting = 0.0

    def result(self, future: Future[_T]) -> _T:
        """Returns the result of a future and adds the time that it took."""
        start = time.perf_counter()
        try:
            return future.result()
        finally:
            self.waiting += time.perf_counter() - start


def key_frames(
    network: Network, reader: FrameReader, jobs: Sequence[Job], clock: Clock
) -> Iterator[Outcome]:
    """Keys frames and writes their results.

    Args:
        network: The model.
        reader: Reader of the frames.
        jobs: Frames to key, in order.
        clock: Adds up the time that the network waits.

    Yields:
        The outcome of each job, in order, once its files are written.
    """
    remaining = iter(jobs)
    reading: collections.deque[tuple[Job, Future[Frame]]] = collections.deque()
    writing: collections.deque[tuple[Job, Notes, Future[None]]] = collections.deque()
    readers = ThreadPoolExecutor(_AHEAD, "read")
    writers = ThreadPoolExecutor(_AHEAD, "write")
    last = time.perf_counter()

    def finish() -> Outcome:
        nonlocal last
        job, notes, written = writing.popleft()
        error = ""
        try:
            clock.result(written)
        except Exception as problem:  # Whatever one frame raises, the others are keyed.
            error = _describe(problem)
        now = time.perf_counter()
        seconds, last = now - last, now
        return Outcome(job, error, *notes, seconds)

    try:
        while True:
            while len(reading) < _AHEAD and (job := next(remaining, None)):
                reading.append((job, readers.submit(reader.read, job.plate, job.hint, job.frame)))
            if not reading:
                break
            job, frame_to_come = reading.popleft()
            notes: Notes = ((), ())
            written: Future[None] = Future()
            try:
                frame = clock.result(frame_to_come)
                notes = frame.remarks, frame.warnings
                key = network.start(frame.planes, **frame.knobs)
                written = writers.submit(_write, job.result, key, frame.framing, frame.record)
            except Exception as problem:  # Whatever one frame raises, the others are keyed.
                written.set_exception(problem)
            writing.append((job, notes, written))
            while len(writing) > _AHEAD or (writing and writing[0][2].done()):
                yield finish()
        while writing:
            yield finish()
    finally:
        readers.shutdown(wait=True, cancel_futures=True)
        writers.shutdown(wait=True, cancel_futures=True)


def _write(result: Path, key: Callable[[], Keyed], framing: Framing, record: str) -> None:
    write_key(result, key(), framing, record)


def _describe(problem: Exception) -> str:
    """Returns the first line of an error's message, safe for a terminal."""
    lines = str(problem).strip().splitlines() or [""]
    if isinstance(problem, MemoryError):
        return f"out of memory: {printable(lines[0], 2000)}"
    return printable(lines[0], 2000) or type(problem).__name__
