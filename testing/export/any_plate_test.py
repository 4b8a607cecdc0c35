"""A built artifact turns any plate into a key within its contract.

BUILD.bazel names the artifact in the environment. Each plate is keyed twice: the bits are the same.
"""

import dataclasses
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from export.tracing.plate import green_screen_plate
from testing.depth import DEPTH
from wrapper.knobs import KNOBS, KnobKind

ARTIFACT = Path(os.environ["ARTIFACT"])
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
LARGEST_AREA = 1 << 20 if DEPTH == 1 else 1 << 24
"""Largest area of a random plate, in pixels; 4096×4096 takes 3 GB."""


@pytest.fixture(scope="module")
def loaded() -> torch.jit.ScriptModule:
    return torch.jit.load(ARTIFACT)


def reset(keyer: torch.jit.ScriptModule) -> None:
    """Sets every knob to its default."""
    for knob in KNOBS:
        setattr(keyer, knob.name, knob.default)


@pytest.fixture
def keyer(loaded: torch.jit.ScriptModule) -> Iterator[torch.jit.ScriptModule]:
    """Returns the loaded file; resets its knobs afterwards."""
    yield loaded
    reset(loaded)


def random_plate(
    height: int, width: int, values: list[float], dtype: torch.dtype, layout: str, share: float
) -> Tensor:
    """Returns a plate [1, 4, H, W] of noise, a share of it replaced by special values."""
    dice = torch.Generator().manual_seed(height * 65537 + width)
    shape = (4, height, width)
    noise = torch.rand(shape, generator=dice)
    special = torch.tensor(values, dtype=torch.float64)[
        torch.randint(len(values), shape, generator=dice)
    ]
    where = torch.rand(shape, generator=dice) < share
    plate = torch.where(where, special, noise.double()).to(dtype)[None]
    if layout == "channels last":
        return plate.contiguous(memory_format=torch.channels_last)
    if layout == "transposed":
        return plate.mT.contiguous().mT
    if layout == "cut out":
        return torch.nn.functional.pad(plate, (1, 2, 3, 1))[..., 3:-1, 1:-2]
    if layout == "one pixel":
        return plate[..., :1, :1].expand(1, 4, height, width)
    return plate


sides = st.sampled_from([1, 2, 3, 31, 127, 255, 256, 257, 1021, 2160, 4093, 4096]) | st.integers(
    1, 4096
)
specials = st.sampled_from(
    [math.nan, math.inf, -math.inf, 1e30, -1e30, 3.4e38, 1e308, 1e-45, 5e-324, -0.0, -1.0, 65504.0]
)
KNOB_VALUES: dict[str, st.SearchStrategy[Any]] = {
    knob.name: st.sampled_from([math.nan, math.inf, -math.inf, -1, 0, 1, 7, 1e300]) | st.floats()
    if knob.kind is KnobKind.FLOAT
    else st.sampled_from([-(2**63), -1, 0, 1, 2, 3, 2**63 - 1])
    for knob in KNOBS
}


EVERY_KNOB = {knob.name: knob.maximum for knob in KNOBS}


@dataclasses.dataclass
class Case:
    """The plate and the knobs of an example."""

    height: int
    width: int
    values: list[float]
    dtype: torch.dtype = torch.float32
    layout: str = "contiguous"
    share: float = 1.0
    knobs: dict[str, Any] = dataclasses.field(default_factory=dict)


cases = st.builds(
    Case,
    height=sides,
    width=sides,
    values=st.lists(specials | st.floats(), min_size=1, max_size=8),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(["contiguous", "channels last", "transposed", "cut out", "one pixel"]),
    share=st.sampled_from([0.0, 0.01, 1.0]),
    knobs=st.fixed_dictionaries({}, optional=KNOB_VALUES),
).filter(lambda case: case.height * case.width <= LARGEST_AREA)


def check_contract(keyer: torch.jit.ScriptModule, case: Case) -> Tensor:
    """Keys a plate twice, checks the contract of the output, and returns the key."""
    for name, value in case.knobs.items():
        setattr(keyer, name, value)
    plate = random_plate(case.height, case.width, case.values, case.dtype, case.layout, case.share)
    before = plate.clone()
    key, again = keyer(plate), keyer(plate)
    assert key.shape == plate.shape
    assert key.dtype == plate.dtype
    assert key.is_contiguous()
    assert key.isfinite().all() and key.min() >= 0
    assert key.max() <= (65504 if case.knobs.get("highlights", 0) > 0 else 1)
    assert torch.equal(key, again)
    assert torch.equal(plate.nan_to_num(), before.nan_to_num())
    return key


