"""The Nuke kit: every file of it, from the table of knobs."""

from collections.abc import Sequence
from pathlib import Path

from export.nuke import cat_script, cattery, guide, icon
from export.nuke.model import NAME
from export.nuke.scripts import cat_file_creator, comp_template, exr_passes, gizmo
from wrapper.knobs import Knob

_IN_NUKE = Path(__file__).parent / "in_nuke"


def files(knobs: Sequence[Knob]) -> dict[str, bytes]:
    """Content by path in the kit's folder. The same knobs give the same bytes."""
    folder = f"Cattery/{NAME}"  # Nuke's Cattery menu looks for folders of this name
    texts = {
        f"{folder}/{NAME}.gizmo": gizmo.text(knobs),
        f"{folder}/cat.json": cattery.text(),
        "CatFileCreator.nk": cat_file_creator.text(knobs),
        "comp_template.nk": comp_template.text(knobs),
        "create_cat.py": cat_script.text(knobs),
        "exr_passes.nk": exr_passes.text(knobs),
        "guide.html": guide.text(knobs),
        "init.py": (_IN_NUKE / "init.py").read_text(),
        "menu.py": (_IN_NUKE / "menu.py").read_text(),
    }
    icons = {
        f"{folder}/{NAME}.png": icon.png(icon.SIZE),
        f"{folder}/{NAME}@2x.png": icon.png(2 * icon.SIZE),
    }
    return {path: text.encode() for path, text in texts.items()} | icons
