"""Parses the lock files of third_party/python, which pip-compile writes."""

import dataclasses
import re

from wrapper.printable import printable

_CONTINUATION = " \\\n    "
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[\w.+!]+)"
    r"(?P<hashes>( --hash=sha256:[0-9a-f]{64})*)",
    re.ASCII,
)
_VIA = re.compile(r"    # via (?P<parents>.+)")
_REMARK = re.compile(r"# (?!.*://).*")
"""A comment line. A lock that names an address in a comment is refused, too."""


@dataclasses.dataclass(frozen=True)
class Pin:
    """One package of a lock.

    Attributes:
        name: Canonical name (PEP 503).
        version: The one version that the lock admits.
        sha256: SHA-256 of every file that the lock admits; one file per platform.
        parents: Canonical names of the packages that require this one, and `-r NAME.in`.
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    parents: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """The requirement in pip's notation, `NAME==VERSION`."""
        return f"{self.name}=={self.version}"


def parse(text: str) -> dict[str, Pin]:
    """Parses a lock.

    Args:
        text: Output of `pip-compile --generate-hashes --annotation-style=line`.

    Returns:
        The pins by canonical name, in the order of the lock.

    Raises:
        ValueError: A line is neither a pin with its SHA-256, the reason for a pin, nor a comment
            (for example, it names an index, a URL instead of a version, or another hash); or a
            package is pinned twice or has no hash.
    """
    pins: dict[str, Pin] = {}
    latest = None
    for line in text.replace(_CONTINUATION, " ").splitlines():
        if match := _PIN.fullmatch(line):
            name = _canonical_name(match["name"])
            if name in pins:
                raise ValueError(f"{name} is pinned twice")
            if not match["hashes"]:
                raise ValueError(f"{name}=={match['version']} has no hash")
            hashes = match["hashes"].replace("--hash=sha256:", "").split()
            latest = pins[name] = Pin(name, match["version"], tuple(hashes), ())
        elif latest and (match := _VIA.fullmatch(line)):
            parents = tuple(match["parents"].split(", "))
            latest = pins[latest.name] = dataclasses.replace(latest, parents=parents)
        elif line and not _REMARK.fullmatch(line):
            raise ValueError(
                f"{printable(line, 100)!r} is not allowed in a lock; "
                "expected NAME==VERSION --hash=sha256:DIGEST or a comment"
            )
    return pins


def _canonical_name(name: str) -> str:
    """Returns a package's name as PEP 503 normalizes it."""
    return re.sub(r"[-_.]+", "-", name).lower()
