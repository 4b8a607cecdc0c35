"""Decodes single frames of QuickTime and MP4 files, in any order.

The packets are listed once, without decoding them. Frame n is the one with the n-th time stamp:

    decode order    I1 P4 B2 B3 | I5 P8 B6 B7      what a packet damages ends with its group
    frame number     1  4  2  3    5  8  6  7
"""

import bisect
import contextlib
import functools
import os
import stat
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.error import FFmpegError
from av.stream import Discard

from export.common.printable import printable
from export.pictures.movies.containers import (
    LIMITS,
    MAXIMUM_FRAMES,
    ContainerError,
    check_container,
    open_container,
)
from export.pictures.windows import MAXIMUM_PIXELS, MAXIMUM_SIDE

MOVIE_SUFFIXES = (".mov", ".mp4", ".m4v")
"""Suffixes of the movies that can be read."""
_MOST_READ = 4
"""Most bytes in all frames, in times of the file's. Frames may share their bytes, and a file of a
few MB could make the library read terabytes."""
_KEPT = 8
"""Decoded frames that are kept: more than the threads that ask for frames out of order."""


class MovieError(ValueError):
    """A movie or one of its frames cannot be read; the message is one line and names the file."""


def is_movie(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path has the suffix of a movie."""
    return os.fspath(path).lower().endswith(MOVIE_SUFFIXES)


def open_movie(path: Path) -> "Movie":
    """Opens a movie, or returns it if it is open and has not changed.

    Raises:
        MovieError: The file is not a movie that can be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise MovieError(f"{printable(str(path))}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise MovieError(f"{printable(str(path))}: not a regular file")
    return _open(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _open(path: Path, _bytes: int, _mtime_ns: int) -> "Movie":
    try:
        # An open file and not its name: a movie must not refer to other files or to servers.
        return Movie(path, path.open("rb"))
    except OSError as error:
        raise MovieError(f"{printable(str(path))}: {error.strerror}") from None


class Movie:
    """A movie with one video track. Several threads may ask for frames.

    Args:
        path: Path of the file, for messages.
        file: The file, opened for reading.

    Attributes:
        path: Path of the file.
        count: Number of frames.
        rate: Frames per second.
        pixel_aspect: Width of a pixel divided by its height.

    Raises:
        MovieError: The file is not a movie, is damaged, or is larger than the limits.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept: dict[int, av.VideoFrame] = {}
        self._packets: Iterator[Any] | None = None
        self._last = -1
        self._bytes = os.fstat(file.fileno()).st_size
        with self._naming_the_file():
            check_container(file)
            self._container = open_container(file)
            streams = self._container.streams.video
            if len(streams) != 1:
                raise MovieError(
                    f"{printable(str(path))} has {len(streams)} video tracks; expected one"
                )
            self._stream = streams[0]
            for stream in self._container.streams:
                if stream.index != self._stream.index:
                    stream.discard = Discard.all  # Not even read.
            context = self._stream.codec_context
            # A damaged picture must be an error. By default, decoders fill in something likely.
            context.options = {**LIMITS, "err_detect": "explode"}
            self._check_size(context.width, context.height)
            self._list_packets()
        self.count = len(self._numbers)
        if not self.count:
            raise MovieError(f"{printable(str(path))} has no frames")
        self.rate = Fraction(self._stream.average_rate or 24)
        self.pixel_aspect = float(self._stream.sample_aspect_ratio or 1)

    def frame(self, number: int) -> av.VideoFrame:
        """Decodes a frame.

        Args:
            number: Frame number, from 1 on.

        Raises:
            MovieError: There is no such frame, or it is damaged.
        """
        if not 1 <= number <= self.count:
            raise MovieError(
                f"{printable(str(self.path))} has no frame {number}; its frames are 1-{self.count}"
            )
        with self._lock, self._naming_the_file():
            time = self._times[number - 1]
            for start in (time, self._times[0]):
                if time not in self._kept:
                    self._decode_to(number, start)
            frame = self._kept.get(time)
            if frame is None or time in self._damaged or frame.is_corrupt:
                raise MovieError(f"{printable(str(self.path))}: frame {number} is damaged")
        return frame

    def _list_packets(self) -> None:
        """Lists the time stamps of all packets, and those of damaged ones."""
        self._order: list[int] = []
        self._keys: list[int] = []
        shown: list[int] = []
        corrupt: list[int] = []
        total = 0
        for packet in self._container.demux(self._stream):
            if not packet.size:
                continue
            if packet.pts is None or len(self._order) >= MAXIMUM_FRAMES:
                raise MovieError(
                    f"{printable(str(self.path))} has frames without time stamps, or more than "
                    f"{MAXIMUM_FRAMES:,}"
                )
            total += packet.size
            if total > _MOST_READ * self._bytes:
                raise MovieError(
                    f"{printable(str(self.path))} has frames that share their bytes; expected "
                    "frames one after the other. Write it again"
                )
            if packet.is_keyframe:
                self._keys.append(packet.pts)
            if packet.is_corrupt:
                corrupt.append(packet.pts)
            self._order.append(packet.pts)
            if not packet.is_discard:
                shown.append(packet.pts)
        self._times = sorted(set(shown))
        self._numbers = {time: number for number, time in enumerate(self._times, 1)}
        self._positions: dict[int, int] = {}
        for position, time in enumerate(self._order):
            self._positions.setdefault(time, position)
        self._key_times = frozenset(self._keys)
        self._spoiled: set[int] = set()
        self._damaged: set[int] = set()
        for time in corrupt:
            self._damage(time)

    def _damage(self, time: int) -> None:
        """Marks a packet as damaged, and with it the following ones of its group."""
        start = self._positions[time]
        for position in range(start, len(self._order)):
            # What follows a spoiled packet is spoiled already: a file can have a million of them.
            next_group = position > start and self._order[position] in self._key_times
            if next_group or position in self._spoiled:
                break
            self._spoiled.add(position)
            self._damaged.add(self._order[position])

    def _decode_to(self, number: int, start: int) -> None:
        """Decodes on to a frame. Seeks to the time `start` if that is nearer than the present."""
        time = self._times[number - 1]
        key = bisect.bisect_right(self._keys, start)
        far = key and self._keys[key - 1] > self._last and time - self._last > self._gap()
        if self._packets is None or time <= self._last or far or start != time:
            self._container.seek(start, stream=self._stream)
            self._packets = self._container.demux(self._stream)
        for packet in self._packets:
            try:
                frames = packet.decode()
            except FFmpegError:
                if packet.pts in self._positions:
                    self._damage(packet.pts)
                continue
            for frame in frames:
                self._check_size(frame.width, frame.height)
                if frame.pts is not None:
                    self._kept[frame.pts] = frame
                    self._last = frame.pts
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))
            if time in self._kept:
                return
        self._packets = None  # A decoder that was flushed takes no more packets.

    def _gap(self) -> int:
        """Returns the time of as many frames as are kept."""
        return _KEPT * max(1, (self._times[-1] - self._times[0]) // max(1, len(self._times) - 1))

    def _check_size(self, width: int, height: int) -> None:
        if width * height > MAXIMUM_PIXELS or max(width, height) > MAXIMUM_SIDE:
            raise MovieError(
                f"{printable(str(self.path))} has frames of {width}x{height} pixels; at most "
                f"{MAXIMUM_PIXELS:,} pixels and {MAXIMUM_SIDE:,} on a side are read"
            )

    @contextlib.contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        """Turns the library's errors into one line."""
        try:
            yield
        except MovieError:
            raise
        except ContainerError as error:
            raise MovieError(f"{printable(str(self.path))} {error}") from None
        except (FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise MovieError(
                f"{printable(str(self.path))} cannot be read as a movie: {printable(reason)}"
            ) from None
