"""Makes untrusted text safe for a terminal."""

from collections.abc import Sequence


def printable(text: str, limit: int = 1000) -> str:
    r"""Returns text without control characters and no longer than a few lines.

    Control characters, line breaks, bidirectional overrides and unpaired surrogates become escape
    sequences such as `\x1b`; a terminal would act on them.

    Args:
        text: Text from a file, a path, a server or a library's error message.
        limit: Largest number of characters that are kept; an ellipsis replaces the rest.
    """
    if len(text) > limit:
        text = f"{text[:limit]}…"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


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
