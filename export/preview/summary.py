"""Summarizes a run for people, and as JSON for a farm."""

import collections
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from fileseq import FrameSet

from export.common.atomic import replacing
from export.common.json_text import to_json
from export.common.printable import printable
from export.preview.key_frames import Job, Outcome
from export.preview.plan import Plan


class Summary:
    """Collects the outcomes of a run and prints each of them.

    Attributes:
        plan: The work of the run.
        failed: Error messages by the name of the plate's file.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.failed = dict(plan.failed)
        self._keyed: list[Job] = []
        self._remarks: set[str] = set()
        self._warnings: dict[str, list[int | None]] = {}
        for name, error in plan.failed.items():
            _echo_failure(name, error)

    def add(self, outcome: Outcome) -> None:
        """Adds the outcome of a frame."""
        name = outcome.job.name
        for warning in outcome.warnings:
            self._warnings.setdefault(warning, []).append(outcome.job.frame)
        if outcome.error:
            self.failed[name] = outcome.error
            _echo_failure(name, outcome.error)
            return
        for remark in outcome.remarks:
            if remark not in self._remarks:
                click.echo(remark)
                self._remarks.add(remark)
        self._keyed.append(outcome.job)
        click.echo(f"{printable(name)}: {outcome.seconds:.1f} s")

    def echo(self, seconds: float, waiting: float) -> None:
        """Prints the totals.

        Args:
            seconds: Duration of the run.
            waiting: Seconds that the network waited for files.
        """
        for warning, frames in self._warnings.items():
            plural = "s" if len(frames) > 1 else ""
            where = f" in frame{plural} {_ranges(frames)}" if frames != [None] else ""
            click.echo(f"Warning: {warning}{where}", err=True)
        reasons = collections.Counter(job.reason for job in self._keyed)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        click.echo(
            f"{len(self._keyed)} keyed" + (f" ({why})" if why else "") + f", "
            f"{len(self.plan.unchanged)} unchanged, {len(self.failed)} failed"
        )
        if self._keyed and seconds > 0:
            click.echo(
                f"{60 * len(self._keyed) / seconds:.1f} frames per minute; the network waited for "
                f"files {waiting / seconds:.0%} of the time"
            )

    def write(self, path: Path, facts: dict[str, Any], seconds: float, waiting: float) -> None:
        """Writes the summary as JSON.

        Args:
            path: File to write.
            facts: Facts about the run, such as the model.
            seconds: Duration of the run.
            waiting: Seconds that the network waited for files.

        Raises:
            OSError: The file cannot be written.
        """
        content = {
            **facts,
            "keyed": [
                {"frame": job.frame, "result": printable(str(job.result), 4096), "why": job.reason}
                for job in self._keyed
            ],
            "unchanged": self.plan.unchanged,
            "failed": [
                {"plate": printable(name, 4096), "error": error}
                for name, error in self.failed.items()
            ],
            "warnings": [
                {"warning": warning, "frames": frames} for warning, frames in self._warnings.items()
            ],
            "seconds": round(seconds, 3),
            "seconds_waiting": round(waiting, 3),
        }
        with replacing(path) as partial:
            partial.write_text(to_json(content))


def _echo_failure(name: str, error: str) -> None:
    click.echo(f"{printable(name)}: failed, {error}", err=True)


def _ranges(frames: Iterable[int | None]) -> str:
    return str(FrameSet.from_iterable(sorted(frame for frame in frames if frame is not None)))
