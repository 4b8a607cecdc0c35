"""Frames as artists write them: `shot.####.exr 1001-1010` → a path for each frame."""

import dataclasses
import re
from pathlib import Path

from fileseq import PAD_STYLE_HASH1, FileSeqException, FileSequence, FrameSet

from export.pictures.picture_files import SUFFIXES

_FILE_AND_RANGE = re.compile(rf"(.+(?:{'|'.join(SUFFIXES)}))(?:\s+(.+))?", re.IGNORECASE)
_PADDING = re.compile(r"#|@|%\d*d")


class SequenceError(ValueError):
    """Text that names no frames, or not the one that is asked for; the message says why."""


@dataclasses.dataclass(frozen=True)
class FrameSequence:
    """Where the frames of a shot are; or one still.

    Attributes:
        file: The path, with `####`, `%04d` or the like where the frame number goes.
        frames: Their numbers, in order; None for a still.
    """

    file: str
    frames: FrameSet | None

    def path(self, frame: int | None) -> Path:
        """The file of a frame; a still is the same for all.

        Raises:
            SequenceError: There is no such frame.
        """
        if self.frames is None:
            return Path(self.file)
        if frame not in self.frames:
            raise SequenceError(f"{self.file} has no frame {frame}")
        return Path(FileSequence(self.file, pad_style=PAD_STYLE_HASH1).frame(frame))


def frame_sequence(text: str) -> FrameSequence:
    """Reads what an artist wrote.

    Args:
        text: `shot.####.exr 1001-1010`, with steps (`1001-1010x2`) and lists (`1001-1005,1008`) as
            well. `#` and `@` stand for a digit each, as in Nuke; `%04d` may stand in their place.
            Without a range, the frames are those on disk. `shot.1001.exr` is a still.

    Raises:
        SequenceError: That is not how it is written, or there is no such frame on disk.
    """
    match = _FILE_AND_RANGE.fullmatch(text.strip())
    if not match:
        raise SequenceError(f"{text!r} does not name one of {', '.join(SUFFIXES)}")
    file, frame_range = match.groups()
    if not _PADDING.search(file):
        if frame_range:
            raise SequenceError(f"{file} is one file; write #### where the frame number goes")
        return FrameSequence(file, None)
    if not FileSequence(file, pad_style=PAD_STYLE_HASH1).padding():
        raise SequenceError(f"{file}: the frame number must come right before the extension")
    try:
        if frame_range:
            frames = FrameSet(frame_range)
        else:
            frames = FileSequence.findSequenceOnDisk(file, pad_style=PAD_STYLE_HASH1).frameSet()
    except FileSeqException:
        raise SequenceError(
            f"{frame_range!r} is not a frame range such as 1001-1010, 1001-1010x2 or 1001,1005"
            if frame_range
            else f"there is no frame of {file} on disk"
        ) from None
    if not all(isinstance(frame, int) for frame in frames):
        raise SequenceError(f"{frame_range!r} has frames that are not whole numbers")
    return FrameSequence(file, frames)
