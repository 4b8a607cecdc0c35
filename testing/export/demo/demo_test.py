"""Tests of the demo, from its command to the folder, and of the table of known answers."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from export.demo import demo
from export.demo.known_answers import film, known_answers
from export.pictures.keyer import Keyer


@pytest.fixture(scope="module")
def keyer() -> Keyer:
    """The file that the demo keys with."""
    return Keyer(os.environ["ARTIFACT"])


def test_file_gives_the_known_answers(keyer: Keyer) -> None:
    expected = json.loads(Path(os.environ["KNOWN_ANSWERS"]).read_text())
    actual = known_answers(keyer)
    tolerance = expected["tolerance"]
    assert without_values(actual) == without_values(expected)
    for before, after in zip(expected["pixels"], actual["pixels"], strict=True):
        for value in ("plate_srgb", "hint", "foreground_srgb", "matte"):
            assert np.allclose(before[value], after[value], rtol=0, atol=tolerance), before["name"]


def test_pictures_beside_the_answers_are_the_plate_and_the_hint() -> None:
    filmed = film()
    for name, pixels in ("plate", filmed.plate), ("hint", filmed.hint[..., None]):
        file = Path(os.environ["KNOWN_ANSWERS"]).with_name(f"known_answers_{name}.png")
        assert np.array_equal(np.asarray(Image.open(file)), np.rint(pixels * 255) + np.zeros(3))


def test_known_answers_have_a_pixel_of_each_kind() -> None:
    pixels = json.loads(Path(os.environ["KNOWN_ANSWERS"]).read_text())["pixels"]
    mattes = [pixel["matte"] for pixel in pixels]
    assert min(mattes) < 0.01
    assert max(mattes) > 0.99
    assert any(0.1 < matte < 0.9 for matte in mattes)


def test_one_command_makes_a_folder_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(demo.main)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "corridorkey_demo"
    assert f"Open {folder / 'qa.html'}" in result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "1_plate.png",
        "2_hint.png",
        "3_matte.png",
        "4_foreground.png",
        "5_composite.png",
        "qa.html",
        "qa.json",
    ]
    plate, matte, composite = (
        np.asarray(Image.open(folder / f"{name}.png"), int)
        for name in ("1_plate", "3_matte", "5_composite")
    )
    assert green(plate[matte[..., 0] < 10]) > 50
    assert green(composite) < 5
    face = slice(150, 220), slice(300, 340)
    assert np.abs(plate[face] - composite[face]).mean() < 8
    figures = json.loads((folder / "qa.json").read_text())["errors"]["hair"]
    assert figures["refined"]["sad"] < figures["coarse"]["sad"] < figures["hint"]["sad"]


def test_a_folder_that_cannot_be_made_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corridorkey_demo").write_text("a file")
    result = CliRunner().invoke(demo.main)
    assert result.exit_code == 1
    assert "corridorkey_demo" in result.stderr
    assert (tmp_path / "corridorkey_demo").read_text() == "a file"


def green(pixels: np.ndarray) -> float:
    """Returns how much more green there is than red and blue, of 255, in the mean."""
    return float((pixels[..., 1] - pixels[..., ::2].max(-1)).mean())


def without_values(table: dict[str, Any]) -> dict[str, Any]:
    """Returns what a table says beside its values."""
    places = [(pixel["name"], pixel["nuke_xy"]) for pixel in table["pixels"]]
    return table | {"pixels": places}
