"""Parses untrusted JSON: bounded size and depth, no key twice, no NaN."""

import json
import math
from typing import Any

MAXIMUM_DEPTH = 32
"""Deepest accepted nesting. What the exporter writes nests up to 8 deep. Far deeper content could
be parsed, and would then exhaust the stack of whatever prints or compares it."""


_TOO_DEEP = f"nests more than {MAXIMUM_DEPTH} deep; that is the limit"


class JsonError(ValueError):
    """The text is not acceptable JSON; the message is a predicate ("has a key twice")."""


def parse_object(text: bytes, maximum_bytes: int) -> dict[str, Any]:
    """Parses a JSON object.

    Args:
        text: Untrusted bytes. A caller reads at most `maximum_bytes + 1` of them from a file.
        maximum_bytes: Largest accepted text.

    Raises:
        JsonError: The text is too large, is not UTF-8, is not one JSON object, nests too deeply,
            has a key twice, or has NaN, an infinity or an unpaired surrogate.
    """
    if len(text) > maximum_bytes:
        raise JsonError(f"has more than {maximum_bytes:,} bytes; that is the limit")
    try:
        content = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except JsonError:
        raise
    except RecursionError:
        raise JsonError(_TOO_DEEP) from None
    except ValueError as error:
        raise JsonError(f"is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise JsonError(f"holds a JSON {type(content).__name__}; expected an object")
    _check_depth(content)
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonError("has half of a surrogate pair, which no other program accepts") from None
    return content


def _check_depth(content: dict[str, Any]) -> None:
    level: list[Any] = [content]
    for _ in range(MAXIMUM_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise JsonError(_TOO_DEEP)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise JsonError("has a key twice")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonError(f"has the number {text[:40]}, which is too large")
    return number


def _refuse_constant(name: str) -> None:
    raise JsonError(f"has the constant {name}, which JSON does not know")
