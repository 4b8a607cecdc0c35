"""The wheels that an export runs on: what each is, from its own metadata and the lock."""

import dataclasses
import json
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.utils import canonicalize_name

from export.common import lock_file

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
    pins = lock_file.parse(lock.read_text())
    wheels = []
    listed = json.loads(listing.read_text())
    for entry in listed["wheels"]:
        distribution = PathDistribution(Path(entry["metadata"]).parent)
        name = canonicalize_name(distribution.name)
        locked = pins[name].version if name in pins else "no version"
        if distribution.version != locked:
            raise ValueError(f"{name}: {distribution.version} is installed; the lock has {locked}")
        requires = tuple(sorted(map(canonicalize_name, entry["requires"])))
        wheels.append(
            Wheel(
                name,
                distribution.version,
                pins[name].sha256,
                _licence(name, distribution),
                requires,
            )
        )
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
