"""The keyer: the same numbers as the file itself, live knobs, clear errors."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from export.pictures.keyer import Keyer, ModelError
from export.tracing.plate import green_screen_plate
from wrapper.knobs import COMPANIONS, KNOBS, Knob

PLATE = green_screen_plate(45, 80)
RGB = PLATE[0, :3].permute(1, 2, 0).numpy()
HINT = PLATE[0, 3].numpy()


@pytest.fixture(scope="module")
def keyer(model_file: Path) -> Keyer:
    return Keyer(model_file)


def test_key_equals_the_output_of_the_file(keyer: Keyer, model_file: Path) -> None:
    module = torch.jit.load(model_file)
    module.despill_strength = 4.0
    module.gamma_input = 1
    expected = module(PLATE)[0].numpy()
    keyed = keyer.key(RGB, HINT, despill_strength=4, gamma_input=1)
    assert keyed.foreground.shape == (45, 80, 3)
    assert keyed.matte.shape == (45, 80)
    assert keyed.foreground.dtype == keyed.matte.dtype == np.float32
    assert np.array_equal(np.moveaxis(keyed.foreground, 2, 0), expected[:3])
    assert np.array_equal(keyed.matte, expected[3])


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_knob_changes_one_key_and_not_the_next(keyer: Keyer, knob: Knob) -> None:
    others = COMPANIONS.get(knob.name, {})
    before = keyer.key(RGB, HINT, **others)
    moved = keyer.key(RGB, HINT, **others, **{knob.name: knob.maximum})
    after = keyer.key(RGB, HINT, **others)
    assert not np.array_equal(before.foreground, moved.foreground) or (
        knob.name == "refiner_strength"  # Its default is its maximum.
        or knob.name in ("highlights", "despeckle")  # The plate has no highlights and no specks.
    )
    assert np.array_equal(before.foreground, after.foreground)
    assert np.array_equal(before.matte, after.matte)


def test_attributes_of_the_model(keyer: Keyer) -> None:
    assert keyer.model_id == "CorridorKey_untrained_64"
    assert keyer.resolution == 64
    assert keyer.untrained


def test_trained_weights_are_not_untrained(model_file: Path, tmp_path: Path) -> None:
    module = torch.jit.load(model_file)
    module.model_id = "CorridorKey_v1.0_Nuke"
    module.save(tmp_path / "trained.pt")
    assert not Keyer(tmp_path / "trained.pt").untrained


def test_started_keys_can_be_finished_later_and_by_another_thread(keyer: Keyer) -> None:
    planes = PLATE[0].numpy()
    first = keyer.start(planes, despill_strength=10)
    second = keyer.start(planes)
    with ThreadPoolExecutor(1) as thread:
        results = [thread.submit(finish).result() for finish in (second, first)]
    for result, strength in zip(results, (0, 10), strict=True):
        expected = keyer.key(RGB, HINT, despill_strength=strength)
        assert np.array_equal(result.foreground, expected.foreground)
        assert np.array_equal(result.matte, expected.matte)


def test_unknown_knob(keyer: Keyer) -> None:
    with pytest.raises(TypeError, match="unknown knob despil"):
        keyer.key(RGB, HINT, despil=3)


class Other(nn.Module):
    """TorchScript that is not a CorridorKey.pt."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_file_of_another_module(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.jit.script(Other()).save(path)
    with pytest.raises(ModelError) as caught:
        Keyer(path)
    message = str(caught.value)
    assert message.startswith(
        f"{path} is not a CorridorKey.pt of this version: it has no attribute"
    )
    assert "model_id, " in message and "\n" not in message


@pytest.mark.parametrize("content", [None, b"", b"weights", b"PK\3\4 a zip that is cut"])
def test_file_that_is_not_torchscript(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "CorridorKey.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Keyer(path)
    assert str(caught.value).startswith(f"{path} is not a CorridorKey.pt: ")
    assert "\n" not in str(caught.value)
