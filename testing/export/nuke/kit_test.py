"""The kit's folder: current, the same on any machine, generated from the table of knobs."""

import dataclasses
import html.parser
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from export.nuke import kit
from export.nuke.cat_files import KIT_NAME, KIT_VERSION
from export.nuke.scripts.knob_lines import SET_BY_GIZMO
from testing.export.nuke.conftest import GIZMO
from wrapper.knobs import KNOBS, Knob, KnobKind

NAME_KNOBS = {"CatFileCreator.nk", "guide.html", "kit.json", GIZMO}
"""Files that name the model's knobs."""


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def differing(knobs: Sequence[Knob]) -> set[str]:
    """Returns the files that another table changes."""
    now, then = kit.files(KNOBS), kit.files(knobs)
    assert now.keys() == then.keys()
    return {name for name in now if now[name] != then[name]}


def test_the_built_kit_is_current(kit_folder: Path) -> None:
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
    # The gizmo sets the knobs that convert colors itself, whatever their defaults are.
    unchanged = {GIZMO} if knob.name in SET_BY_GIZMO else set()
    assert differing(changed) == NAME_KNOBS - unchanged


def test_a_new_knob_appears_in_every_file_that_names_knobs() -> None:
    new = Knob("edge_softness", KnobKind.FLOAT, 0.25, 0.0, 2.0, "Edge Softness", "Softens edges.")
    files = kit.files([*KNOBS, new])
    assert {name for name, text in files.items() if b"edge_softness" in text} == NAME_KNOBS


@pytest.mark.parametrize(
    "change",
    [{"label": "Despill"}, {"tooltip": "Less green."}, {"maximum": 20.0}, {"name": "despill"}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_knob_changes_every_file_that_shows_it(change: dict[str, object]) -> None:
    changed = [dataclasses.replace(KNOBS[0], **change), *KNOBS[1:]]  # type: ignore[arg-type]
    assert differing(changed) == NAME_KNOBS


def test_names_carry_the_version_of_the_kit(kit_folder: Path) -> None:
    assert f"_{KIT_VERSION}_" in KIT_NAME
    assert (kit_folder / f"{KIT_NAME.lower()}.py").is_file()
    assert f'"./Cattery/{KIT_NAME}"' in (kit_folder / "init.py").read_text()
    assert f"import {KIT_NAME.lower()}\n" in (kit_folder / "menu.py").read_text()
    folder = (kit_folder / GIZMO).parent
    assert {path.name.split(".")[0].split("@")[0] for path in folder.iterdir()} == {KIT_NAME, "cat"}


def test_the_terms_of_the_weights_are_in_the_kit(kit_folder: Path) -> None:
    terms = (kit_folder / "LICENSE-CorridorKey.txt").read_text()
    assert "CC" in terms or "Creative Commons" in terms
    assert "LICENSE-CorridorKey.txt" in (kit_folder / "guide.html").read_text()


def test_the_known_answers_are_in_the_kit(kit_folder: Path) -> None:
    table = json.loads((kit_folder / "known_answers.json").read_text())
    for name in "plate", "hint":
        with Image.open(kit_folder / f"known_answers_{name}.png") as picture:
            assert picture.size == (table["width"], table["height"])


def test_cat_json_names_existing_files(kit_folder: Path) -> None:
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


@pytest.mark.parametrize("suffix, size", [("", 24), ("@2x", 48)])
def test_icon(kit_folder: Path, suffix: str, size: int) -> None:
    data = (kit_folder / GIZMO).with_name(f"{KIT_NAME}{suffix}.png").read_bytes()
    with Image.open(io.BytesIO(data)) as icon:
        assert (icon.format, icon.mode, icon.size) == ("PNG", "RGBA", (size, size))
        assert icon.getchannel("A").getpixel((0, 0)) == 0  # a round corner
        assert icon.getpixel((size // 3, size // 8)) == (38, 166, 91, 255)  # the screen


class Page(html.parser.HTMLParser):
    """Collects the ids, links and tags of a page."""

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


def test_guide_explains_each_knob(kit_folder: Path) -> None:
    text = (kit_folder / "guide.html").read_text()
    for knob in KNOBS:
        assert f"<code>{knob.name}</code>" in text
        assert knob.tooltip in text
