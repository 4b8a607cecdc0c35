"""Shares the small CorridorKey.pt of the picture tests."""

from testing.export.pictures.conftest import model_file

__all__ = ["model_file"]
