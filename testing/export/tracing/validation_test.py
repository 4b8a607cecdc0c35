"""A good file passes; each way in which a file can be wrong is found and named."""

import math
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from export.tracing import validation
from export.tracing.tracing import to_torchscript
from export.tracing.validation import ValidationError, validate
from testing.export.small_network import SmallNetwork
from wrapper.knobs import KNOBS, Knob
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


class Gray(nn.Module):
    """Has the knobs; its answer is `level` everywhere."""

    despill_strength: float
    gamma_input: int
    refiner_strength: float
    screen_color: int
    output_mode: int
    detail: float
    despill_mode: int
    highlights: int
    hint_source: int
    despeckle: float

    def __init__(self, level: float, dtype: torch.dtype, channels: int) -> None:
        super().__init__()
        for knob in KNOBS:
            setattr(self, knob.name, knob.default)
        self.level = level
        self.dtype = dtype
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x[:, : self.channels], self.level, dtype=self.dtype)


@pytest.fixture(autouse=True)
def small_plate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys a sixteenth of the pixels: a refusal tries many subsets of the knobs."""
    monkeypatch.setattr(validation, "PLATE_HEIGHT", 270)
    monkeypatch.setattr(validation, "PLATE_WIDTH", 480)


@pytest.fixture
def small() -> CorridorKeyNukeWrapper:
    torch.manual_seed(0)
    return CorridorKeyNukeWrapper(SmallNetwork(), 32, "small").eval()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "CorridorKey.pt"


@pytest.fixture
def small_file(small: CorridorKeyNukeWrapper, path: Path) -> Path:
    to_torchscript(small).save(path)
    return path


def test_a_good_file_passes(small: CorridorKeyNukeWrapper, small_file: Path) -> None:
    result = validate(small_file, small)
    assert result.difference <= validation.TOLERANCE
    assert result.difference_when_moved <= validation.TOLERANCE
    assert list(result.moved_by) == [knob.name for knob in KNOBS]
    # Far more than is needed to tell a living knob from a dead one.
    del result.moved_by["despeckle"]  # the key of these weights need not have specks
    assert min(result.moved_by.values()) > 100 * validation.TOLERANCE


def test_the_eager_network_runs_twice(small_file: Path) -> None:
    passes = []

    def count(x: Tensor) -> Tensor:
        passes.append(x)
        return x

    torch.manual_seed(0)
    validate(small_file, CorridorKeyNukeWrapper(SmallNetwork(count), 32, "small").eval())
    assert len(passes) == 2


# The key of these weights has no specks, so despeckle cannot be missed.
SEEN = [knob for knob in KNOBS if knob.name != "despeckle"]


@pytest.mark.parametrize("knob", SEEN, ids=lambda knob: knob.name)
def test_a_dead_knob_is_named(knob: Knob, small: CorridorKeyNukeWrapper, path: Path) -> None:
    living = [other.name for other in KNOBS if other is not knob]
    torch.jit.freeze(to_torchscript(small), living, optimize_numerics=False).save(path)
    with pytest.raises(ValidationError, match=f"does not change with {knob.name}$"):
        validate(path, small)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # a trace freezes what they warn of
def test_a_file_traced_whole_has_no_living_knob(small: CorridorKeyNukeWrapper, path: Path) -> None:
    plate = torch.rand(1, 4, validation.PLATE_HEIGHT, validation.PLATE_WIDTH)
    torch.jit.trace(small, plate).save(path)
    names = " and ".join(sorted(knob.name for knob in KNOBS))
    with pytest.raises(ValidationError, match=f"does not change with {names}$"):
        validate(path, small)


@pytest.mark.parametrize("name", ["network.coarse.weight", "network.delta.bias", "std"])
def test_a_tensor_one_percent_off_is_found(
    name: str, small: CorridorKeyNukeWrapper, small_file: Path
) -> None:
    module = torch.jit.load(small_file)
    module.state_dict()[name].mul_(1.01)
    module.save(small_file)
    with pytest.raises(ValidationError, match=r"off the eager network's$"):
        validate(small_file, small)


def test_a_bias_one_percent_off_deep_in_the_real_network_is_found(
    eager: CorridorKeyNukeWrapper, torchscript: torch.jit.ScriptModule, path: Path
) -> None:
    torchscript.save(path)
    module = torch.jit.load(path)
    module.state_dict()["network.encoder.model.blocks.20.mlp.fc1.bias"].mul_(1.01)
    module.save(path)
    with pytest.raises(ValidationError, match=r"off the eager network's$"):
        validate(path, eager)


@pytest.mark.parametrize(
    ("level", "dtype", "channels", "message"),
    [
        (0.5, torch.float32, 4, "off the eager network's"),
        (math.nan, torch.float32, 4, "not between 0 and 1"),
        (math.inf, torch.float32, 4, "not between 0 and 1"),
        (1.001, torch.float32, 4, "not between 0 and 1"),
        (-0.001, torch.float32, 4, "not between 0 and 1"),
        (0.5, torch.float16, 4, r"float16 \[1, 4, \d+, \d+\]; expected torch.float32"),
        (0.5, torch.float32, 3, r"\[1, 3, \d+, \d+\]; expected torch.float32 \[1, 4,"),
    ],
)
def test_an_output_that_breaks_the_contract_is_found(
    level: float,
    dtype: torch.dtype,
    channels: int,
    message: str,
    small: CorridorKeyNukeWrapper,
    path: Path,
) -> None:
    torch.jit.script(Gray(level, dtype, channels)).save(path)
    with pytest.raises(ValidationError, match=message):
        validate(path, small)


def test_a_damaged_file_is_found(small: CorridorKeyNukeWrapper, small_file: Path) -> None:
    os.truncate(small_file, small_file.stat().st_size // 2)
    with pytest.raises(ValidationError, match="does not run"):
        validate(small_file, small)
