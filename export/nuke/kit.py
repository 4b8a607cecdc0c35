"""Lists every file of the Nuke kit, with its content."""

from collections.abc import Sequence
from pathlib import Path

from export.nuke import cattery, icon, kit_json
from export.nuke.cat_files import KIT_NAME
from export.nuke.guide import guide
from export.nuke.scripts import cat_file_creator, comp_template, exr_passes
from export.nuke.scripts.gizmo import gizmo
from wrapper.knobs import Knob

_EXPORT = Path(__file__).parent.parent
_COPIED = (
    _EXPORT / "release" / "LICENSE-CorridorKey.txt",
    _EXPORT / "demo" / "known_answers.json",
    _EXPORT / "demo" / "known_answers_hint.png",
    _EXPORT / "demo" / "known_answers_plate.png",
    *sorted((Path(__file__).parent / "in_nuke").glob("*.py")),
)
"""Files that the kit takes as they are."""


def files(knobs: Sequence[Knob]) -> dict[str, bytes]:
    """Returns the content of each file by its path in the kit.

    The same knobs give the same bytes.
    """
    folder = f"Cattery/{KIT_NAME}"  # Nuke looks for folders named Cattery on its plug-in path
    texts = {
        f"{folder}/{KIT_NAME}.gizmo": gizmo.text(knobs),
        f"{folder}/cat.json": cattery.text(),
        "CatFileCreator.nk": cat_file_creator.text(knobs),
        "comp_template.nk": comp_template.text(),
        "exr_passes.nk": exr_passes.text(),
        "guide.html": guide.text(knobs),
        "kit.json": kit_json.text(knobs),
    }
    icons = {
        f"{folder}/{KIT_NAME}.png": icon.png(icon.SIZE),
        f"{folder}/{KIT_NAME}@2x.png": icon.png(2 * icon.SIZE),
    }
    copies = {path.name: path.read_bytes() for path in _COPIED}
    return {path: text.encode() for path, text in texts.items()} | icons | copies
