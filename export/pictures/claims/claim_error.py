"""Defines the error of a picture that claims too much."""


class ClaimError(ValueError):
    """A file claims too much. The message is a predicate; callers prefix the file."""
