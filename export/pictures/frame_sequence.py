"""Reads frame sequences as artists write them: `shot.####.exr 1001-1010`."""

import dataclasses
import re
from pathlib import Path

from fileseq import FileSeqException, FrameSet, MaxSizeException

from export.common.printable import printable
from export.pictures.movies.movie import MOVIE_SUFFIXES, MovieError, is_movie, open_movie

SUFFIXES = (".exr", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dpx")
"""Suffixes of the pictures that can be read."""
MAXIMUM_FRAMES = 1_000_000
"""Largest accepted number of frames."""

_FILE_AND_RANGE = re.compile(
    rf"(.*(?:{'|'.join(map(re.escape, SUFFIXES + MOVIE_SUFFIXES))}))(?:\s+(\S.*))?",
    re.IGNORECASE | re.DOTALL,
)
_PLACEHOLDER = re.compile(r"%(0?[0-9]{0,2})d|#+|@+")
_RANGE = re.compile(r"(-?[0-9]{1,9})(?:-(-?[0-9]{1,9})(?:x([0-9]{1,9}))?)?")


class SequenceError(ValueError):
    """Text does not name a frame sequence, or a frame is not in it."""


@dataclasses.dataclass(frozen=True)
class FrameSequence:
    """The files of a shot, one still, or a movie.

    Attributes:
        file: Path as written, with `~` expanded.
        frames: Frame numbers in order; None for a still.
        placeholder: Start and end of the frame number's placeholder in `file`.
        digits: Fewest digits of a frame number.
    """

    file: str
    frames: FrameSet | None
    placeholder: tuple[int, int] = (0, 0)
    digits: int = 1

    def path(self, frame: int | None) -> Path:
        """Returns the file of a frame; a still serves every frame, a movie contains it.

        Raises:
            SequenceError: The frame is not in the sequence.
        """
        if self.frames is None:
            return Path(self.file)
        if frame is None or frame not in self.frames:
            raise SequenceError(f"{printable(self.file)} has no frame {frame}")
        return Path(self.file if is_movie(self.file) else self._name(frame))

    def result_name(self, frame: int | None) -> str:
        """Returns the name of a frame's result: the frame's own, or for a movie a numbered one."""
        path = self.path(frame)
        if is_movie(path):
            return f"{path.stem}.{frame:04d}.exr"
        return path.with_suffix(".exr").name

    def _name(self, frame: int) -> str:
        start, end = self.placeholder
        return f"{self.file[:start]}{frame:0{self.digits}d}{self.file[end:]}"

    def frames_on_disk(self) -> tuple[list[int], str | None]:
        """Lists the folder of the sequence.

        Returns:
            The frame numbers in order, and the name of a file that differs from a frame of this
            sequence only in its number of digits, or None.

        Raises:
            SequenceError: The folder cannot be listed.
        """
        start, end = self.placeholder
        folder, slash, before = self.file[:start].rpartition("/")
        after = self.file[end:]
        number = re.compile(f"{re.escape(before)}(-?[0-9]{{1,9}}){re.escape(after)}", re.DOTALL)
        frames, other = [], None
        try:
            names = [path.name for path in Path(folder + slash).iterdir()]
        except OSError as error:
            raise SequenceError(
                f"cannot list the folder {printable(folder)}: {error.strerror}"
            ) from None
        for entry in names:
            if match := number.fullmatch(entry):
                frame = int(match[1])
                if Path(self._name(frame)).name == entry:
                    frames.append(frame)
                else:
                    other = entry
        return sorted(frames), other


def frame_sequence(text: str) -> FrameSequence:
    """Reads the name of a sequence or of a still.

    Args:
        text: `shot.####.exr 1001-1010`. Ranges may have steps (`1001-1010x2`) and be listed
            (`1001-1005,1008`). Each `#` or `@` stands for one digit, as in Nuke; `%04d` works too.
            Only the file's own name can hold the placeholder; of several, the longest one counts.
            Without a range, the frames are those on disk. A name without a placeholder is a still,
            and so is the name of an existing file. A movie's frames are counted from 1:
            `shot.mov 1-100`.

    Raises:
        SequenceError: The text is not understood, or no frame is on disk.
    """
    if "\0" in text:
        raise SequenceError(f"{printable(text)} contains a null character")
    if _is_file(literal := _expand(text)):
        return _movie(literal, None) if is_movie(literal) else _still(literal)
    match = _FILE_AND_RANGE.fullmatch(text.strip())
    if not match:
        raise SequenceError(
            f"{printable(text)!r} does not name a file; expected one of "
            + ", ".join(SUFFIXES + MOVIE_SUFFIXES)
        )
    file, frame_range = _expand(match[1]), match[2]
    if is_movie(file):
        return _movie(file, frame_range)
    placeholder = _placeholder(file)
    if not placeholder:
        if frame_range:
            raise SequenceError(
                f"{printable(file)} is one file; expected #### in its name, in place of the frame "
                "number"
            )
        return FrameSequence(file, None)
    sequence = FrameSequence(file, None, placeholder.span(), _digits(placeholder))
    frames = _frames(frame_range) if frame_range else _on_disk(sequence)
    return dataclasses.replace(sequence, frames=frames)


def _movie(file: str, frame_range: str | None) -> FrameSequence:
    """Returns the frames of a movie.

    Raises:
        SequenceError: The movie cannot be read, or the range is not understood or not in it.
    """
    try:
        count = open_movie(Path(file)).count
    except MovieError as error:
        raise SequenceError(str(error)) from None
    frames = FrameSet(f"1-{count}")
    if frame_range:
        wanted = _frames(frame_range)
        if min(wanted) < 1 or max(wanted) > count:
            raise SequenceError(
                f"{printable(file)} has the frames 1-{count}; the range {printable(frame_range)} "
                "names others"
            )
        frames = wanted
    return FrameSequence(file, frames)


def _expand(file: str) -> str:
    """Replaces a leading `~` or `~user` with the home folder, if there is one."""
    try:
        return str(Path(file).expanduser()) if file.startswith("~") else file
    except RuntimeError:
        return file


def _is_file(file: str) -> bool:
    try:
        return Path(file).is_file()
    except OSError:  # such as a name that is too long
        return False


def _still(file: str) -> FrameSequence:
    """Returns an existing file as a still.

    Raises:
        SequenceError: The file has another suffix, or frames of a sequence of this name exist too.
    """
    if not file.lower().endswith(SUFFIXES):
        raise SequenceError(
            f"{printable(file)} has an unknown suffix; expected one of {', '.join(SUFFIXES)}"
        )
    if placeholder := _placeholder(file, several=True):
        sequence = FrameSequence(file, None, placeholder.span(), _digits(placeholder))
        if sequence.frames_on_disk()[0]:
            raise SequenceError(
                f"{printable(file)} is a file, and also a sequence with frames on disk. Add a "
                "range to name the sequence, or rename the file"
            )
    return FrameSequence(file, None)


def _placeholder(file: str, several: bool = False) -> re.Match[str] | None:
    """Returns the placeholder of the frame number in a file's own name.

    Args:
        file: The path.
        several: True to take the last one of several that are equally long.

    Raises:
        SequenceError: Several are equally long.
    """
    matches = list(_PLACEHOLDER.finditer(file, file.rfind("/") + 1))
    longest = max(((m[0][0] == "%", len(m[0])) for m in matches), default=None)
    best = [m for m in matches if (m[0][0] == "%", len(m[0])) == longest]
    if len(best) > 1 and not several:
        raise SequenceError(
            f"{printable(file)} has several placeholders: {', '.join(m[0] for m in best)}. Write "
            "the frame number with #### and rename files that have # or @ in their names"
        )
    return best[-1] if best else None


def _digits(placeholder: re.Match[str]) -> int:
    """Returns the fewest digits of a frame number."""
    if placeholder[1] is None:
        return len(placeholder[0])
    return int(placeholder[1] or "1")


def _frames(text: str) -> FrameSet:
    """Reads a frame range.

    Raises:
        SequenceError: The range is not understood or has too many frames.
    """
    ranges = [_RANGE.fullmatch(part.strip()) for part in text.split(",")]
    count = 0
    for match in ranges:
        if not match or (match[3] and not int(match[3])):
            raise SequenceError(
                f"{printable(text)!r} is not a frame range; expected the form 1001-1010, "
                "1001-1010x2 or 1001,1005"
            )
        first, last, step = match[1], match[2] or match[1], match[3] or "1"
        count += abs(int(last) - int(first)) // int(step) + 1
    if count > MAXIMUM_FRAMES:
        raise SequenceError(f"{printable(text)} has {count:,} frames; at most {MAXIMUM_FRAMES:,}")
    try:
        return FrameSet(",".join(match[0] for match in ranges if match))
    except (FileSeqException, MaxSizeException) as error:
        raise SequenceError(f"{printable(text)!r} is not a frame range: {error}") from None


def _on_disk(sequence: FrameSequence) -> FrameSet:
    """Returns the frames of a sequence on disk.

    Raises:
        SequenceError: There is none.
    """
    frames, other = sequence.frames_on_disk()
    if not frames:
        hint = f"; {printable(other)} has another number of digits" if other else ""
        raise SequenceError(f"no frame of {printable(sequence.file)} is on disk{hint}")
    return FrameSet.from_iterable(frames)