def test_any_plate_and_knobs(keyer: torch.jit.ScriptModule) -> None:
    @settings(
        max_examples=8 * DEPTH,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @example(Case(1, 1, [math.nan]))
    @example(Case(1, 4096, [math.inf, 0.5], torch.float16))
    @example(Case(4093, 1, [-math.inf, 1e30], torch.bfloat16))
    @example(Case(8192, 3, [1e-45, 1.0], torch.float64, share=0.5))
    @example(Case(5, 8191, [65504.0, -1.0], torch.float16, "channels last", share=0.01))
    @example(Case(257, 1021, [3.4e38], knobs={"gamma_input": 1, "output_mode": 2}))
    @example(Case(300, 1021, [3.4e38, 0.5], torch.half, knobs=EVERY_KNOB))
    @example(Case(1, 300, [math.nan], torch.float64, "transposed", knobs=EVERY_KNOB))
    @example(Case(1021, 1, [0.0], knobs=EVERY_KNOB))
    @example(Case(1, 1, [math.inf], torch.bfloat16, knobs=EVERY_KNOB))
    @given(cases)
    def check(case: Case) -> None:
        reset(keyer)
        check_contract(keyer, case)

    check()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.0], id="black"),
        pytest.param([1.0], id="white"),
        pytest.param([math.nan], id="NaN"),
        pytest.param([math.inf], id="infinite"),
        pytest.param([1e30], id="1e30"),
        pytest.param([-1.0], id="negative"),
        pytest.param([1e-40], id="denormal"),
    ],
)
def test_plate_of_one_value(keyer: torch.jit.ScriptModule, values: list[float]) -> None:
    check_contract(keyer, Case(108, 192, values))


def test_plate_of_4096_by_4096(keyer: torch.jit.ScriptModule) -> None:
    plate = random_plate(4096, 4096, [math.nan, math.inf, 1e30, -1.0], torch.half, "", 0.01)
    key = keyer(plate)
    assert key.shape == plate.shape and key.dtype == torch.half
    assert key.isfinite().all() and key.min() >= 0 and key.max() <= 1


@pytest.mark.parametrize(
    "shape", [(4, 8, 8), (1, 3, 8, 8), (1, 5, 8, 8), (2, 4, 8, 8), (0, 4, 8, 8)]
)
def test_wrong_shape_is_one_clear_error(
    keyer: torch.jit.ScriptModule, shape: tuple[int, ...]
) -> None:
    with pytest.raises(torch.jit.Error, match=r"input of shape \[.*expected \[1, 4, H, W\]"):
        keyer(torch.zeros(shape))


@pytest.mark.parametrize("name", ["despill_strength", "refiner_strength"])
def test_float_knob_takes_an_int_and_nan(keyer: torch.jit.ScriptModule, name: str) -> None:
    plate = green_screen_plate(54, 96)

    def key(value: float) -> Tensor:
        setattr(keyer, name, value)
        return keyer(plate)

    assert torch.equal(key(1), key(1.0))
    assert torch.equal(key(math.nan), key(0.0))


@pytest.mark.parametrize("value", [1.0, math.nan, 2**64, "1", None])
def test_gamma_input_takes_only_an_int(keyer: torch.jit.ScriptModule, value: Any) -> None:
    with pytest.raises(RuntimeError, match="Could not cast attribute"):
        keyer.gamma_input = value
    assert keyer.gamma_input == 0


@pytest.fixture(scope="module")
def clean(loaded: torch.jit.ScriptModule) -> tuple[Tensor, Tensor]:
    """Returns a plate of the network's size, where one pixel has the most effect, and its key."""
    plate = green_screen_plate(256, 256)
    return plate, loaded(plate)


@pytest.mark.parametrize(
    ("channels", "value"),
    [
        ("plate", math.nan),
        ("plate", math.inf),
        ("plate", -math.inf),
        ("plate", 1e30),
        ("hint", math.nan),
        ("hint", math.inf),
    ],
)
def test_one_bad_pixel_does_not_blank_the_frame(
    keyer: torch.jit.ScriptModule,
    clean: tuple[Tensor, Tensor],
    channels: str,
    value: float,
) -> None:
    plate, key = clean[0].clone(), clean[1]
    y, x = 128, 140
    plate[:, slice(3, 4) if channels == "hint" else slice(0, 3), y, x] = value
    moved = (keyer(plate) - key).abs().amax(1)[0]
    rows, columns = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    distance = torch.hypot((rows - y).float(), (columns - x).float())
    reach = distance[moved > 1 / 255].max().item() if (moved > 1 / 255).any() else 0.0
    beyond = moved[distance > 64].max().item()
    # Every pixel attends to every other, so each changes a little; how much depends on the weights.
    # Measured with these: 45 pixels and 0.0004. With a pixel clamped to 128: 0.76.
    assert reach < 64
    assert beyond < 1 / 255
    assert moved.mean() < 0.005
