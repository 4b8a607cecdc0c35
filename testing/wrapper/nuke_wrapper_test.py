"""Tests the contract of the module that Nuke calls.

The first part runs the file that a build ships, saved and loaded again. The second part runs single
steps of the eager wrapper around a `FakeNetwork`.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from export.tracing.meta_device import MetaCounter, run_on_meta
from testing.golden import golden_data
from testing.wrapper.conftest import in_both_attentions
from wrapper.image.color import linear_to_srgb
from wrapper.image.despill import despill
from wrapper.image.detail import key_detail
from wrapper.image.hint import screen_hint
from wrapper.knobs import COMPANIONS, KNOBS, Knob
from wrapper.model_ids import UNTRAINED_MODEL_ID
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

TABLE = {knob.name: knob for knob in KNOBS}
every_knob = pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
MEAN = torch.tensor(IMAGENET_DEFAULT_MEAN).view(1, 3, 1, 1)
ZEROS = torch.zeros(1, 4, 1, 1)
STD = torch.tensor(IMAGENET_DEFAULT_STD).view(1, 3, 1, 1)


class FakeNetwork(nn.Module):
    """A network for 32×32 that records its input and returns fixed logits."""

    def __init__(self, logits: Tensor, delta: Tensor) -> None:
        super().__init__()
        self.logits = logits.expand(1, 4, 32, 32)
        self.delta = delta.expand(1, 4, 32, 32)
        self.refined = False

    def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
        self.rgb_hint = rgb_hint
        return self.logits

    def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:
        self.refined = True
        assert torch.equal(rgb, self.rgb_hint[:, :3])
        torch.testing.assert_close(coarse, self.logits.sigmoid(), rtol=0, atol=0, equal_nan=True)
        return self.delta


def fake_keyer(
    logits: Tensor = ZEROS, delta: Tensor = ZEROS
) -> tuple[CorridorKeyNukeWrapper, FakeNetwork]:
    """Returns a wrapper around a fake network, and the network. Logits: matte, red, green, blue."""
    network = FakeNetwork(logits, delta)
    return CorridorKeyNukeWrapper(network, 32, "fake"), network


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """Resizes as the published pipeline does."""
    return F.interpolate(
        x, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )


@pytest.fixture(scope="session")
def loaded(saved_wrapper: Path) -> torch.jit.ScriptModule:
    return torch.jit.load(saved_wrapper)


@pytest.fixture
def keyer(loaded: torch.jit.ScriptModule) -> Iterator[torch.jit.ScriptModule]:
    """The loaded file; the fixture resets its knobs afterwards."""
    yield loaded
    for knob in KNOBS:
        setattr(loaded, knob.name, knob.default)


# The whole saved file.


@in_both_attentions
@pytest.mark.parametrize("height, width", [(135, 240), (257, 511), (540, 960)])
@pytest.mark.parametrize("name, strength", [("1", 1.0), ("0", 0.0), ("0_25", 0.25)])
def test_output_is_the_published_pipelines(
    keyer: torch.jit.ScriptModule, height: int, width: int, name: str, strength: float
) -> None:
    keyer.refiner_strength = strength
    output = keyer(golden_data.plate(height, width))
    step = 3 if height * width >= 40000 else 1
    golden = golden_data.arrays(f"wrapper_{height}x{width}")[f"refiner_{name}"]
    # The sums have different orders; measured 2.6e-6. The limit leaves room for other CPUs.
    torch.testing.assert_close(
        output[..., ::step, ::step], torch.from_numpy(golden), rtol=0, atol=5e-5
    )


@every_knob
def test_knob_is_live_after_save_and_load(keyer: torch.jit.ScriptModule, knob: Knob) -> None:
    plate = 2 * golden_data.plate(64, 300)  # with highlights, and wider than the network's image
    for name, value in COMPANIONS.get(knob.name, {}).items():
        setattr(keyer, name, value)
    outputs = []
    for value in (knob.minimum, knob.maximum):
        setattr(keyer, knob.name, value)
        outputs.append(keyer(plate))
    # A dead knob changes nothing; a live one moves some pixel by more than 1/255.
    assert (outputs[0] - outputs[1]).abs().max() > 1 / 255


def published(height: int, width: int) -> np.ndarray:
    """Returns the published pipeline's output [4, H, W] for the golden plate, in float64."""
    golden = golden_data.arrays(f"wrapper_{height}x{width}")["refiner_1"]
    return golden[0].astype(np.float64)


