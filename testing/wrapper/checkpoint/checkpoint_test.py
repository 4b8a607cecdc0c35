import argparse
import collections
import hashlib
import io
import itertools
import random
import struct
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from testing.depth import DEPTH
from testing.golden import golden_data
from testing.hostile.checkpoints import POS_EMBED, STEM, complete
from testing.weights import untrained_weights
from wrapper.checkpoint.checkpoint import CheckpointError, load_checkpoint
from wrapper.model_ids import UNTRAINED_MODEL_ID


@pytest.fixture(scope="session")
def untrained_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("untrained") / "untrained.safetensors"
    untrained_weights.write_untrained_checkpoint(512, path)
    return path


@pytest.fixture(scope="session")
def complete_content() -> dict[str, Any]:
    return complete()


@pytest.fixture
def content(complete_content: dict[str, Any]) -> dict[str, Any]:
    return dict(complete_content)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(content: Any, **options: Any) -> Path:
        path = tmp_path / "checkpoint.pth"
        torch.save(content, path, **options)
        return path

    return write


def error_of(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, 64)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_stand_in_weights_are_read_as_written_and_say_that_they_are_untrained(
    untrained_file: Path,
) -> None:
    checkpoint = load_checkpoint(untrained_file, 512)
    written = untrained_weights.untrained_state_dict(512)
    assert list(checkpoint.state_dict) == list(written)
    for key, tensor in checkpoint.state_dict.items():
        assert torch.equal(tensor, written[key]), key
    assert checkpoint.model_id == UNTRAINED_MODEL_ID
    assert checkpoint.resolution == checkpoint.source_resolution == 512
    assert checkpoint.tensor_count == 367
    assert checkpoint.parameter_count == 99_701_688 - (512**2 - 128**2) * 112


def test_position_embedding_is_resized_as_published(untrained_file: Path) -> None:
    checkpoint = load_checkpoint(untrained_file, 256)
    golden = golden_data.arrays("pos_embed_512_to_256")
    resized = checkpoint.state_dict[POS_EMBED]
    assert list(resized.shape) == golden["shape"].tolist()
    sample = resized.flatten()[torch.from_numpy(golden["index"])]
    # Sixteen float32 products of numbers below 0.08; measured 0.
    torch.testing.assert_close(sample, torch.from_numpy(golden["value"]), rtol=0, atol=1e-7)
    assert checkpoint.resolution == 256
    assert checkpoint.source_resolution == 512


@pytest.mark.parametrize("name", ["CorridorKey_v1.0.pth", "CorridorKeyBlue_1.0.pth", "mine.ckpt"])
def test_model_id_of_other_weights_is_their_digest_whatever_their_name(
    name: str, content: dict[str, Any], save: Callable[..., Path]
) -> None:
    path = save(content)
    path = path.rename(path.with_name(name))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_checkpoint(path, 64).model_id == f"CorridorKey_custom_{digest[:8]}"


# Checkpoints of training runs.


def prefixed(prefix: str, inside: str = "") -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Returns a function that wraps the network, and optionally the encoder's model."""
    return lambda content: {
        prefix + key.replace("encoder.model.", f"encoder.{inside}model."): tensor
        for key, tensor in content.items()
    }


def lightning(content: dict[str, Any]) -> dict[str, Any]:
    """Returns a checkpoint as Lightning saves it, with an optimizer of its own."""
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "global_step": 1200,
        "pytorch-lightning_version": "2.5.1",
        "state_dict": prefixed("model.")(content),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_score": torch.zeros(())}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [{"base_lrs": [1e-4], "milestones": collections.Counter({3: 1})}],
        "hyper_parameters": argparse.Namespace(lr=1e-4),
    }


ALL = 367
NESTED = "removed {} from 367 keys".format


