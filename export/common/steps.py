"""Shows the steps of a job as they run, and keeps their cost for a report."""

import contextlib
import dataclasses
import resource
import sys
import time
from collections.abc import Iterator

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@dataclasses.dataclass(frozen=True)
class Step:
    """One finished step.

    Attributes:
        name: Name of the step.
        seconds: Wall time.
        peak_bytes: Peak resident memory of the process, from its start to the end of the step.
    """

    name: str
    seconds: float
    peak_bytes: int


class Steps:
    """Prints a line for each finished step; on a terminal, shows a spinner meanwhile.

    Attributes:
        done: Finished steps, in order.
    """

    def __init__(self) -> None:
        self.done: list[Step] = []
        self._console = Console(stderr=True, emoji=False)

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Shows and measures the block of `with steps("Do this"):`."""
        start = time.perf_counter()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            progress.add_task(name, total=None)
            yield
        step = Step(name, time.perf_counter() - start, _peak_bytes())
        self.done.append(step)
        click.echo(f"{name}: {step.seconds:.1f} s, peak memory {step.peak_bytes / 1e9:.2f} GB")


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
