"""Records what a result was made from, and finds out whether that has changed.

The record is JSON in the result's header. A result is up to date if the same settings were used,
and if plate and hint are the same files: the same path, size and time, or the same digest.
"""

import functools
import json
from pathlib import Path
from typing import Any

from export.common.digests import sha256

FORMAT = 2
"""Version of the record. A result with another version is keyed again."""


def describe_file(path: Path) -> dict[str, Any]:
    """Describes an input file: path, size, time of modification and digest.

    Raises:
        OSError: The file cannot be read.
    """
    description = _describe_quickly(path)
    return description | {"sha256": _digest(path, description["mtime_ns"])}


def record(settings: dict[str, Any], plate: dict[str, Any], hint: dict[str, Any] | None) -> str:
    """Returns the record of a result.

    Args:
        settings: Model and knobs.
        plate: Description of the plate's file, and how it was read.
        hint: The same for the hint; None if it comes from the plate's file.
    """
    return json.dumps({"format": FORMAT, "settings": settings, "plate": plate, "hint": hint})


def parse_record(text: str | None) -> dict[str, Any] | None:
    """Reads a record.

    Args:
        text: Text from a result's header; untrusted. None if the header has none.

    Returns:
        The record, or None if the text is not one.
    """
    try:
        content = json.loads(text or "")
    except (RecursionError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def other_settings(content: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """Returns the names of the settings that differ from those of a record."""
    recorded = content.get("settings")
    if not isinstance(recorded, dict):
        return []
    return [name for name, value in settings.items() if recorded.get(name) != value]


def changes(
    content: dict[str, Any],
    plate: tuple[Path, dict[str, Any]],
    hint: tuple[Path, dict[str, Any]] | None,
) -> str:
    """Compares a record with the present inputs.

    Args:
        content: The record.
        plate: The plate's file, and how it is read.
        hint: The same for the hint; None if it comes from the plate's file.

    Returns:
        What has changed, for the user: "plate", "hint", "plate and hint", or "" for nothing.

    Raises:
        OSError: An input cannot be read.
    """
    if content.get("format") != FORMAT:
        return "version of the preview"
    changed = [
        name
        for name, present in (("plate", plate), ("hint", hint))
        if not _is_same(content.get(name), present)
    ]
    return " and ".join(changed)


def _is_same(recorded: Any, present: tuple[Path, dict[str, Any]] | None) -> bool:
    if recorded is None or present is None:
        return recorded is None and present is None
    path, reading = present
    if not isinstance(recorded, dict) or any(recorded.get(k) != v for k, v in reading.items()):
        return False
    quick = _describe_quickly(path)
    if all(recorded.get(name) == value for name, value in quick.items()):
        return True
    if recorded.get("bytes") != quick["bytes"]:
        return False
    return recorded.get("sha256") == _digest(path, quick["mtime_ns"])


def _describe_quickly(path: Path) -> dict[str, Any]:
    status = path.stat()
    resolved = str(path.resolve()).encode(errors="backslashreplace").decode()
    return {"path": resolved, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


@functools.lru_cache(maxsize=64)
def _digest(path: Path, _mtime_ns: int) -> str:
    """Returns the digest of a file; a hint that serves every frame is read once."""
    return sha256(path)
