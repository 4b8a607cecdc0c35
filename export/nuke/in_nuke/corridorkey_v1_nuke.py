"""Functions that the kit's menu and scripts share in Nuke. The name has the kit's version.

It runs in Nuke's Python, 3.7 to 3.11, and needs `nuke` only where a function says so.
"""

from __future__ import annotations

import hashlib
import json
import webbrowser
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
_MANIFEST = "/extra/corridorkey.json"
_LARGEST_MANIFEST = 1 << 20
_FIELDS = {"knobs", "model_id", "precision", "resolution", "runtime"}
"""Fields of the manifest that the kit reads."""


class KitError(Exception):
    """An error that says what was found, what was expected and what to do."""


def settings() -> dict[str, Any]:
    """Returns kit.json."""
    return json.loads((FOLDER / "kit.json").read_text(encoding="utf-8"))


def read_manifest(pt: Path) -> dict[str, Any]:
    """Returns the manifest inside a .pt.

    Raises:
        KitError: The file is missing, damaged or has no manifest.
    """
    if not pt.is_file():
        raise KitError(f"no such file: {pt}")
    try:
        with zipfile.ZipFile(str(pt)) as archive:
            for record in archive.infolist():
                if record.filename.endswith(_MANIFEST) and record.file_size <= _LARGEST_MANIFEST:
                    return _checked(pt, json.loads(archive.read(record).decode()))
    except (zipfile.BadZipFile, ValueError) as error:
        raise KitError(f"{pt} is damaged: {error}. Copy it again from the release.") from error
    raise KitError(f"{pt} has no manifest. Use a file built by //export:corridorkey_pt.")


def _checked(pt: Path, manifest: Any) -> dict[str, Any]:
    missing = _FIELDS - set(manifest) if isinstance(manifest, dict) else _FIELDS
    if missing:
        raise KitError(f"the manifest in {pt} has no {', '.join(sorted(missing))}. Use the release")
    return manifest


def libtorch(manifest: dict[str, Any], version: tuple[int, int]) -> dict[str, Any]:
    """Returns the entry of kit.json for the libtorch of a version of Nuke.

    Raises:
        KitError: That version of Nuke does not load the file.
    """
    entries = settings()["libtorches"]
    shipped = [entry for entry in entries if tuple(entry["oldest"]) <= version]
    if shipped and shipped[-1]["runtime"] == manifest["runtime"]:
        return shipped[-1]
    fitting = [entry for entry in entries if entry["runtime"] == manifest["runtime"]]
    if not fitting:
        raise KitError(f"the file is for the runtime {manifest['runtime']}, which is not known")
    first, last = fitting[0]["oldest"], fitting[-1]["newest"]
    raise KitError(
        "the file is for Nuke {}.{} to {}.{}; this is Nuke {}.{}. {}".format(
            *first,
            *last,
            *version,
            "Use CorridorKey_nuke14.pt." if version < tuple(first) else "Use CorridorKey.pt.",
        )
    )


def cat_path(manifest: dict[str, Any], number: int) -> Path:
    """Returns the path of the .cat that the gizmo looks for.

    Args:
        manifest: Manifest of the .pt.
        number: Number of the libtorch, as in kit.json.

    Raises:
        KitError: The weights are neither the green nor the blue ones.
    """
    known = settings()
    model_id = manifest["model_id"]
    for start, weights in known["weights"].items():
        if model_id.startswith(start):
            fast = "_fast" if manifest["precision"] == "fast" else ""
            quality = f"{manifest['resolution']}{fast}"
            name = known["cat_name"].format(weights=weights, quality=quality, number=number)
            return FOLDER / "Cattery" / known["kit"] / name
    raise KitError(
        f"the weights of {model_id} are not the published ones, so the node looks for no such "
        "file. Name the .cat with --cat and choose it on the node's Model tab."
    )


def known_answers() -> dict[str, Any]:
    """Returns known_answers.json: pixels that the demo weights give."""
    return json.loads((FOLDER / "known_answers.json").read_text(encoding="utf-8"))


def model_id(cat: str) -> str:
    """Returns the Model Id of a .cat by the .json that create_cat.py wrote beside it."""
    try:
        record = json.loads(Path(cat).with_suffix(".json").read_text(encoding="utf-8"))
        return str(record["model_id"])
    except (KeyError, OSError, TypeError, ValueError):
        return "unknown"


