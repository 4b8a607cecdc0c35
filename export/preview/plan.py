"""Decides which frames to key: those whose result is missing or was made from other inputs."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from export.common.printable import printable
from export.pictures.frame_sequence import SequenceError
from export.preview.frame_reader import FrameReader
from export.preview.key_frames import Job, frame_name
from export.preview.keyed_files import is_written, read_record
from export.preview.made_from import changes, other_settings, parse_record


class PlanError(ValueError):
    """A result exists that must not be replaced, or results cannot be written."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The work of a run.

    Attributes:
        jobs: Frames to key.
        unchanged: Frames whose result is up to date.
        failed: Error messages of frames that the hint does not have, by the plate's file name.
    """

    jobs: list[Job]
    unchanged: list[int | None]
    failed: dict[str, str]


def plan(reader: FrameReader, frames: Sequence[int | None], output: Path, overwrite: bool) -> Plan:
    """Compares the results in the output folder with the inputs.

    Args:
        reader: Reader of the frames, with the settings.
        frames: Frames of this run.
        output: Folder of the results.
        overwrite: True to key every frame.

    Raises:
        PlanError: A result was made with other settings, or by another program.
    """
    result = Plan([], [], {})
    for frame in frames:
        plate = reader.shot.plate.path(frame)
        exr = output / reader.shot.plate.result_name(frame)
        try:
            hint = reader.shot.hint.path(frame) if reader.shot.hint else None
        except SequenceError as error:
            result.failed[frame_name(plate, frame)] = f"the hint {error}"
            continue
        job = Job(frame, plate, hint, exr, "overwritten")
        if not overwrite:
            job = dataclasses.replace(job, reason=_reason(reader, job))
        if job.reason:
            result.jobs.append(job)
        else:
            result.unchanged.append(frame)
    return result


def _reason(reader: FrameReader, job: Job) -> str:
    """Returns the reason to key a frame, or "" if its result is up to date."""
    if not job.result.exists():
        return "new"
    record = parse_record(read_record(job.result))
    if record is None:
        raise PlanError(
            f"{printable(str(job.result))} exists and is not a key of this program. Choose another "
            "--output, or use --overwrite"
        )
    if other := other_settings(record, reader.settings):
        raise PlanError(
            f"{printable(str(job.result))} exists and was made with another {', '.join(other)}. "
            "Choose another --output, or use --overwrite"
        )
    if not is_written(job.result):
        return "new"
    try:
        changed = changes(
            record,
            (job.plate, reader.plate_reading()),
            (job.hint, reader.hint_reading()) if job.hint else None,
        )
    except OSError:
        return "input cannot be read"
    return changed and f"{changed} changed"


@contextlib.contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Makes the output folder and checks that files can be written there.

    A folder that is new and still empty at the end is removed.

    Raises:
        PlanError: The folder cannot be made, or no file can be written in it.
    """
    missing = []
    for parent in (folder, *folder.parents):
        if parent.exists():
            break
        missing.append(parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise PlanError(f"cannot write to the folder {printable(str(folder))}: {reason}") from None
    try:
        yield
    finally:
        for parent in missing:
            with contextlib.suppress(OSError):  # It is not empty, so there are results.
                parent.rmdir()
