"""Defines the error that stops the gathering of a kit."""


class GapError(Exception):
    """A part of the kit is unavailable; the message says how to supply it or leave it out."""
