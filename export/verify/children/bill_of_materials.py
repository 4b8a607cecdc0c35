"""Holds an untrusted bill of materials to the schema of CycloneDX 1.6; runs in a confined child."""

from collections.abc import Callable
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(request: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Validates a text.

    Args:
        request: `text`, the bill of materials.
        report: Called with `{"problem": ...}`, where None stands for a valid one.
    """
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(request["text"])
    report({"problem": None if problem is None else str(problem)[:1000]})