def decoded(srgb: np.ndarray) -> np.ndarray:
    """Decodes sRGB (IEC 61966-2-1), written differently from the wrapper."""
    linear = srgb / 12.92
    bright = srgb > 0.04045
    linear[bright] = np.exp(2.4 * np.log((srgb[bright] + 0.055) / 1.055))
    return linear


@pytest.mark.parametrize("screen_color", [0, 2])
@pytest.mark.parametrize("strength", [2.5, 10.0])
@pytest.mark.parametrize("output_mode", [0, 1, 2])
def test_output_is_the_published_pipelines_despilled_and_converted(
    keyer: torch.jit.ScriptModule, screen_color: int, strength: float, output_mode: int
) -> None:
    red, green, blue, matte = published(135, 240)
    plate = golden_data.plate(135, 240)
    if screen_color == 0:
        green = green - strength / 10 * np.maximum(green - (red + blue) / 2, 0)
    else:  # the golden plate with green and blue swapped
        plate = plate[:, [0, 2, 1, 3]]
        green = green - strength / 10 * np.maximum(green - (red + blue) / 2, 0)
        green, blue = blue, green
    expected = [red, green, blue]
    if output_mode > 0:
        expected = [decoded(channel) for channel in expected]
    if output_mode == 2:
        expected = [channel * matte for channel in expected]

    keyer.despill_strength = strength
    keyer.screen_color = screen_color
    keyer.output_mode = output_mode
    output = keyer(plate)[0].numpy()
    # The tolerance of the plain output, times the curve's greatest slope of 2.3.
    np.testing.assert_allclose(output, [*expected, matte], rtol=0, atol=1.2e-4)


@pytest.mark.parametrize("despill_strength", [0.0, 2.5])
@pytest.mark.parametrize(("height", "width"), [(135, 240), (270, 300)])
def test_new_knobs_at_their_defaults_change_no_bit(
    keyer: torch.jit.ScriptModule, height: int, width: int, despill_strength: float
) -> None:
    plate = golden_data.plate(height, width)
    network = keyer.network
    # The wrapper as it was when it had three knobs.
    rgb_hint = resized(plate, 256, 256)
    rgb = (rgb_hint[:, :3] - keyer.mean) / keyer.std
    logits = network.coarse_logits(torch.cat([rgb, rgb_hint[:, 3:]], 1))
    coarse = logits.sigmoid()
    fine = (logits + network.delta_logits(rgb, coarse)).sigmoid()
    key = resized(coarse + 1.0 * (fine - coarse), height, width)
    matte, red, green, blue = key.split(1, 1)
    if despill_strength > 0:
        limited = torch.minimum(green, (red + blue) / 2)
        green = green + despill_strength / 10.0 * (limited - green)
    before = torch.cat([red, green, blue, matte], 1).clamp(0.0, 1.0)

    keyer.despill_strength = despill_strength
    assert torch.equal(keyer(plate), before)


@every_knob
def test_knob_default_of_the_file_is_the_tables(saved_wrapper: Path, knob: Knob) -> None:
    value = getattr(torch.jit.load(saved_wrapper), knob.name)
    assert value == knob.default
    assert type(value) is type(knob.default)


def test_file_says_what_it_is(keyer: torch.jit.ScriptModule) -> None:
    assert keyer.model_id == UNTRAINED_MODEL_ID
    assert keyer.resolution == 256


def test_file_needs_no_gradients(keyer: torch.jit.ScriptModule) -> None:
    assert not any(parameter.requires_grad for parameter in keyer.parameters())


