"""The wheels that an export runs on: what each is, from its own metadata and the lock."""

import dataclasses
import json
import re
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.utils import canonicalize_name

_PIN = re.compile(r"^([\w.-]+)==([\w.+!]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)

_SPDX = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Trove classifiers that name one licence; "BSD License" does not."""

_NOT_IN_METADATA = {"openexr": "BSD-3-Clause"}
"""Of wheels that have their licence as a file only."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    """One wheel.

    Attributes:
        name: In its canonical form.
        version: The one that the lock has.
        sha256: Every file that the lock admits, one for each platform; pip installed one of them.
        licence: An SPDX expression where the wheel gives one, else its own words.
        requires: Names of the wheels that it imports.
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    licence: str
    requires: tuple[str, ...]


def read_wheels(listing: Path, lock: Path) -> tuple[list[Wheel], list[str]]:
    """Reads the metadata of installed wheels.

    Args:
        listing: What `wheels_of` in wheels.bzl writes: each wheel's `METADATA` file and what it
            requires, and what the exporter imports itself.
        lock: What pip-compile writes with `--generate-hashes`.

    Returns:
        The wheels by name, and the names of those that the exporter imports itself.

    Raises:
        ValueError: A wheel is not the one in the lock, or says nothing of its licence.
    """
    pins = {
        canonicalize_name(name): (version, tuple(re.findall(r"[0-9a-f]{64}", hashes)))
        for name, version, hashes in _PIN.findall(lock.read_text())
    }
    wheels = []
    listed = json.loads(listing.read_text())
    for entry in listed["wheels"]:
        distribution = PathDistribution(Path(entry["metadata"]).parent)
        name = canonicalize_name(distribution.name)
        version, sha256 = pins.get(name, (None, ()))
        if distribution.version != version:
            raise ValueError(f"{name} is {distribution.version}, and in the lock {version}")
        requires = tuple(sorted(map(canonicalize_name, entry["requires"])))
        wheels.append(Wheel(name, version, sha256, _licence(name, distribution), requires))
    wheels.sort(key=lambda wheel: wheel.name)
    return wheels, sorted(map(canonicalize_name, listed["imported"]))


def _licence(name: str, distribution: PathDistribution) -> str:
    metadata = distribution.metadata
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith("License :: ")
    ]
    stated, *_ = metadata.get_all("License-Expression") or metadata.get_all("License") or [""]
    if stated not in ("", "UNKNOWN") and "\n" not in stated:
        return stated
    if name in _NOT_IN_METADATA:
        return _NOT_IN_METADATA[name]
    if not classifiers:
        raise ValueError(f"{name} says nothing of its licence")
    return " AND ".join(_SPDX.get(classifier, classifier) for classifier in classifiers)
