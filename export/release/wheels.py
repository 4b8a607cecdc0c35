"""Describes the wheels that an export runs on, from their metadata and the lock."""

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
"""SPDX expressions of the trove classifiers that name one license; "BSD License" does not."""

_NOT_IN_METADATA = {"openexr": "BSD-3-Clause"}
"""Licenses of wheels whose metadata do not state one; each was read in the wheel's files."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    """One wheel.

    Attributes:
        name: Canonical name (PEP 503).
        version: Version that the lock has.
        sha256: SHA-256 of every file that the lock admits, one per platform; pip installed one.
        license: SPDX expression if the metadata have one, else what they state instead.
        requires: Names of the wheels that it requires.
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    license: str
    requires: tuple[str, ...]


def read_wheels(listing: Path, lock: Path, external: Path) -> tuple[list[Wheel], list[str]]:
    """Reads the metadata of installed wheels.

    Args:
        listing: Output of `wheels_of` in wheels.bzl: the `METADATA` file of each wheel, the wheels
            that it requires, and the wheels that the exporter imports itself.
        lock: Lock of these wheels.
        external: Folder of external repositories, from which the listing's paths start.

    Returns:
        The wheels sorted by name, and the names of those that the exporter imports itself.

    Raises:
        ValueError: A wheel is not the one in the lock, or its metadata state no license.
    """
    pins = lock_file.parse(lock.read_text())
    content = json.loads(listing.read_text())
    wheels = []
    for entry in content["wheels"]:
        distribution = PathDistribution((external / entry["metadata"]).parent)
        name = canonicalize_name(distribution.name)
        locked = pins[name].version if name in pins else "no version"
        if distribution.version != locked:
            raise ValueError(f"{name}: {distribution.version} is installed; the lock has {locked}")
        requires = tuple(sorted(map(canonicalize_name, entry["requires"])))
        license_ = _license(name, distribution)
        wheels.append(Wheel(name, locked, pins[name].sha256, license_, requires))
    wheels.sort(key=lambda wheel: wheel.name)
    return wheels, sorted(map(canonicalize_name, content["imported"]))


def _license(name: str, distribution: PathDistribution) -> str:
    """Returns the license of a wheel.

    Newer metadata have an SPDX expression. Older ones have free text, which may be the whole
    license, or classifiers.
    """
    metadata = distribution.metadata
    stated, *_ = metadata.get_all("License-Expression") or metadata.get_all("License") or [""]
    if stated not in ("", "UNKNOWN") and "\n" not in stated:
        return stated
    if name in _NOT_IN_METADATA:
        return _NOT_IN_METADATA[name]
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith("License :: ")
    ]
    if not classifiers:
        raise ValueError(
            f"the metadata of {name} state no license. Read it in the wheel's files, and add it to "
            "_NOT_IN_METADATA in export/release/wheels.py"
        )
    return " AND ".join(_SPDX.get(classifier, classifier) for classifier in classifiers)