@pytest.mark.parametrize(
    ("wrap", "changes"),
    [
        (lambda content: content, ()),
        (lambda content: {"state_dict": content, "epoch": 7}, ()),
        (lambda content: {"model_state_dict": content, "optimizer": {}}, ()),
        (lambda content: {"model": content, "args": None}, ()),
        (prefixed("module."), (NESTED("module."),)),
        (prefixed("model."), (NESTED("model."),)),
        (prefixed("_orig_mod."), (NESTED("_orig_mod."),)),
        (prefixed("module._orig_mod."), (NESTED("module._orig_mod."),)),
        (prefixed("_orig_mod.module."), (NESTED("_orig_mod.module."),)),
        (prefixed("model._orig_mod.module."), (NESTED("model._orig_mod.module."),)),
        (prefixed("model.model."), (NESTED("model.model."),)),
        (prefixed("", "_orig_mod."), ("removed _orig_mod. from 297 keys",)),
        (
            prefixed("module.", "module."),
            ("removed module.module. from 297 keys", "removed module. from 70 keys"),
        ),
        (lightning, (NESTED("model."),)),
        (lambda content: {"module": prefixed("module.")(content)}, (NESTED("module."),)),
    ],
)
def test_names_of_a_training_run_are_adapted(
    content: dict[str, Any],
    save: Callable[..., Path],
    wrap: Callable[[dict[str, Any]], dict[str, Any]],
    changes: tuple[str, ...],
) -> None:
    content[STEM] = torch.full_like(content[STEM], 3.0)
    checkpoint = load_checkpoint(save(wrap(content)), 64)
    assert checkpoint.state_dict.keys() == content.keys()
    assert torch.equal(checkpoint.state_dict[STEM], content[STEM])
    assert checkpoint.changes == changes


@pytest.mark.parametrize(("dtype", "flat"), [(torch.float16, True), (torch.bfloat16, False)])
def test_half_precision_is_converted_without_loss(
    dtype: torch.dtype, flat: bool, content: dict[str, Any], save: Callable[..., Path]
) -> None:
    content[STEM] = torch.randn(content[STEM].shape)
    content[POS_EMBED] = torch.randn(1, 64, 112)  # for 32 pixels, so it is resized
    halves = {
        key: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for key, tensor in content.items()
    }
    path = save(halves)
    if flat:
        path = path.with_suffix(".safetensors")
        whole = {key: tensor.contiguous() for key, tensor in halves.items()}
        safetensors.torch.save_file(whole, path)
    checkpoint = load_checkpoint(path, 64)
    name = str(dtype).removeprefix("torch.")
    assert checkpoint.changes == (f"converted 365 tensors from {name} to float32",)
    assert torch.equal(checkpoint.state_dict[STEM], halves[STEM].double().float())
    assert {t.dtype for t in checkpoint.state_dict.values()} == {torch.float32, torch.int64}
    same = save(content | {POS_EMBED: halves[POS_EMBED].float()})
    expected = load_checkpoint(same, 64).state_dict[POS_EMBED]
    assert torch.equal(checkpoint.state_dict[POS_EMBED], expected)


@pytest.mark.parametrize("kind", ["missing", "float16", "half of them"])
def test_counters_of_training_steps_do_not_matter(
    kind: str, content: dict[str, Any], save: Callable[..., Path]
) -> None:
    names = [key for key in content if key.endswith("num_batches_tracked")]
    assert len(names) == 2
    for name in names[: 1 if kind == "half of them" else 2]:
        if kind == "float16":
            content[name] = torch.tensor(70_000.0).half()  # infinite
        else:
            del content[name]
    checkpoint = load_checkpoint(save(content), 64)
    assert [int(checkpoint.state_dict[name]) for name in names] == [0, 0]
    (change,) = checkpoint.changes
    assert change.startswith("set num_batches_tracked of ") and change.endswith(" to 0")
    assert change.count("_decoder.bn") == (1 if kind == "half of them" else 2)


