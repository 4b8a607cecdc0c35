"""What keeps a kit from being whole."""


class GapError(Exception):
    """Something that a kit must hold cannot be had.

    The message names it, and says how to supply it or leave it out.
    """
