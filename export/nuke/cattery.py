"""cat.json: the entry in Nuke's Cattery menu, and the oldest version of Nuke that shows it."""

from export.common.json_text import to_json
from export.nuke.cat_files import KIT_NAME
from export.nuke.model import KIT_NUKE


def text() -> str:
    """Returns the content of the file."""
    content = {
        # The gizmo works in every version that the kit is for: it picks the .cat by version.
        "minimum_nuke_version_required": float(KIT_NUKE.split()[0]),
        "version": 1,
        "category": "Segmentation",
        "description": "Green-screen and blue-screen keyer: turns a plate and a rough hint matte "
        "into a foreground without the screen and a matte.",
        "cats": [{"filepath": f"{KIT_NAME}.gizmo", "name": KIT_NAME, "icon": f"{KIT_NAME}.png"}],
    }
    return to_json(content)
