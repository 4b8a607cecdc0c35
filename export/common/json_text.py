"""Formats the JSON files that this repository writes."""

import json
from collections.abc import Mapping
from typing import Any


def to_json(content: Mapping[str, Any]) -> str:
    """Returns indented JSON that ends in a newline, with the keys in the order of `content`."""
    return json.dumps(content, indent=2) + "\n"
