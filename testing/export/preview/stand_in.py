"""Runs the preview with a stand-in for the network, whose key is known: plate and hint themselves.

The stand-in returns the plate as the foreground and the hint as the matte. Files must therefore
come out as they went in, and a test can state every value of a result.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from click.testing import CliRunner, Result

from export.pictures.compositing import Floats, linear_to_srgb
from export.pictures.keyer import Keyed
from export.pictures.picture_writer import write_exr
from export.pictures.windows import Box
from export.preview import preview

HALF = 2.0**-11
"""Largest rounding error of a number up to 1 in half float."""

HEIGHT, WIDTH = 12, 16
FRAME = Box(0, 0, WIDTH, HEIGHT)
RANDOM = np.random.default_rng(0).random((8, HEIGHT, WIDTH), np.float32).astype(np.half)
RANDOM = RANDOM.astype(np.float32)
RGB, HINT = RANDOM[:3], RANDOM[3]
PLATE = dict(zip("RGBA", RANDOM, strict=False))


class StandIn:
    """Has the interface of `Keyer`.

    Attributes:
        model_id: Model Id.
        untrained: True, as for the stand-in weights.
    """

    model_id = "stand-in"
    untrained = True

    def __init__(self, path: Path, device: str) -> None:
        pass

    def start(self, planes: Floats, **knobs: float) -> Callable[[], Keyed]:
        """Returns a function that returns the plate as foreground and the hint as matte."""
        rgb = np.moveaxis(planes[:3], 0, 2).copy()
        srgb = linear_to_srgb(rgb) if knobs["gamma_input"] else rgb
        return lambda: Keyed(srgb.clip(0, 1), planes[3])


class Studio:
    """A folder of inputs beside a folder of results.

    Attributes:
        folder: Folder for the inputs.
        output: Folder of the results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shot"
        self.folder.mkdir()
        self.output = folder / "keyed"
        self._model = folder / "model.pt"
        self._model.write_text("a model")

    def run(self, plate: str, *options: str, hint: str | None = None) -> Result:
        """Runs the preview; names are relative to the folder of the inputs."""
        arguments = [f"--plate={self.folder}/{plate}", f"--model={self._model}", "--device=cpu"]
        arguments += [f"--hint={self.folder}/{hint}"] if hint else []
        return CliRunner().invoke(preview.main, [*arguments, f"--output={self.output}", *options])

    def keyed(self, plate: str, *options: str, hint: str | None = None) -> Result:
        """Runs the preview and checks that it succeeds."""
        result = self.run(plate, *options, hint=hint)
        assert result.exit_code == 0, result.output
        return result

    def failed(self, plate: str, *options: str, hint: str | None = None, status: int = 1) -> str:
        """Runs the preview and returns its errors; checks that it fails without a traceback."""
        result = self.run(plate, *options, hint=hint)
        assert result.exit_code == status, result.output
        assert isinstance(result.exception, SystemExit), result.exception
        return result.stderr

    def layers(self, name: str) -> dict[str, np.ndarray]:
        """Reads every channel of a result."""
        with OpenEXR.File(str(self.output / name), separate_channels=True) as file:
            return {n: channel.pixels.astype(float) for n, channel in file.channels().items()}

    def header(self, name: str) -> dict:
        """Reads the header of a result."""
        with OpenEXR.File(str(self.output / name), header_only=True) as file:
            return dict(file.header())

    def results(self) -> list[str]:
        """Returns the names of the EXRs among the results, sorted."""
        return sorted(path.name for path in self.output.glob("*.exr"))


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio whose network is the stand-in."""
    monkeypatch.setattr(preview, "Keyer", StandIn)
    return Studio(tmp_path)


@pytest.fixture
def shot(studio: Studio) -> Studio:
    """Plates 1 to 6 with hints in files of their own."""
    for frame in range(1, 7):
        write_exr(studio.folder / f"a.{frame}.exr", PLATE, FRAME, FRAME)
        write_exr(studio.folder / f"h.{frame}.exr", {"A": HINT}, FRAME, FRAME)
    return studio


def channels(names: str, first: int = 0) -> dict[str, np.ndarray]:
    """Returns a different plane for each name."""
    return {name: RANDOM[(first + i) % 8].copy() for i, name in enumerate(names.split())}


def assert_key(studio: Studio, name: str, rgb: np.ndarray, hint: np.ndarray) -> None:
    """Checks a result: the foreground is the plate, the matte is the hint."""
    layers = studio.layers(name)
    np.testing.assert_allclose(layers["matte.A"], hint, rtol=0, atol=HALF)
    np.testing.assert_allclose(layers["A"], hint, rtol=0, atol=HALF)
    for i, channel in enumerate("RGB"):
        # The stand-in encodes and decodes sRGB.
        np.testing.assert_allclose(layers[f"FG.{channel}"], rgb[i], rtol=0, atol=HALF + 1e-5)
        np.testing.assert_allclose(layers[channel], rgb[i] * hint, rtol=0, atol=HALF + 1e-5)


def oiio_exr(path: Path, attributes: dict[str, Any], planes: np.ndarray = RANDOM[:4]) -> Path:
    """Writes an EXR in float with attributes: values, or pairs of OIIO's type and a value."""
    spec = OpenImageIO.ImageSpec(planes.shape[2], planes.shape[1], len(planes), OpenImageIO.FLOAT)
    spec.channelnames = tuple("RGBA"[: len(planes)])
    for name, value in attributes.items():
        if isinstance(value, tuple):
            spec.attribute(name, OpenImageIO.TypeDesc(value[0]), value[1])
        else:
            spec[name] = value
    file = OpenImageIO.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(np.moveaxis(planes, 0, 2)))
    file.close()
    return path


def watch(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Returns a list that receives what the network is given."""
    seen: list[np.ndarray] = []
    start = StandIn.start

    def watched(self: StandIn, planes: np.ndarray, **knobs: float) -> Callable:
        seen.append(planes.copy())
        return start(self, planes, **knobs)

    monkeypatch.setattr(StandIn, "start", watched)
    return seen
