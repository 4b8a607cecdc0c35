"""What must hold of a lock, given the `.in` file that it was resolved from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.+!]+)")
_SHA256 = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
_VIA = re.compile(r"    # via (?P<parents>.+)")
_REMARK = re.compile(r"# (?!.*://).*")


@dataclass
class Pin:
    """One package of a lock.

    Attributes:
        version: Its one version.
        hashes: How many files it may be.
        parents: Who asks for it: packages, and `-r NAME.in`.
    """

    version: str
    hashes: int = 0
    parents: set[str] = field(default_factory=set)


def read_requirements(text: str) -> dict[str, Requirement]:
    """The requirements of a `.in` file, by canonical name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    requirements = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def read_lock(text: str) -> dict[str, Pin]:
    """The pins of a lock, by canonical name.

    Args:
        text: What pip-compile writes with `--generate-hashes --annotation-style=line`.

    Raises:
        ValueError: A line is anything but a pin, its sha256, its reason or a remark: an option that
            names an index, an address in place of a version, another kind of hash.
    """
    pins: dict[str, Pin] = {}
    name = ""
    for line in filter(None, text.splitlines()):
        content = line.removesuffix(" \\")
        if pin := _PIN.fullmatch(content):
            name = canonicalize_name(pin["name"])
            if name in pins:
                raise ValueError(f"{name}: pinned twice")
            pins[name] = Pin(pin["version"])
        elif name and _SHA256.fullmatch(content):
            pins[name].hashes += 1
        elif name and (via := _VIA.fullmatch(content)):
            pins[name].parents.update(via["parents"].split(", "))
        elif not _REMARK.fullmatch(content):
            raise ValueError(f"a lock has no such line: {line}")
    return pins


def problems(requirements: str, lock: str, origin: str = "-r requirements.in") -> Iterator[str]:
    """Every way in which a lock does not fit its `.in` file; none for a good one.

    Args:
        requirements: Text of the `.in` file.
        lock: Text of the lock.
        origin: What the lock calls the `.in` file.

    Yields:
        One sentence for each.
    """
    wanted = read_requirements(requirements)
    try:
        pins = read_lock(lock)
    except ValueError as error:
        yield str(error)
        return

    for name, requirement in wanted.items():
        if name not in pins:
            yield f"{requirement}: not in the lock"
        elif not requirement.specifier.contains(pins[name].version, prereleases=True):
            yield f"{requirement}: the lock has {pins[name].version}"

    for name, pin in pins.items():
        if not pin.hashes:
            yield f"{name}: no hash"
        if (origin in pin.parents) != (name in wanted):
            yield f"{name}: the lock and the .in file disagree on whether the .in file asks for it"
        for parent in sorted(pin.parents - {origin} - set(pins)):
            yield f"{name}: asked for by {parent}, which is not in the lock"

    asked = set(wanted)
    while more := {name for name, pin in pins.items() if pin.parents & asked} - asked:
        asked |= more
    for name in sorted(set(pins) - asked):
        yield f"{name}: nothing that the .in file asks for needs it"
