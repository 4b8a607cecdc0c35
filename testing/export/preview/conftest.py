"""Shares the small CorridorKey.pt that the picture tests key with."""

from testing.export.pictures.conftest import model_file

__all__ = ["model_file"]
