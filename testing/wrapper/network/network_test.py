import pytest
import torch

from testing.golden import golden_data
from testing.wrapper.conftest import NetworkMaker, in_both_attentions
from wrapper.network.attention import Attention
from wrapper.network.network import CorridorKeyTransformer

METHODS = ("coarse_logits", "delta_logits")


@pytest.mark.parametrize("resolution", [256, 512])
@pytest.mark.parametrize("attention", ["fused", "chunked"])
def test_output_is_the_published_networks(
    untrained_network: NetworkMaker, resolution: int, attention: Attention
) -> None:
    output = untrained_network(resolution, attention)(golden_data.network_input(resolution))
    golden = golden_data.arrays(f"network_{resolution}")
    for name, tensor in output._asdict().items():
        if f"{name}_index" in golden:
            tensor = tensor.flatten()[torch.from_numpy(golden[f"{name}_index"])]
        # The sums have different orders. Measured: 1.2e-5 for delta, whose values go up to 15,
        # and 2.8e-6 for the rest.
        torch.testing.assert_close(tensor, torch.from_numpy(golden[name]), rtol=0, atol=2e-5)


def test_state_dict_at_2048_is_the_published_checkpoints() -> None:
    network = CorridorKeyTransformer(2048)
    state_dict = network.state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
    assert shapes == golden_data.state_dict_shapes(2048)
    assert len(shapes) == 367
    assert sum(parameter.numel() for parameter in network.parameters()) == 99_701_688
    integers = {key for key, tensor in state_dict.items() if tensor.dtype != torch.float32}
    assert integers == {
        "alpha_decoder.bn.num_batches_tracked",
        "fg_decoder.bn.num_batches_tracked",
    }


def test_a_new_network_holds_no_memory_and_is_for_inference() -> None:
    network = CorridorKeyTransformer(2048)
    assert all(tensor.is_meta for tensor in network.state_dict().values())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("resolution", [0, -32, 16, 100, 2040])
def test_a_resolution_that_windows_do_not_tile_is_refused(resolution: int) -> None:
    with pytest.raises(
        ValueError, match=f"resolution is {resolution}; expected a positive multiple of 32"
    ):
        CorridorKeyTransformer(resolution)


def test_trace_keeps_the_checkpoints_keys(
    untrained_network: NetworkMaker, traced_network: torch.jit.ScriptModule
) -> None:
    assert list(traced_network.state_dict()) == list(untrained_network(256).state_dict())


@in_both_attentions
@pytest.mark.parametrize("method", METHODS)
def test_trace_computes_no_sizes(traced_network: torch.jit.ScriptModule, method: str) -> None:
    graph = getattr(traced_network, method).inlined_graph
    # Each of these operators turns a shape, device or dtype of the tracing machine into data.
    found = [
        kind
        for kind in (
            "prim::NumToTensor",
            "prim::dtype",
            "aten::Int",
            "aten::ScalarImplicit",
            "aten::arange",
            "aten::ones",
            "aten::size",
            "aten::tensor",
            "aten::zeros",
        )
        if graph.findAllNodes(kind)
    ]
    assert not found
    # Sums that half would round too early are in float32, number 6, whatever the file is cast to.
    conversions = graph.findAllNodes("aten::to")
    assert {list(node.inputs())[1].toIValue() for node in conversions} <= {6}
    # The type of a device decides the size of bands; the device itself is passed to nothing.
    for node in graph.findAllNodes("prim::device"):
        assert {use.user.kind() for use in node.output().uses()} == {"prim::type"}


@in_both_attentions
@pytest.mark.parametrize("method", METHODS)
def test_trace_bakes_in_no_tensor_and_no_device(
    traced_network: torch.jit.ScriptModule, method: str
) -> None:
    graph = getattr(traced_network, method).inlined_graph
    constants = {str(node.output().type()) for node in graph.findAllNodes("prim::Constant")}
    functions = {name for name in constants if name.startswith("__torch__.wrapper.")}
    assert constants - functions <= {"bool", "float", "int", "str", "List[int]", "NoneType"}