def test_saved_class_has_no_bool_and_no_order_of_a_set(saved_wrapper: Path) -> None:
    with zipfile.ZipFile(saved_wrapper) as archive:
        code = (archive.read(n).decode() for n in archive.namelist() if n.endswith(".py"))
        (source,) = (text for text in code if "class CorridorKeyNukeWrapper(" in text)
    head, _, _ = source.partition("def forward")
    assert head.count(": bool") == 1  # `training`, which every module has
    # TorchScript writes Final constants in the order of a Python set of their names, which
    # changes from process to process. With one there is one order.
    assert head.count(": Final[") <= 1


def test_input_may_be_laid_out_in_any_way(keyer: torch.jit.ScriptModule) -> None:
    plate = golden_data.plate(40, 30)
    output = keyer(plate.contiguous(memory_format=torch.channels_last))
    assert output.is_contiguous()
    # The resize has a kernel for each layout; the kernels add in different orders.
    torch.testing.assert_close(output, keyer(plate), rtol=0, atol=1e-5)


@in_both_attentions
def test_network_runs_in_the_dtype_the_file_is_cast_to(
    keyer: torch.jit.ScriptModule, saved_wrapper: Path
) -> None:
    plate = golden_data.plate(64, 64)
    output = torch.jit.load(saved_wrapper).to(torch.bfloat16)(plate)
    assert output.dtype == plate.dtype
    difference = (output - keyer(plate)).abs()
    # bfloat16 has 8 bits of mantissa; measured 0.03 at most and 0.004 on average. An exact match
    # would mean that the cast did not reach the network.
    assert 0 < difference.mean() < 0.01
    assert difference.max() < 0.1


@in_both_attentions
def test_no_device_is_baked_in(saved_wrapper: Path) -> None:
    # Runs every step on the meta device, where a tensor made on the CPU raises.
    moved = {knob.name: knob.maximum for knob in KNOBS}
    output, _ = run_on_meta(saved_wrapper, (1, 4, 99, 77), **moved)
    assert output.is_meta
    assert output.dtype == torch.half
    assert output.shape == (1, 4, 99, 77)
    assert output.is_contiguous()


def test_refiner_is_not_run_at_strength_0(saved_wrapper: Path) -> None:
    def convolutions(strength: float) -> int:
        _, calls = run_on_meta(saved_wrapper, (1, 4, 64, 64), refiner_strength=strength)
        # Convolutions of bands (at 256 one band is the whole map) and of the traced code.
        return calls["aten.convolution.default"] + calls["aten._convolution.default"]

    # The tenth, of 1×1, is a linear layer on a GPU, whose way the meta device takes.
    assert convolutions(1.0) - convolutions(0.0) == 9


def test_a_plate_that_fits_is_not_resized(saved_wrapper: Path) -> None:
    resize = "aten._upsample_bilinear2d_aa.default"
    assert run_on_meta(saved_wrapper, (1, 4, 256, 255))[1][resize] == 2
    assert run_on_meta(saved_wrapper, (1, 4, 256, 256))[1][resize] == 0


def test_knobs_at_their_defaults_cost_nothing() -> None:
    class Free(nn.Module):
        """A network that runs no operator."""

        def coarse_logits(self, rgb_hint: Tensor) -> Tensor:
            return rgb_hint

        def delta_logits(self, rgb: Tensor, coarse: Tensor) -> Tensor:  # noqa: ARG002
            return coarse

    keyer, plate = CorridorKeyNukeWrapper(Free(), 32, "free"), torch.zeros(1, 4, 40, 40)
    with MetaCounter() as counter:
        keyer(plate)
    # What ran when there were three knobs, and the `clamp_` of the hint.
    views = ("aten.slice.Tensor", "aten.promote_types.default")
    assert {name: calls for name, calls in counter.calls.items() if name not in views} == {
        "aten.nan_to_num.default": 2,
        "aten.clamp.default": 3,
        "aten.le.Scalar": 1,
        "aten.where.self": 1,
        "aten.clamp_.default": 1,
        "aten._upsample_bilinear2d_aa.default": 2,
        "aten.sub.Tensor": 2,
        "aten.div.Tensor": 1,
        "aten.cat.default": 2,
        "aten.sigmoid.default": 2,
        "aten.add.Tensor": 2,
        "aten.mul.Tensor": 1,
    }


# Single steps.


