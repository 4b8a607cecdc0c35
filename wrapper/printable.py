"""Makes untrusted text safe for a terminal."""

import re
from collections.abc import Sequence

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
"""Characters that Python calls printable and a terminal shows as nothing or as a blank: those that
Unicode calls ignorable by default, fillers, the empty Braille pattern and the null notehead."""


def printable(text: str, limit: int = 1000) -> str:
    r"""Returns text without control characters and no longer than a few lines.

    Control characters, line breaks, bidirectional overrides and unpaired surrogates, on which a
    terminal would act, become escape sequences such as `\x1b`; so do invisible characters.

    Args:
        text: Text from a file, a path, a server or a library's error message.
        limit: Largest number of characters that are kept; an ellipsis replaces the rest.
    """
    if len(text) > limit:
        text = f"{text[:limit]}…"
    return "".join(
        char if char.isprintable() and not _INVISIBLE.match(char) else ascii(char)[1:-1]
        for char in text
    )


def printable_lines(text: str) -> str:
    """Returns the lines of a text, each as `printable` returns it; tabs become spaces."""
    return "\n".join(printable(line.expandtabs()) for line in text.splitlines())


def printable_list(texts: Sequence[str], limit: int, separator: str = "; ") -> str:
    """Joins the first texts, each as `printable` returns it, and the number of the others.

    Args:
        texts: Texts.
        limit: Largest number of texts that are kept.
        separator: Separator between them.
    """
    more = [f"and {len(texts) - limit} more"] if len(texts) > limit else []
    return separator.join([*map(printable, texts[:limit]), *more])
