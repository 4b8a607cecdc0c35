"""How a test records what it did to the project and what came of it: the rows of FAULTS.md.

    def test_server_error(record_property: faults.Recorder) -> None:
        with faults.row(record_property, "network", "the server answers 500") as row:
            for _ in range(10):
                with row.attempt():
                    row.saw = fetch(...)  # an assertion that fails here ends the test

The counts are made by the run; the row goes into the test's own test.xml even where the test fails.
`tools/bazel run //testing:write_faults` gathers them.
"""

import contextlib
import dataclasses
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ROOMS = {
    "plate": "Any plate",
    "checkpoint": "Any checkpoint",
    "artefact": "Any artefact",
    "network": "A bad network",
    "machine": "A bad machine",
    "supply": "The supply chain",
}
"""The tables of FAULTS.md, in order, and their titles."""

PROPERTY = "fault"
"""Name of the property in test.xml."""

Recorder = Callable[[str, object], None]
"""pytest's `record_property`."""

_SCRATCH = re.compile(
    rf"{re.escape(os.environ.get('TEST_TMPDIR') or tempfile.gettempdir())}(/[^\s'\"]*/)?"
)
_MEMORY = re.compile(r"/dev/shm/\w+/")
_HOST = re.compile(r"(https?://)(?!127\.)[^/\s]+")
_PORT = re.compile(r"(127\.0\.0\.1|localhost):\d+")


@dataclass
class Row:
    """One row.

    Attributes:
        room: A key of ROOMS.
        fault: What was done, in a few words. Rows of the same name become one.
        tried: How many times.
        survived: How many of those ended as they should.
        saw: What the user saw, best in the program's own words.
    """

    room: str
    fault: str
    tried: int = 0
    survived: int = 0
    saw: str = ""

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Counts a `with` block as tried, and as survived if no exception leaves it."""
        self.tried += 1
        yield
        self.survived += 1


@contextlib.contextmanager
def row(record_property: Recorder, room: str, fault: str) -> Iterator[Row]:
    """Records a row at the end of a `with` block, however that ends.

    Args:
        record_property: The test's.
        room: A key of ROOMS.
        fault: What is done.

    Yields:
        The row, to count attempts with and to say what the user saw. Folders of the test, ports and
        mirrors are taken out of that, so that the row says the same on every machine; its lines
        become one.
    """
    assert room in ROOMS
    made = Row(room, fault)
    try:
        yield made
    finally:
        lines = (" ".join(line.split()) for line in made.saw.splitlines())
        saw = _SCRATCH.sub("", " / ".join(filter(None, lines)))
        made.saw = _PORT.sub(r"\1", _HOST.sub(r"\1…", _MEMORY.sub("", saw)))
        record_property(PROPERTY, json.dumps(dataclasses.asdict(made)))
