"""Runs a program of the kit in a recorded Nuke."""

import dataclasses
import runpy
import sys
from pathlib import Path

import pytest

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.recorder.nuke import Nuke


@dataclasses.dataclass
class Program:
    """A program of the kit.

    Attributes:
        monkeypatch: Undoes what a run changes in this process.
        script: Path of the program.
    """

    monkeypatch: pytest.MonkeyPatch
    script: Path

    def __call__(self, nuke: Nuke, *arguments: object) -> int:
        """Runs the program and returns its exit status."""
        self.monkeypatch.setitem(sys.modules, "nuke", nuke)
        self.monkeypatch.setattr(sys, "argv", [self.script.name, *map(str, arguments)])
        self.monkeypatch.setattr(sys, "path", list(sys.path))
        self.monkeypatch.delitem(sys.modules, KIT_NAME.lower(), raising=False)
        with pytest.raises(SystemExit) as exit_:
            runpy.run_path(str(self.script), run_name="__main__")
        return int(exit_.value.code or 0)
