"""Names of the .cat files: create_cat.py writes them, and the gizmo looks for them.

    CorridorKey_v1_Nuke_green_2048_torch201.cat
    ^^^^^^^^^^^^^^^^^^^ ^^^^^ ^^^^ ^^^^^^^^
    kit                 |     |    libtorch 2.1.1: Nuke 15.1 to 16.0
                        |     side of the image
                        weights

The names carry the version of the kit because other published kits have a CorridorKey.gizmo and a
CorridorKey.cat, and Nuke takes the first file of a name that it finds on its plug-in path.
"""

import dataclasses

from export.nuke.model import NAME
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID

KIT_VERSION = "v1"
"""Changes when a saved script would render differently with the new gizmo."""
KIT_NAME = f"{NAME}_{KIT_VERSION}_Nuke"
"""Class of the gizmo. The version is not last, because Nuke numbers nodes by their last digits."""

QUALITIES = ("2048", "2048_fast", "1536", "1024", "512")
"""Sides of the image that the network sees, in pixels. The first is the default. The fast one
computes float32 plates mostly in half on a GPU."""

WEIGHTS = {MODEL_ID: "green", BLUE_MODEL_ID: "blue"}
"""The word for the weights in a .cat name, by the start of the Model Id."""


@dataclasses.dataclass(frozen=True)
class Libtorch:
    """The versions of Nuke that ship one libtorch and so share a .cat.

    Attributes:
        version: Version of libtorch.
        number: The version as a number, as it stands in a .cat name: 201 for 2.1.1.
        oldest: Oldest version of Nuke, (major, minor).
        newest: Newest version of Nuke.
        runtime: Runtime of the .pt files that this libtorch loads.
    """

    version: str
    number: int
    oldest: tuple[int, int]
    newest: tuple[int, int]
    runtime: str

    @property
    def nuke(self) -> str:
        """The versions of Nuke, "15.1 to 16.0"."""
        return "{}.{} to {}.{}".format(*self.oldest, *self.newest)


LIBTORCHES = (
    Libtorch("1.12.1", 112, (14, 0), (15, 0), "nuke14"),
    Libtorch("2.1.1", 201, (15, 1), (16, 0), "nuke17"),
    Libtorch("2.7.1", 207, (16, 1), (17, 0), "nuke17"),
)
"""Versions of libtorch in Nuke, in ascending order. Each has its own .cat, because a .cat made in
Nuke 14 has failed in Nuke 15."""


def cat_name(weights: str, quality: str, number: str) -> str:
    """Returns the name of a .cat. The parts may be Tcl that Nuke evaluates."""
    return f"{KIT_NAME}_{weights}_{quality}_torch{number}.cat"