@pytest.mark.parametrize("height, width", [(70, 45), (32, 32), (9, 5)])
def test_srgb_plate_is_resized_and_normalized(height: int, width: int) -> None:
    plate = golden_data.plate(height, width)
    keyer, network = fake_keyer()
    keyer(plate)
    expected = resized(plate, 32, 32)
    # float32 rounding, magnified by the division by 0.22.
    torch.testing.assert_close(
        network.rgb_hint[:, :3], (expected[:, :3] - MEAN) / STD, rtol=0, atol=2e-6
    )
    torch.testing.assert_close(network.rgb_hint[:, 3:], expected[:, 3:], rtol=0, atol=2e-7)


def test_hint_is_clamped_before_it_is_resized() -> None:
    plate = 3 * golden_data.plate(70, 45)
    keyer, network = fake_keyer()
    keyer(plate)
    torch.testing.assert_close(
        network.rgb_hint[:, 3:], resized(plate[:, 3:].clamp(0, 1), 32, 32), rtol=0, atol=2e-7
    )


def test_linear_plate_is_encoded_before_it_is_resized() -> None:
    plate = 4 * torch.from_numpy(golden_data.uniform("plate", (1, 4, 70, 45)).astype(np.float32))
    keyer, network = fake_keyer()
    keyer.gamma_input = 1
    keyer(plate)
    clean = plate.clamp(min=0)
    encoded_first = (resized(linear_to_srgb(clean[:, :3]), 32, 32) - MEAN) / STD
    resized_first = (linear_to_srgb(resized(clean[:, :3], 32, 32)) - MEAN) / STD
    # float32 rounding of values up to 7; the wrong order differs by far more.
    torch.testing.assert_close(network.rgb_hint[:, :3], encoded_first, rtol=0, atol=1e-5)
    assert (encoded_first - resized_first).abs().max() > 0.1
    torch.testing.assert_close(
        network.rgb_hint[:, 3:], resized(clean[:, 3:].clamp(max=1), 32, 32), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (torch.nan, 0.0),
        (-torch.inf, 0.0),
        (-0.5, 0.0),
        (1.5, 1.5),  # highlights pass in the plate
        (128.0, 128.0),
        (129.0, 1.0),  # values above any real light become white
        (3e38, 1.0),
        (torch.inf, 1.0),
    ],
)
def test_input_is_cleaned(value: float, seen: float) -> None:
    keyer, network = fake_keyer()
    keyer(torch.full((1, 4, 32, 32), value))
    assert torch.equal(network.rgb_hint[:, 3:], torch.full((1, 1, 32, 32), min(seen, 1.0)))
    assert torch.equal(network.rgb_hint[:, :3], ((seen - MEAN) / STD).expand(1, 3, 32, 32))


def test_bound_on_highlights_is_above_every_half() -> None:
    largest = linear_to_srgb(torch.tensor(torch.finfo(torch.half).max))
    assert CorridorKeyNukeWrapper.encoded_maximum > largest