def test_options_of_lightning_are_not_read(
    content: dict[str, Any], save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "lightning.fabric.utilities.data"
    options = type("AttributeDict", (dict,), {"__module__": name})
    for parent in itertools.accumulate(name.split("."), "{}.{}".format):
        module = types.ModuleType(parent)
        monkeypatch.setattr(module, "AttributeDict", options, raising=False)
        monkeypatch.setitem(sys.modules, parent, module)
    made = options(lr=collections.defaultdict(int, a=1), size=torch.Size([3]))
    path = save({"state_dict": content, "hyper_parameters": made})
    assert load_checkpoint(path, 64).state_dict.keys() == content.keys()


def test_several_state_dicts_are_ambiguous(
    content: dict[str, Any], save: Callable[..., Path]
) -> None:
    message = error_of(save({"model": content, "module": content}))
    assert "it has the state dicts model, module; save one of them alone" in message


@pytest.mark.parametrize("side", [1, 5, 16, 33])
def test_any_square_grid_of_positions_is_resized(
    content: dict[str, Any], save: Callable[..., Path], side: int
) -> None:
    content[POS_EMBED] = torch.full((1, side**2, 112), 0.25)
    checkpoint = load_checkpoint(save(content), 64)
    assert checkpoint.source_resolution == 4 * side
    # Bicubic weights sum to 1, to float32 rounding.
    torch.testing.assert_close(
        checkpoint.state_dict[POS_EMBED], torch.full((1, 256, 112), 0.25), rtol=0, atol=1e-6
    )


def replace(key: str, tensor: Tensor) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update({key: tensor})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda content: content.pop(STEM), f"missing: {STEM} [64, 7, 3, 3]"),
        (replace("head.fc.weight", torch.zeros(9, 2)), "unexpected: head.fc.weight [9, 2]"),
        (
            replace(STEM, torch.zeros(64, 8, 3, 3)),
            f"wrong shape: {STEM} is [64, 8, 3, 3], not [64, 7, 3, 3]",
        ),
        (
            replace(POS_EMBED, torch.zeros(1, 250, 112)),
            f"wrong shape: {POS_EMBED} is [1, 250, 112], not [1, 225, 112]",
        ),
        (
            replace(POS_EMBED, torch.zeros(1, 0, 112)),
            f"wrong shape: {POS_EMBED} is [1, 0, 112], not [1, 1, 112]",
        ),
        (
            replace(POS_EMBED, torch.zeros(1, 256, 96)),
            f"wrong shape: {POS_EMBED} is [1, 256, 96], not [1, 256, 112]",
        ),
        (
            replace(POS_EMBED, torch.zeros(256, 112)),
            f"wrong shape: {POS_EMBED} is [256, 112], not [1, 256, 112]",
        ),
        (
            replace(STEM, torch.zeros(64, 7, 3, 3).double()),
            f"wrong dtype: {STEM} is torch.float64, not torch.float32",
        ),
        (replace(STEM, torch.full((64, 7, 3, 3), torch.inf).half()), f"not finite: {STEM}"),
        (replace(STEM, torch.full((64, 7, 3, 3), torch.nan)), f"not finite: {STEM}"),
        (replace(STEM, torch.full((64, 7, 3, 3), torch.inf)), f"not finite: {STEM}"),
    ],
)
def test_wrong_tensor_is_named(
    content: dict[str, Any],
    save: Callable[..., Path],
    edit: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    edit(content)
    error = error_of(save(content))
    assert message in error
    assert error.count("\n") == 2  # one problem, and the advice


def test_many_problems_are_told_by_prefix(
    content: dict[str, Any], save: Callable[..., Path]
) -> None:
    encoder = {key: tensor for key, tensor in content.items() if key.startswith("encoder.")}
    _, *problems, _advice = error_of(save(encoder)).splitlines()
    assert [problem.partition(", such as")[0] for problem in problems] == [
        "  missing: 38 tensors refiner.*",
        "  missing: 15 tensors alpha_decoder.*",
        "  missing: 15 tensors fg_decoder.*",
    ]


def test_unknown_prefix_is_shown_first(content: dict[str, Any], save: Callable[..., Path]) -> None:
    _, first, second, *_ = error_of(save(prefixed("net.core.")(content))).splitlines()
    assert first.startswith("  unexpected: 367 tensors net.core.*, such as net.core.alpha_decoder.")
    assert second.startswith("  missing: 297 tensors encoder.model.*, such as encoder.model.blocks")


def test_smaller_network_and_average_of_weights_are_told_by_prefix(
    content: dict[str, Any], save: Callable[..., Path]
) -> None:
    average = {f"ema.{key}": tensor for key, tensor in content.items()}
    message = error_of(save(prefixed("model.")(content) | average))
    assert message.splitlines()[1].startswith("  unexpected: 367 tensors ema.*, such as ema.")
    blocks = {key: t for key, t in content.items() if ".blocks.2" not in key}
    message = error_of(save(blocks))
    assert message.splitlines()[1].startswith("  missing: 64 tensors encoder.model.blocks.*, such")


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "model.module."])
def test_keys_that_collide_without_their_prefix(
    prefix: str, content: dict[str, Any], save: Callable[..., Path]
) -> None:
    content[prefix + STEM] = content[STEM]
    message = error_of(save(content))
    assert f"holds {STEM} twice, as {STEM} and {prefix}{STEM}; keep one" in message


