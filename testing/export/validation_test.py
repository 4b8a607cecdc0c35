"""A good file passes; each way for a file to be wrong is found, and named."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from export import validation
from export.tracing import to_torchscript
from export.validation import ValidationError, validate
from wrapper.knobs import KNOBS, Knob
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


@pytest.fixture(autouse=True)
def small_plate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "PLATE_HEIGHT", 135)
    monkeypatch.setattr(validation, "PLATE_WIDTH", 240)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "CorridorKey.pt"


def test_a_good_file_passes(
    eager: CorridorKeyNukeWrapper, torchscript: torch.jit.ScriptModule, path: Path
) -> None:
    torch.jit.save(torchscript, path)
    result = validate(path, eager)
    assert result.difference <= validation.TOLERANCE
    assert result.difference_when_moved <= validation.TOLERANCE
    assert list(result.moved_by) == [knob.name for knob in KNOBS]
    # A knob that moves the output by less than this could not be told from a dead one.
    assert min(result.moved_by.values()) > 100 * validation.TOLERANCE


def test_the_eager_network_runs_twice(
    eager: CorridorKeyNukeWrapper,
    torchscript: torch.jit.ScriptModule,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    coarse_logits = eager.network.coarse_logits

    def counted(rgb_hint: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(rgb_hint)
        return coarse_logits(rgb_hint)

    monkeypatch.setattr(eager.network, "coarse_logits", counted)
    torch.jit.save(torchscript, path)
    validate(path, eager)
    assert len(calls) == 2


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_a_dead_knob_is_named(
    knob: Knob, eager: CorridorKeyNukeWrapper, torchscript: torch.jit.ScriptModule, path: Path
) -> None:
    living = [other.name for other in KNOBS if other is not knob]
    torch.jit.save(torch.jit.freeze(torchscript, preserved_attrs=living), path)
    with pytest.raises(ValidationError, match=f"does not move with {knob.name}$"):
        validate(path, eager)


def test_a_file_traced_whole_has_no_living_knob(
    eager: CorridorKeyNukeWrapper, path: Path
) -> None:
    torch.jit.save(torch.jit.trace(eager, torch.rand(1, 4, 135, 240), check_trace=False), path)
    names = " and ".join(sorted(knob.name for knob in KNOBS))
    with pytest.raises(ValidationError, match=f"does not move with {names}$"):
        validate(path, eager)


@pytest.mark.parametrize(
    ("name", "with_defaults"),
    [
        ("network.encoder.model.blocks.0.norm1.bias", True),
        ("network.alpha_decoder.classifier.bias", True),
        ("network.refiner.final.bias", True),
        ("std", True),
    ],
)
def test_one_wrong_weight_is_found(
    name: str, eager: CorridorKeyNukeWrapper, path: Path, 
) -> None:
    ...


class Stub(nn.Module):
    """Answers with `red` everywhere, and otherwise keeps the contract."""
