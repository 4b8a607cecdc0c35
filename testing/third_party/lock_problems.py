"""Compares a lock with the `.in` file that it was resolved from."""

from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from export.common import lock_file


def read_requirements(text: str) -> dict[str, Requirement]:
    """Returns the requirements of a `.in` file, by canonical name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    requirements = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def problems(requirements: str, lock: str, origin: str = "-r requirements.in") -> Iterator[str]:
    """Yields one sentence for each way in which a lock does not fit its `.in` file.

    Args:
        requirements: Text of the `.in` file.
        lock: Text of the lock.
        origin: Name of the `.in` file in the lock.
    """
    wanted = read_requirements(requirements)
    try:
        pins = lock_file.parse(lock)
    except ValueError as error:
        yield str(error)
        return

    for name, requirement in wanted.items():
        if name not in pins:
            yield f"{requirement}: not in the lock"
        elif not requirement.specifier.contains(pins[name].version, prereleases=True):
            yield f"{requirement}: the lock has {pins[name].version}"

    for name, pin in pins.items():
        if (origin in pin.parents) != (name in wanted):
            yield f"{name}: the lock and the .in file disagree about whether the .in file names it"
        for parent in sorted(set(pin.parents) - {origin} - set(pins)):
            yield f"{name}: required by {parent}, which is not in the lock"

    needed = set(wanted)
    while more := {name for name, pin in pins.items() if needed & set(pin.parents)} - needed:
        needed |= more
    for name in sorted(set(pins) - needed):
        yield f"{name}: nothing that the .in file names needs it"
