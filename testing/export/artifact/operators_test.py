"""A good file passes; everything that has broken a CorridorKey file is found and named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.artifact.operators import GraphError, check_graph, operators
from export.artifact.runtimes import RUNTIMES
from export.tracing.meta_device import run_on_meta
from export.tracing.tracing import to_torchscript
from testing.export.small_network import SmallNetwork
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper


def attention(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x)


class BranchesOnDevice(nn.Module):
    """A scripted module around a good network."""

    def __init__(self, network: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda:
            return x
        return self.network.coarse_logits(x)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "CorridorKey.pt"


def save(path: Path, step: Callable[[Tensor], Tensor]) -> torch.jit.ScriptModule:
    """Saves a wrapper around a traced network with the step."""
    module = to_torchscript(CorridorKeyNukeWrapper(SmallNetwork(step), 32, "small"))
    module.save(path)
    return module


def test_good_file_passes_for_every_runtime(path: Path) -> None:
    save(path, torch.relu)
    for runtime in RUNTIMES:
        check_graph(path, runtime)
    run_on_meta(path, (1, 4, 9, 9))


def test_operators_of_network_and_wrapper_are_listed(path: Path) -> None:
    save(path, torch.relu)
    listed = operators(path)
    assert listed == sorted(set(listed))
    assert {"aten::relu", "aten::_convolution", "aten::_upsample_bilinear2d_aa"} <= set(listed)
    save(path, torch.sin)
    assert set(operators(path)) - set(listed) == {"aten::sin"}


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (lambda x: x.view(x.shape[0], 4, 32, 32), "its network uses prim::NumToTensor.Scalar"),
        (lambda x: x.view(1, 4, x.shape[2] // 2 * 2, 32), "its network uses aten::floor_divide"),
        (lambda x: x.view(1, x.shape[1], 32, 32), "its network uses aten::size.int"),
        (lambda x: x * 2.0, "it holds a constant of type Tensor"),
        (lambda x: x + torch.ones(4, 1, 1), "it calls aten::ones with a constant device"),
        (lambda x: x + torch.arange(32), "it holds a constant of type Device"),
        (lambda x: x.cpu(), "it holds a constant of type Device"),
        (lambda x: x.to(torch.float64).float(), "it calls aten::to.dtype with a constant dtype"),
        (lambda x: x.softmax(1, dtype=torch.float32), "with a constant dtype"),
        (torch.sin, "its network uses aten::sin"),
    ],
)
def test_what_breaks_a_file_is_named(
    step: Callable[[Tensor], Tensor], problem: str, path: Path
) -> None:
    save(path, step)
    with pytest.raises(GraphError, match=problem):
        check_graph(path, "nuke17")


def test_fused_attention_is_not_for_nuke_14(path: Path) -> None:
    save(path, attention)
    check_graph(path, "nuke17")
    with pytest.raises(GraphError, match="its network uses aten::scaled_dot_product_attention"):
        check_graph(path, "nuke14")


def test_branch_on_the_device_is_named(path: Path) -> None:
    network = save(path, torch.relu).network
    torch.jit.script(BranchesOnDevice(network)).save(path)
    with pytest.raises(GraphError, match="it uses prim::is_cuda"):
        check_graph(path, "nuke17")


@pytest.mark.parametrize(
    "step", [lambda x: x + torch.ones(4, 1, 1), lambda x: x.cpu()], ids=["made", "moved"]
)
def test_device_that_is_baked_in_does_not_run_on_meta(
    step: Callable[[Tensor], Tensor], path: Path
) -> None:
    save(path, step)
    with pytest.raises(RuntimeError):
        run_on_meta(path, (1, 4, 9, 9))
