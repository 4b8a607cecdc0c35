"""Parses untrusted JSON: bounded size, no key twice, no NaN."""

import json
from typing import Any


class JsonError(ValueError):
    """The text is not acceptable JSON; the message is a predicate ("has a key twice")."""


def parse_object(text: bytes, maximum_bytes: int) -> dict[str, Any]:
    """Parses a JSON object.

    Args:
        text: Untrusted bytes. A caller reads at most `maximum_bytes + 1` of them from a file.
        maximum_bytes: Largest accepted text.

    Raises:
        JsonError: The text is too large, is not UTF-8, is not one JSON object, nests too deeply,
            has a key twice, or has NaN or an infinity.
    """
    if len(text) > maximum_bytes:
        raise JsonError(f"has more than {maximum_bytes:,} bytes; that is the limit")
    try:
        content = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except JsonError:
        raise
    except RecursionError:
        raise JsonError("nests too deeply") from None
    except ValueError as error:
        raise JsonError(f"is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise JsonError(f"holds a JSON {type(content).__name__}; expected an object")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise JsonError("has a key twice")
    return content


def _refuse_constant(name: str) -> None:
    raise JsonError(f"has the constant {name}, which JSON does not know")