def test_output_is_rgb_then_matte() -> None:
    matte_rgb = torch.tensor([0.1, 0.2, 0.3, 0.4]).view(1, 4, 1, 1)
    keyer, _ = fake_keyer(matte_rgb.logit())
    expected = torch.tensor([0.2, 0.3, 0.4, 0.1]).view(1, 4, 1, 1).expand(1, 4, 6, 5)
    # logit and sigmoid, each correct to a few float32 roundings.
    torch.testing.assert_close(keyer(torch.zeros(1, 4, 6, 5)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_refiner_is_blended_after_the_sigmoid(strength: float) -> None:
    logits = torch.tensor([0.5, -1.0, 2.0, 0.0]).view(1, 4, 1, 1)
    delta = torch.tensor([3.0, -2.0, 1.0, -4.0]).view(1, 4, 1, 1)
    keyer, network = fake_keyer(logits, delta)
    keyer.refiner_strength = strength
    coarse, fine = logits.sigmoid(), (logits + delta).sigmoid()
    expected = (coarse + strength * (fine - coarse)).roll(-1, 1).expand(1, 4, 32, 32)
    # float32 rounding of numbers below 1.
    torch.testing.assert_close(keyer(torch.zeros(1, 4, 32, 32)), expected, rtol=0, atol=2e-7)
    assert network.refined == (strength > 0)


@every_knob
def test_knob_out_of_range_acts_as_its_nearest_bound(knob: Knob) -> None:
    logits = 4 * torch.from_numpy(golden_data.uniform("key", (1, 4, 32, 32))).float() - 2
    logits[:, 0, 20:] = -9.0
    logits[:, 0, 30:, 30:] = 9.0  # an island
    plate = 2 * golden_data.plate(32, 40)

    def run(value: float) -> tuple[Tensor, Tensor]:
        keyer, network = fake_keyer(logits, delta=logits)
        for name, other in COMPANIONS.get(knob.name, {}).items():
            setattr(keyer, name, other)
        setattr(keyer, knob.name, value)
        return keyer(plate), network.rgb_hint

    at_bounds = [run(knob.minimum), run(knob.maximum)]
    beyond = [run(knob.minimum - 1), run(knob.maximum + 5)]
    torch.testing.assert_close(beyond, at_bounds, rtol=0, atol=0)
    assert not all(map(torch.equal, *at_bounds))


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float32, torch.float64])
def test_detail_follows_a_plate_that_is_larger_than_the_network(dtype: torch.dtype) -> None:
    plate = golden_data.plate(70, 45).to(dtype)
    keyer, network = fake_keyer(5 * (resized(plate.float(), 32, 32) - 0.5))
    keyer.gamma_input = 1
    soft = keyer(plate)
    keyer.detail = 1.0
    sharp = keyer(plate)
    encoded = linear_to_srgb(plate.float()[:, :3].clamp(min=0))
    guide, key = resized(encoded.clamp(max=1), 32, 32), network.logits.sigmoid()
    expected = resized(key, 70, 45) + key_detail(encoded.clamp(max=1), guide, key, 0, 70)
    # Half a step of the type at 1, and float32 rounding over ε = 1e-4.
    atol = torch.finfo(dtype).eps + 3e-5
    torch.testing.assert_close(sharp.float(), expected.roll(-1, 1).clamp(0, 1), rtol=0, atol=atol)
    assert (sharp - soft).abs().max() > 0.1
    keyer.detail = 0.25
    quarter = (0.75 * resized(key, 70, 45) + 0.25 * expected).roll(-1, 1).clamp(0, 1)
    torch.testing.assert_close(keyer(plate).float(), quarter, rtol=0, atol=atol)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 31)])
def test_detail_does_nothing_for_a_plate_that_the_network_sees_whole(
    height: int, width: int
) -> None:
    plate = golden_data.plate(height, width)
    keyer, _ = fake_keyer(5 * (resized(plate, 32, 32) - 0.5))
    before = keyer(plate)
    keyer.detail = 1.0
    assert torch.equal(keyer(plate), before)


def test_despill_follows_the_resize_back() -> None:
    key = torch.from_numpy(golden_data.uniform("key", (1, 4, 32, 32)).astype(np.float32)) / 2 + 0.5
    keyer, _ = fake_keyer(key.logit())
    keyer.despill_strength = 2.5
    output = keyer(torch.zeros(1, 4, 11, 13))
    small = resized(key, 11, 13)
    # logit and sigmoid near 0 and 1, then float32 rounding; the wrong order differs by far more.
    despilled = despill(small[:, 1:], 0.25, blue_screen=False)
    torch.testing.assert_close(output[:, :3], despilled, rtol=0, atol=1e-6)
    torch.testing.assert_close(output[:, 3:], small[:, :1], rtol=0, atol=1e-6)
    despilled_first = resized(despill(key[:, 1:], 0.25, blue_screen=False), 11, 13)
    assert (output[:, :3] - despilled_first).abs().max() > 1e-2