def digest(path: Path) -> dict[str, Any]:
    """Returns the sha256 and the size of a file."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha256.update(block)
    return {"name": path.name, "sha256": sha256.hexdigest(), "bytes": path.stat().st_size}


def this_nuke() -> Any:
    """Returns the module `nuke`.

    Raises:
        KitError: This Python is not Nuke's.
    """
    try:
        import nuke
    except ImportError as error:
        raise KitError("this Python is not Nuke's. Run the script with Nuke -t") from error
    return nuke


class Key:
    """The gizmo in a script, with what a program asks of it.

    Attributes:
        node: The gizmo.
    """

    def __init__(self, nuke: Any, plate: Any, hint: Any, cat: Path | None = None) -> None:
        """Creates the gizmo and connects its inputs.

        Args:
            nuke: The module.
            plate: Node that gives the plate.
            hint: Node that gives the hint.
            cat: The .cat to use, instead of the one that the node chooses.
        """
        kit = settings()["kit"]
        try:
            self.node = nuke.createNode(kit)
        except RuntimeError as error:
            raise KitError(f"no {kit} ({error}). Add {FOLDER} to NUKE_PATH") from error
        self.node.setInput(0, plate)
        self.node.setInput(1, hint)
        self._inference = nuke.toNode(f"{self.node.name()}.Inference1")
        if cat is not None:
            if not cat.is_file():
                raise KitError(f"no such file: {cat}. Make it with create_cat.py")
            self._inference["modelFile"].setValue(cat.resolve().as_posix())

    def set(self, name: str, value: Any) -> None:
        """Sets a knob.

        Raises:
            KitError: The node has no such knob, or the knob takes no such value.
        """
        try:
            knob = self.node[name]
        except (NameError, KeyError) as error:
            raise KitError(f"the node has no knob {name}. guide.html lists them") from error
        try:
            knob.setValue(value)
        except (TypeError, ValueError) as error:
            raise KitError(
                f"{name} does not take {value!r}. guide.html lists the values"
            ) from error
        if knob.value() != value:
            raise KitError(f"{name} is {knob.value()!r} after it was set to {value!r}")

    def gpu(self) -> str:
        """Returns the GPU that Inference shows; "Not available" without one."""
        return self._inference["gpuName"].value() or "Not available"

    def model_file(self) -> str:
        """Returns the path of the .cat; empty if it is not on the plug-in path."""
        return self._inference["modelFile"].evaluate() or ""


def add_menu(menu_file: str) -> None:
    """Adds the kit to Nuke's toolbar.

    Args:
        menu_file: The menu.py that asks. Only the one beside this module adds a menu; any other
            belongs to a second copy of the kit.
    """
    import nuke

    asking = Path(menu_file).resolve().parent
    if asking != FOLDER:
        print(f"CorridorKey: {asking} is not used. {FOLDER} has the same version and comes first.")
        return
    kit = settings()["kit"]
    menu = nuke.menu("Nodes").addMenu("CorridorKey", icon=f"{kit}.png")
    menu.addCommand(kit, lambda: nuke.createNode(kit), icon=f"{kit}.png")
    menu.addCommand("Comp template", lambda: _paste(nuke, "comp_template.nk"))
    menu.addCommand("EXR passes", lambda: _paste(nuke, "exr_passes.nk"))
    menu.addCommand("CatFileCreator (NukeX)", lambda: _paste_cat_file_creator(nuke))
    menu.addCommand("Guide", lambda: webbrowser.open((FOLDER / "guide.html").as_uri()))


def _paste(nuke: Any, name: str) -> Any:
    return nuke.nodePaste((FOLDER / name).as_posix())


def _paste_cat_file_creator(nuke: Any) -> None:
    """Pastes a CatFileCreator, with the paths and the Model Id of a .pt that this Nuke loads.

    The .pt is looked for beside the kit, where a release has it, and inside. The node's own paths
    would be relative to the artist's script.
    """
    version = nuke.NUKE_VERSION_MAJOR, nuke.NUKE_VERSION_MINOR
    node = _paste(nuke, "CatFileCreator.nk")
    for pt in sorted([*FOLDER.parent.glob("*.pt"), *FOLDER.glob("*.pt")]):
        try:
            manifest = read_manifest(pt)
            cat = cat_path(manifest, libtorch(manifest, version)["number"])
        except KitError:
            continue
        node["torchScriptFile"].setValue(pt.as_posix())
        node["catFile"].setValue(cat.as_posix())
        node["modelId"].setValue(manifest["model_id"])
        return
    print("CorridorKey: no .pt for Nuke {}.{} in {}".format(*version, FOLDER.parent))
    for name in "torchScriptFile", "catFile", "modelId":
        node[name].setValue("")