def test_encoder_without_its_own_model_is_not_taken_for_the_networks(
    content: dict[str, Any], save: Callable[..., Path]
) -> None:
    other = {key.replace("encoder.model.", "encoder."): t for key, t in content.items()}
    message = error_of(save(other))
    assert "unexpected: 297 tensors encoder.*" in message
    assert "missing: 297 tensors encoder.model.*" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(3)], "holds a list"),
        ({"state_dict": torch.zeros(3)}, "holds a Tensor"),
        ({"net": {}, "epoch": 3}, "'net' is of type dict, not a tensor"),
        ({"weights": Path("anything that is code")}, "holds more than tensors"),
    ],
)
def test_pickle_of_something_else(content: Any, save: Callable[..., Path], message: str) -> None:
    assert message in error_of(save(content))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.safetensors", b"", "is empty"),
        ("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("page.safetensors", b"<!DOCTYPE html><html></html>", "is a web page"),
        ("page.pth", b"\n<html><head>", "is a web page"),
        ("noise.safetensors", bytes(range(256)), "is damaged"),
        ("noise.pth", bytes(range(256)), "is damaged"),
        ("weights.bin", b"PK\3\4", "expected one of .safetensors, .pth, .pt, .ckpt"),
    ],
)
def test_file_of_something_else(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert message in error_of(path)


def test_layout_of_a_file_is_not_that_of_the_weights(
    content: dict[str, Any], save: Callable[..., Path]
) -> None:
    plain = content | {STEM: torch.rand(64, 7, 3, 3)}
    base = torch.rand(9, 64, 7, 3, 3)
    base[5] = plain[STEM]
    for stem in (
        plain[STEM].to(memory_format=torch.channels_last),
        plain[STEM].permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0),
        torch.nn.Parameter(plain[STEM]),
        base[5],
    ):
        loaded = load_checkpoint(save(content | {STEM: stem}), 64).state_dict[STEM]
        assert torch.equal(loaded, plain[STEM])
        assert type(loaded) is Tensor and not loaded.requires_grad
        assert loaded.is_contiguous()
        assert loaded.untyped_storage().nbytes() == loaded.nbytes


# A fuzzer. Its seeds are fixed, so a failing run can be repeated.


@pytest.fixture(scope="session")
def zipped() -> bytes:
    """A complete .pth of 110 kB; the tensors hold different numbers."""
    content = {
        key: torch.full((), n, dtype=tensor.dtype).expand(tensor.shape)
        for n, (key, tensor) in enumerate(complete().items())
    }
    saved, packed = io.BytesIO(), io.BytesIO()
    torch.save(content, saved)
    # Leaves out the padding between torch's records, where damage has no effect.
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return packed.getvalue()


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A .safetensors of 70 kB, with all names and three numbers per tensor."""
    path = tmp_path_factory.mktemp("flat") / "checkpoint.safetensors"
    safetensors.torch.save_file({key: torch.zeros(3) for key in complete()}, path, {"a": "b"})
    return path.read_bytes()


def truncations(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """Cuts the file near both ends, where a reader looks first, and anywhere."""
    ends = [*range(64), *range(len(data) - 200, len(data), 4)]
    for length in [*ends, *(dice.randrange(len(data)) for _ in range(100 * DEPTH))]:
        yield data[:length]


def flipped_bits(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """Flips one to eight bits."""
    for _ in range(30 * DEPTH):
        damaged = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 8))):
            damaged[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        yield bytes(damaged)


def splices(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """Leaves a piece out, repeats it or replaces it by random bytes."""
    for _ in range(100 * DEPTH):
        start, end = sorted(dice.randrange(len(data)) for _ in range(2))
        middle = dice.choice((b"", 2 * data[start:end], dice.randbytes(64)))
        yield data[:start] + middle + data[end:]


def wrong_numbers(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """Replaces a number by its largest value, by 0 or by a random one."""
    for _ in range(30 * DEPTH):
        damaged = bytearray(data)
        form = dice.choice(("<H", "<I", "<Q"))
        most = (1 << 8 * struct.calcsize(form)) - 1
        value = dice.choice((0, 1, most, most >> 1, (most >> 1) + 1, dice.randint(0, most)))
        struct.pack_into(form, damaged, dice.randrange(len(data) - 8), value)
        yield bytes(damaged)


@pytest.mark.parametrize("damage", [truncations, flipped_bits, splices, wrong_numbers])
@pytest.mark.parametrize("kind", ["zipped", "flat"])
def test_damaged_file_is_refused_or_does_not_matter(
    kind: str,
    damage: Callable[[bytes, random.Random], Iterator[bytes]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    data = request.getfixturevalue(kind)
    path = tmp_path / f"damaged{'.pth' if kind == 'zipped' else '.safetensors'}"
    whole = range(len(complete()))
    for damaged in damage(data, random.Random(f"{kind} {damage.__name__}")):
        path.write_bytes(damaged)
        try:
            state_dict = load_checkpoint(path, 64).state_dict
        except CheckpointError:
            pass
        else:
            # Zip files have checksums: damage is found, or lies where nothing is read.
            for n, tensor in zip(whole, state_dict.values(), strict=True):
                assert tensor.min() == tensor.max() == n


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "No such file" in error_of(tmp_path / "absent.safetensors")
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    assert "is a folder" in error_of(folder)