def test_despill_is_done_in_srgb_before_the_conversion() -> None:
    keyer, _ = fake_keyer(torch.tensor([0.5, 0.2, 0.9, 0.6]).view(1, 4, 1, 1).logit())
    keyer.despill_strength = 10.0
    keyer.output_mode = 1
    # Green is limited to 0.4 in sRGB, then decoded; in linear light the limit would be 0.176.
    green = ((0.4 + 0.055) / 1.055) ** 2.4
    assert keyer(torch.zeros(1, 4, 8, 8))[0, 1, 0, 0].item() == pytest.approx(green, abs=1e-6)
    assert green < 0.14


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16], ids=str)
def test_output_mode_keeps_the_dtype(dtype: torch.dtype) -> None:
    keyer, _ = fake_keyer(torch.tensor([1.0, 0.0, 4.0, -4.0]).view(1, 4, 1, 1))
    keyer.output_mode = 2
    output = keyer(torch.zeros(1, 4, 32, 32, dtype=dtype))
    assert output.dtype == dtype
    fg = decoded(torch.tensor([0.0, 4.0, -4.0], dtype=torch.float64).sigmoid().numpy())
    # A handful of roundings of numbers up to 1.
    np.testing.assert_allclose(
        output[0, :3, 0, 0].double(), fg * 0.7310586, rtol=0, atol=4 * torch.finfo(dtype).eps
    )


@pytest.mark.parametrize(
    ("output_mode", "foreground"),
    [(0, [1.0, 0.0, 0.5]), (1, [1.0, 0.0, 0.2140411]), (2, [0.0] * 3)],
)
def test_a_network_that_breaks_still_gives_a_finite_key(
    output_mode: int, foreground: list[float]
) -> None:
    keyer, _ = fake_keyer(torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0]).view(1, 4, 1, 1))
    keyer.output_mode = output_mode
    output = keyer(torch.zeros(1, 4, 32, 32))
    assert output[0, :, 0, 0].tolist() == pytest.approx([*foreground, 0.0], abs=1e-6)


def test_a_blue_plate_through_green_weights_is_the_green_plate_swapped(
    keyer: torch.jit.ScriptModule,
) -> None:
    plate = golden_data.plate(140, 300)
    for moved in ({}, {name: knob.maximum for name, knob in TABLE.items()}):
        for name, value in moved.items():
            setattr(keyer, name, value)
        keyer.screen_color = 1
        green = keyer(plate)
        keyer.screen_color = 2
        assert torch.equal(keyer(plate[:, [0, 2, 1, 3]]), green[:, [0, 2, 1, 3]])


@pytest.mark.parametrize(
    ("model_id", "screen"),
    [("CorridorKey_v1.0_Nuke", 1), ("CorridorKeyBlue_1.0_Nuke_1024", 2), ("studio-BLUE-7", 2)],
)
def test_weights_know_the_color_of_their_screens(model_id: str, screen: int) -> None:
    network = FakeNetwork(torch.tensor([0.5, 0.2, 0.9, 0.8]).view(1, 4, 1, 1).logit(), ZEROS)
    keyer = CorridorKeyNukeWrapper(network, 32, model_id)
    assert keyer.trained_screen == screen
    plate = golden_data.plate(32, 32)
    plain = keyer(plate)
    keyer.screen_color = screen
    assert torch.equal(keyer(plate), plain)
    # At its defaults despill removes the color of the weights.
    keyer.screen_color = 0
    keyer.despill_strength = 10.0
    foreground = [0.2, 0.5, 0.8] if screen == 1 else [0.2, 0.9, 0.55]
    assert keyer(plate)[0, :3, 0, 0].tolist() == pytest.approx(foreground, abs=1e-6)


@pytest.mark.parametrize("output_mode", [0, 1, 2])
@pytest.mark.parametrize("dtype", [torch.half, torch.float32])
def test_highlights_are_kept_where_the_matte_is_solid(output_mode: int, dtype: torch.dtype) -> None:
    keyer, network = fake_keyer(torch.full((1, 4, 32, 32), 30.0))
    network.logits = network.logits.clone()
    network.logits[:, 0, :, 16:] = -30.0  # no matte on the right
    plate = torch.full((1, 4, 32, 32), 0.5, dtype=dtype)
    plate[:, 0, 8:] = 7.0
    plate[:, 1, 8:] = 60000.0
    keyer.gamma_input, keyer.output_mode = 1, output_mode
    assert keyer(plate).max() == 1
    keyer.highlights = 1
    output = keyer(plate)
    values = torch.tensor([7.0, 60000.0, 1.0])
    expected = values if output_mode else linear_to_srgb(values)
    # Encoding and decoding in the type.
    rtol = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(output[0, :3, 20, 5].float(), expected, rtol=rtol, atol=0)
    right = 0.0 if output_mode == 2 else 1.0
    torch.testing.assert_close(output[0, :3, 20, 25], torch.full((3,), right, dtype=dtype))
    assert output[:, 3].max() == 1


