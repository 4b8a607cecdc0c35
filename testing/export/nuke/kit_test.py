"""The folder: as generated now, the same anywhere, each file after the table of knobs."""

import dataclasses
import html.parser
import io
import json
import os
import re
import runpy
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from export.nuke import kit
from export.nuke.scripts.user_knobs import SET_BY_TEMPLATES
from testing.export.nuke.conftest import GIZMO
from testing.export.nuke.recorder import Nuke
from wrapper.knobs import KNOBS, Knob, KnobKind

NAME_KNOBS = {
    "CatFileCreator.nk",
    "comp_template.nk",
    "create_cat.py",
    "exr_passes.nk",
    "guide.html",
    GIZMO,
}
SET_INFERENCE = {"comp_template.nk", "exr_passes.nk", GIZMO}


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def differing(knobs: Sequence[Knob]) -> set[str]:
    """Files that the kit of another table has otherwise."""
    now, then = kit.files(KNOBS), kit.files(knobs)
    assert now.keys() == then.keys()
    return {name for name in now if now[name] != then[name]}


def test_what_is_built_is_what_the_table_asks_for(kit_folder: Path) -> None:
    assert content(kit_folder) == kit.files(KNOBS)


def test_the_same_under_any_hash_seed(tmp_path: Path) -> None:
    for seed in "1", "2":
        subprocess.run(
            [sys.executable, "-m", "export.nuke.write_kit", "--output", tmp_path / seed],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )
    assert content(tmp_path / "1") == content(tmp_path / "2")


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_a_changed_default_changes_every_file_that_names_knobs(knob: Knob) -> None:
    default = knob.maximum if knob.default != knob.maximum else knob.minimum
    changed = [dataclasses.replace(k, default=default) if k is knob else k for k in KNOBS]
    # Of the knobs that would convert colours twice, Inference's values stay what they are.
    unmoved = SET_INFERENCE if knob.name in SET_BY_TEMPLATES else set()
    assert differing(changed) == NAME_KNOBS - unmoved


def test_a_new_knob_appears_in_every_file_that_names_knobs() -> None:
    new = Knob("edge_softness", KnobKind.FLOAT, 0.25, 0.0, 2.0, "Edge Softness", "Softens edges.")
    files = kit.files([*KNOBS, new])
    assert {name for name, text in files.items() if b"edge_softness" in text} == NAME_KNOBS


@pytest.mark.parametrize(
    "change, wherever",
    [
        ({"label": "Despill"}, {"CatFileCreator.nk", "create_cat.py", "guide.html", GIZMO}),
        ({"tooltip": "Less green."}, {"CatFileCreator.nk", "create_cat.py", "guide.html", GIZMO}),
        ({"maximum": 20.0}, {"CatFileCreator.nk", "create_cat.py", "guide.html", GIZMO}),
        ({"name": "despill"}, NAME_KNOBS),
    ],
    ids=["label", "tooltip", "maximum", "name"],
)
def test_a_changed_knob_changes_every_file_that_shows_it(
    change: dict[str, object], wherever: set[str]
) -> None:
    assert differing([dataclasses.replace(KNOBS[0], **change), *KNOBS[1:]]) == wherever  # type: ignore[arg-type]


def test_cat_json_names_files_that_are_there(kit_folder: Path) -> None:
    folder = (kit_folder / GIZMO).parent
    cattery = json.loads((folder / "cat.json").read_text())
    assert set(cattery) == {
        "minimum_nuke_version_required",
        "version",
        "category",
        "description",
        "cats",
    }
    assert cattery["minimum_nuke_version_required"] == 14.0
    (cat,) = cattery["cats"]
    assert set(cat) == {"filepath", "name", "icon"}
    assert (folder / cat["filepath"]).is_file()
    assert (folder / cat["icon"]).is_file()


@pytest.mark.parametrize("name, size", [("CorridorKey.png", 24), ("CorridorKey@2x.png", 48)])
def test_icon(kit_folder: Path, name: str, size: int) -> None:
    data = (kit_folder / GIZMO).with_name(name).read_bytes()
    with Image.open(io.BytesIO(data)) as icon:
        assert (icon.format, icon.mode, icon.size) == ("PNG", "RGBA", (size, size))
        assert icon.getchannel("A").getpixel((0, 0)) == 0  # a round corner
        assert icon.getpixel((size // 3, size // 8)) == (38, 166, 91, 255)  # the screen


def test_starting_nuke_finds_the_gizmo_and_fills_the_menu(
    kit_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    nuke = Nuke(plugin_path=[kit_folder.resolve()])
    monkeypatch.setitem(sys.modules, "nuke", nuke)
    runpy.run_path(str(kit_folder / "init.py"))
    runpy.run_path(str(kit_folder / "menu.py"))

    folders = [Path(folder) for folder in nuke.pluginPath()]
    menu = nuke.toolbar.menus["CorridorKey"]
    icons = nuke.toolbar.icons + menu.icons
    assert all(any((folder / icon).is_file() for folder in folders) for icon in icons)
    for command in menu.commands.values():
        command()
    assert nuke.created == ["CorridorKey"]
    assert {Path(path).name for path in nuke.pasted} == {
        "comp_template.nk",
        "exr_passes.nk",
        "CatFileCreator.nk",
    }
    assert all(Path(path).is_file() for path in nuke.pasted)
    assert opened == [(kit_folder.resolve() / "guide.html").as_uri()]


class Page(html.parser.HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(str(value))
            if name in ("href", "src"):
                self.links.append(str(value))


def test_guide_stands_alone(kit_folder: Path) -> None:
    text = (kit_folder / "guide.html").read_text()
    page = Page()
    page.feed(text)
    assert page.links
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert not re.search(r"url\(|@import|https?:", text)
    assert " object at 0x" not in text


def test_guide_says_what_each_knob_does(kit_folder: Path) -> None:
    text = (kit_folder / "guide.html").read_text()
    for knob in KNOBS:
        assert f"<code>{knob.name}</code>" in text
        assert knob.tooltip in text
