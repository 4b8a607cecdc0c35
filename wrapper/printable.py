"""Makes untrusted text safe for a terminal."""


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
