"""Runs the QA report on a small CorridorKey.pt; checks the page, its pictures and its figures."""

import base64
import html.parser
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from export.common.digests import digest
from export.pictures.compositing import srgb_to_linear
from export.pictures.keyer import Keyed, Keyer
from export.pictures.picture_writer import write_png
from export.pictures.synthetic_plates import RECIPES, SyntheticPlate, synthetic_plate
from export.qa.matting_errors import matting_errors
from export.qa.qa_page import data_uri
from export.qa.qa_report import main
from testing.export.verify.small_artifact import SmallExporter
from wrapper.knobs import KNOBS, Knob, KnobKind
from wrapper.model_ids import MODEL_ID

WIDTH, HEIGHT = 64, 36
PLATES = ["hair", "blue-screen"]
NOT_SEEN = {"detail", "highlights", "despeckle"}
"""Knobs that change no color of a plate that is small, has no highlights and no specks."""
JPEG = 6
"""Largest mean error of a JPEG's pixels, of 255."""


@pytest.fixture(scope="module")
def exporter() -> SmallExporter:
    return SmallExporter()


@pytest.fixture(scope="module")
def model_file(exporter: SmallExporter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a CorridorKey.pt with the stand-in weights' name."""
    path = tmp_path_factory.mktemp("model") / "CorridorKey.pt"
    exporter.write(path)
    return path


def report(model_file: Path, output: Path, *options: str) -> Result:
    """Runs the command on two small plates, or with `options`."""
    arguments = [f"--model={model_file}", f"--output={output}", f"--size={WIDTH}", "--device=cpu"]
    return CliRunner().invoke(main, [*arguments, *(options or [f"--plates={p}" for p in PLATES])])


class Page(html.parser.HTMLParser):
    """The elements of a page.

    Attributes:
        ids: Ids of the elements, in order.
        links: Targets of all links, sources and forms.
        pictures: URI of each picture, by the id of its figure.
        titles: Heading of each section, by id.
        tags: Names of the elements.
        heading: Text of the first heading.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self.tags: set[str] = set()
        self.heading = ""
        self._section = self._figure = self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Records an element's tag, id and links."""
        of = {name: value or "" for name, value in attributes}
        self._tag = tag
        self.tags.add(tag)
        self.ids += [of["id"]] if "id" in of else []
        self.links += [of[name] for name in ("href", "src", "srcset", "action") if name in of]
        if tag == "section":
            self._section = of["id"]
        if tag == "figure":
            self._figure = of["id"]
        if tag == "img":
            self.pictures[self._figure] = of["src"]

    def handle_data(self, data: str) -> None:
        """Records headings."""
        if self._tag == "h1":
            self.heading += data.strip()
        if self._tag == "h2":
            self.titles.setdefault(self._section, data)
        self._tag = ""

    def pixels(self, picture: str) -> np.ndarray:
        """Returns a picture [H, W] or [H, W, 3], integers up to 255."""
        return decode_picture(self.pictures[picture])


def decode_picture(uri: str) -> np.ndarray:
    """Decodes the pixels of a data URI."""
    kind, _, text = uri.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert kind == f"data:image/{image.format.lower()}"
    return np.asarray(image).astype(int)


@pytest.fixture(scope="module")
def folder(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output folder of one run."""
    folder = tmp_path_factory.mktemp("report")
    result = report(model_file, folder / "report.html")
    assert result.exit_code == 0, result.output
    steps = re.findall(r"^(.*): \d+\.\d s, peak memory", result.stdout, re.MULTILINE)
    assert steps == [
        "Load the file",
        "Plate 1 of 2: Fine hair",
        "Plate 2 of 2: Blue screen",
        *(f"Knob {i} of {len(KNOBS)}: {knob.label}" for i, knob in enumerate(KNOBS, 1)),
    ]
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    """Source text of the page."""
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    """The page, parsed."""
    return Page(text)


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict:
    """Figures beside the page."""
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def keyer(model_file: Path) -> Keyer:
    """The same file, for keying outside the report."""
    return Keyer(model_file)


@pytest.fixture(scope="module")
def plate() -> SyntheticPlate:
    """The page's first plate."""
    return synthetic_plate(RECIPES["hair"], HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def refined(keyer: Keyer, plate: SyntheticPlate) -> Keyed:
    """Key of the first plate with every knob at its default."""
    return keyer.key(plate.plate, plate.hint)


def test_writes_the_page_and_its_figures_and_nothing_else(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.json"}


def test_page_is_self_contained(page: Page, text: str) -> None:
    assert page.links
    assert all(link.startswith(("#", "data:image/")) for link in page.links)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    assert not re.search(r"url\(|@import|https?://", text)


def test_every_link_of_the_page_has_a_target(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_heading_says_that_the_weights_are_untrained(page: Page, text: str) -> None:
    assert page.heading == "CorridorKey QA: untrained weights"
    assert "Do not approve this file." in text


def test_heading_of_other_weights(exporter: SmallExporter, tmp_path: Path) -> None:
    exporter.write(tmp_path / "CorridorKey.pt", MODEL_ID)
    output = tmp_path / "report.html"
    result = report(tmp_path / "CorridorKey.pt", output, "--plates=noise")
    assert result.exit_code == 0, result.output
    page = Page(output.read_text())
    assert page.heading == "CorridorKey QA"
    assert "untrained" not in output.read_text()
    assert json.loads(output.with_suffix(".json").read_text())["untrained"] is False


def test_page_and_figures_identify_the_file(text: str, figures: dict, model_file: Path) -> None:
    assert figures["file"] == digest(model_file)
    assert figures["manifest"]["model_id"] == "CorridorKey_untrained_256"
    for fact in (
        figures["file"]["sha256"],
        f"{model_file.stat().st_size:,} bytes",
        "CorridorKey_untrained_256",
        figures["manifest"]["checkpoint"]["sha256"],
        "256 × 256, float32",
        "2 at 64 × 36",
    ):
        assert fact in text


def test_sections_are_the_selected_plates_and_all_knobs(page: Page) -> None:
    assert page.titles == {
        "errors": "Errors",
        "hair": "Fine hair",
        "blue-screen": "Blue screen",
        **{knob.name: f"Knob: {knob.label}" for knob in KNOBS},
    }


def test_pictures_of_a_plate(page: Page) -> None:
    for plate in PLATES:
        names = [name.partition(".")[2] for name in page.pictures if name.startswith(f"{plate}.")]
        assert names == [
            *("plate", "hint", "alpha"),
            *("coarse", "refined", "difference"),
            *("foreground", "despilled", "true-foreground"),
            *("over-gray", "over-black", "over-white"),
        ]
    sizes = {page.pixels(picture).shape[:2] for picture in page.pictures}
    assert sizes == {(HEIGHT, WIDTH)}


def test_mattes_are_lossless(page: Page, plate: SyntheticPlate, keyer: Keyer) -> None:
    coarse = keyer.key(plate.plate, plate.hint, refiner_strength=0.0).matte
    refined = keyer.key(plate.plate, plate.hint).matte
    assert not np.array_equal(coarse, refined)
    for name, matte in {
        "hint": plate.hint,
        "alpha": plate.alpha,
        "coarse": coarse,
        "refined": refined,
    }.items():
        pixels = page.pixels(f"hair.{name}")
        assert np.array_equal(pixels[..., 0] if pixels.ndim == 3 else pixels, np.rint(255 * matte))


def test_colors_are_those_of_the_plate_and_its_keys(
    page: Page, plate: SyntheticPlate, refined: Keyed, keyer: Keyer
) -> None:
    despilled = keyer.key(plate.plate, plate.hint, despill_strength=10.0).foreground
    assert not np.allclose(despilled, refined.foreground, atol=0.05)
    for name, rgb in {
        "plate": plate.plate,
        "foreground": refined.foreground,
        "despilled": despilled,
        "true-foreground": plate.foreground,
    }.items():
        assert np.abs(page.pixels(f"hair.{name}") - 255 * rgb).mean() < JPEG


def test_blue_screen_is_keyed_and_despilled_as_one(page: Page, keyer: Keyer) -> None:
    plate = synthetic_plate(RECIPES["blue-screen"], HEIGHT, WIDTH)
    blue, green = (
        keyer.key(plate.plate, plate.hint, despill_strength=10.0, screen_color=screen).foreground
        for screen in (2, 1)
    )
    pixels = page.pixels("blue-screen.despilled")
    assert np.abs(pixels - 255 * blue).mean() < JPEG < np.abs(pixels - 255 * green).mean()


@pytest.mark.parametrize(("name", "light"), [("gray", 0.18), ("black", 0.0), ("white", 1.0)])
def test_composites_are_merged_in_linear_light(
    name: str, light: float, page: Page, refined: Keyed
) -> None:
    matte = refined.matte[..., None]
    merged = srgb_to_linear(refined.foreground) * matte + light * (1 - matte)
    light_on_page = srgb_to_linear(np.float32(page.pixels(f"hair.over-{name}") / 255))
    # An error of 6/255 is at most 0.05 in linear light, near white.
    assert np.abs(light_on_page - merged).mean() < 0.05


def test_difference_is_orange_where_too_solid_and_blue_where_too_transparent(
    page: Page, plate: SyntheticPlate, refined: Keyed
) -> None:
    red, _, blue = np.moveaxis(page.pixels("hair.difference"), -1, 0)
    difference = refined.matte - plate.alpha
    too_solid, too_transparent = difference > 0.2, difference < -0.2
    assert too_solid.any() and too_transparent.any()
    assert (red > blue)[too_solid].mean() > 0.99
    assert (red < blue)[too_transparent].mean() > 0.99


def test_errors_are_those_of_the_mattes(
    figures: dict, text: str, plate: SyntheticPlate, keyer: Keyer, refined: Keyed
) -> None:
    coarse = keyer.key(plate.plate, plate.hint, refiner_strength=0.0).matte
    mattes = {"hint": plate.hint, "coarse": coarse, "refined": refined.matte}
    for stage, matte in mattes.items():
        errors = matting_errors(matte, plate.alpha)
        assert figures["errors"]["hair"][stage] == vars(errors)
        assert f"SAD {errors.sad:.2f}" in text
        both = [figures["errors"][name][stage]["mse"] for name in PLATES]
        assert figures["mean"][stage]["mse"] == pytest.approx(sum(both) / 2, rel=1e-12)


def test_a_matte_that_is_worse_than_its_hint_is_marked(figures: dict, text: str) -> None:
    rows = [*figures["errors"].values(), figures["mean"]]
    worse = sum(
        row["refined"][measure] > row["hint"][measure] for row in rows for measure in row["hint"]
    )
    assert worse > 0  # Untrained weights cannot key.
    assert len(re.findall(r'<td class="[^"]*\bworse\b', text)) == worse


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_a_knob_is_swept_from_end_to_end(knob: Knob, page: Page, figures: dict, text: str) -> None:
    values = list(knob.labels) or [
        f"{value:g}" for value in np.linspace(knob.minimum, knob.maximum, 5)
    ]
    assert list(figures["sweeps"][knob.name]) == values
    names = [name for name in page.pictures if name.startswith(f"{knob.name}.")]
    assert names == [
        f"{knob.name}.{part}-{value.lower()}" for value in values for part in ("rgb", "alpha")
    ]
    default = (
        knob.labels[int(knob.default)] if knob.kind is KnobKind.ENUMERATION else f"{knob.default:g}"
    )
    assert f"<strong>{default} (default): RGB</strong>" in text


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_every_value_of_a_knob_changes_the_picture(knob: Knob, page: Page) -> None:
    if knob.name in NOT_SEEN:
        return
    pictures = [page.pixels(name) for name in page.pictures if name.startswith(f"{knob.name}.rgb")]
    if knob.name == "screen_color":
        trained, green, _ = pictures
        assert (trained == green).all()
        pictures = pictures[1:]
    assert all((one != other).any() for one, other in itertools.pairwise(pictures))


def test_the_same_file_gives_the_same_page(model_file: Path, folder: Path, tmp_path: Path) -> None:
    assert report(model_file, tmp_path / "again.html").exit_code == 0
    for suffix in (".html", ".json"):
        again = (tmp_path / "again.html").with_suffix(suffix)
        assert again.read_bytes() == (folder / "report.html").with_suffix(suffix).read_bytes()


def test_a_file_compared_with_itself_has_no_worse_figure(model_file: Path, tmp_path: Path) -> None:
    plate = synthetic_plate(RECIPES["hair"], HEIGHT, WIDTH)
    write_png(tmp_path / "plate.png", plate.plate)
    write_png(tmp_path / "hint.png", np.repeat(plate.hint[..., None], 3, 2))
    output = tmp_path / "report.html"
    shot = (f"--plate={tmp_path / 'plate.png'}", f"--hint={tmp_path / 'hint.png'}")
    result = report(model_file, output, "--plates=hair", f"--against={model_file}", *shot)
    assert result.exit_code == 0, result.output
    figures = json.loads(output.with_suffix(".json").read_text())
    comparison = figures["comparison"]
    assert comparison["file"] == digest(model_file)
    assert (comparison["tally"]["better"], comparison["tally"]["worse"]) == (0, [])
    assert comparison["plates"]["hair"]["difference"]["matte_most"] == 0
    assert [frame["difference"]["matte_most"] for frame in figures["shot"]] == [0]
    page = Page(output.read_text())
    assert {"compared", "shot-figures", "shot", "hair-compared"} <= page.titles.keys()
    assert not page.pixels("hair-compared.color-difference").any()
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_jpegs_have_full_chroma_resolution() -> None:
    stripes = np.zeros((16, 16, 3), np.float32)
    stripes[:, ::2, 0] = stripes[:, 1::2, 1] = 0.8
    pixels = decode_picture(data_uri(stripes))
    # With chroma at half resolution, red and green would mix: an error of 102.
    assert np.abs(pixels - 255 * stripes).max() < 40


def refusal(result: Result, folder: Path, status: int = 1) -> str:
    """Returns the error message of a run that failed cleanly: no traceback, no file written."""
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit)
    assert not list(folder.iterdir())
    return result.stderr.removeprefix("Error: ")


def test_file_that_is_not_a_model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "other.pt"
    other.write_text("not a model")
    message = refusal(report(other, tmp_path / "report.html"), tmp_path)
    assert message.startswith(f"{other} is not a CorridorKey.pt")


def test_model_without_a_manifest(
    model_file: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = tmp_path_factory.mktemp("bare") / "bare.pt"
    torch.jit.load(model_file).save(bare)
    message = refusal(report(bare, tmp_path / "report.html"), tmp_path)
    assert message == f"{bare} has 0 manifests; expected one. Export it again with this version\n"


def test_device_that_cannot_run_the_model(model_file: Path, tmp_path: Path) -> None:
    message = refusal(report(model_file, tmp_path / "report.html", "--device=meta"), tmp_path)
    assert message.startswith(f"{model_file} does not run on meta: ")
    assert message.count("\n") == 1


def test_missing_folder_is_reported_before_the_work(model_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "missing" / "report.html"
    message = refusal(report(model_file, output), tmp_path)
    assert message == f"cannot write {output}: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--plates=fog",), "'fog' is not one of 'hair', 'motion-blur',"),
        (("--size=10",), "10 is not in the range"),
        (("--output=report.json",), "does not end in .html"),
        (("--output=\x1b]0;title\x07.htm",), r"\x1b]0;title\x07.htm does not end in .html"),
        (("--hint=hint.png",), "it needs --plate"),
    ],
    ids=["plate", "size", "output", "escape", "hint"],
)
def test_invalid_options(
    options: tuple[str, ...], complaint: str, model_file: Path, tmp_path: Path
) -> None:
    message = refusal(report(model_file, tmp_path / "report.html", *options), tmp_path, status=2)
    assert complaint in message