def test_despill_can_preserve_the_light() -> None:
    keyer, _ = fake_keyer(torch.tensor([0.5, 0.30, 0.45, 0.28]).view(1, 4, 1, 1).logit())
    keyer.despill_strength, keyer.despill_mode = 10.0, 1
    key = keyer(torch.zeros(1, 4, 8, 8))
    assert key[0, :3, 0, 0].tolist() == pytest.approx([0.38, 0.29, 0.36], abs=1e-6)


@pytest.mark.parametrize("gamma_input", [0, 1])
def test_the_hint_can_come_from_the_screen(gamma_input: int) -> None:
    plate = golden_data.plate(60, 80)
    keyer, network = fake_keyer()
    keyer.hint_source, keyer.gamma_input = 1, gamma_input
    keyer(plate)
    rgb = linear_to_srgb(plate[:, :3]) if gamma_input else plate[:, :3]
    expected = screen_hint(resized(rgb, 32, 32), False, 60, 80)
    torch.testing.assert_close(network.rgb_hint[:, 3:], expected, rtol=0, atol=1e-5)
    # What the hint was does not matter.
    seen = network.rgb_hint
    plate[:, 3] = torch.nan
    keyer(plate)
    assert torch.equal(network.rgb_hint, seen)


def test_despeckle_is_measured_in_the_frames_width() -> None:
    logits = torch.full((1, 4, 32, 32), 30.0)
    logits[:, 0] = -30.0
    logits[:, 0, 8:, 10:] = 30.0
    logits[:, 0, 2:4, 2:4] = 30.0  # 2×2 of 32
    keyer, _ = fake_keyer(logits)
    plate = torch.zeros(1, 4, 32, 64)
    whole = keyer(plate)
    for despeckle, removed in ((30.0, False), (100.0, True)):
        keyer.despeckle = despeckle
        output = keyer(plate)
        assert (output[0, 3, 2, 5] < 0.5) == removed
        assert torch.equal(output[:, :, 6:], whole[:, :, 6:])
        assert torch.equal(output[:, :3], whole[:, :3])


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    values=st.lists(st.floats(width=32), min_size=1, max_size=8),
    dtype=st.sampled_from([torch.half, torch.bfloat16, torch.float32, torch.float64]),
    knobs=st.fixed_dictionaries(
        {
            "despill_strength": st.floats(),
            "gamma_input": st.integers(-2, 3),
            "refiner_strength": st.floats(),
            "screen_color": st.integers(-2, 4),
            "output_mode": st.integers(-2, 4),
            "detail": st.floats(),
            "despill_mode": st.integers(-2, 3),
            "highlights": st.integers(-2, 3),
            "hint_source": st.integers(-2, 3),
            "despeckle": st.floats(),
        }
    ),
)
def test_contract_holds_for_any_plate_and_knobs(
    height: int, width: int, values: list[float], dtype: torch.dtype, knobs: dict[str, float]
) -> None:
    keyer, _ = fake_keyer(torch.tensor([0.3, -4.0, 5.0, 60.0]).view(1, 4, 1, 1))
    for name, value in knobs.items():
        setattr(keyer, name, value)
    plate = torch.tensor(np.resize(values, (1, 4, height, width)), dtype=dtype)
    output = keyer(plate)
    assert output.shape == plate.shape
    assert output.dtype == dtype
    assert output.is_contiguous()
    assert output.isfinite().all() and output.min() >= 0
    assert output.max() <= (65504 if knobs["highlights"] > 0 else 1)
