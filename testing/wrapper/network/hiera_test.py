from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from testing.golden import golden_data
from testing.wrapper.conftest import NetworkMaker
from wrapper.network.attention import Attention
from wrapper.network.hiera import HieraEncoder

attentions = pytest.mark.parametrize("attention", ["fused", "chunked"])


@attentions
@pytest.mark.parametrize("resolution", [256, 512])
def test_features_are_the_published_networks(
    untrained_network: NetworkMaker, resolution: int, attention: Attention
) -> None:
    encoder = untrained_network(resolution, attention).encoder
    features = encoder(golden_data.network_input(resolution))
    golden = golden_data.arrays(f"network_{resolution}")
    for name, feature in zip(("c1", "c2", "c3", "c4"), features, strict=True):
        assert list(feature.shape) == golden[f"{name}_shape"].tolist()
        sample = feature.flatten()[torch.from_numpy(golden[f"{name}_index"])]
        # The sums have different orders; measured 8e-6, on values up to 16.
        torch.testing.assert_close(sample, torch.from_numpy(golden[name]), rtol=0, atol=2e-5)


@attentions
def test_features_are_timms_where_windows_are_odd_in_number(
    untrained_network: NetworkMaker, attention: Attention
) -> None:
    encoder = untrained_network(96, attention).encoder
    image = golden_data.network_input(96)
    expected = encoder.model.forward_intermediates(image, intermediates_only=True)
    # As above, only the order of the sums differs.
    torch.testing.assert_close(list(encoder(image)), expected, rtol=0, atol=2e-5)


def test_attention_at_2048_is_what_the_fused_kernels_take(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: Counter[tuple[int, ...]] = Counter()
    attention = F.scaled_dot_product_attention

    def spy(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        assert q.dim() == k.dim() == v.dim() == 4
        assert q.is_contiguous() and k.is_contiguous() and v.is_contiguous()
        queries[tuple(q.shape[1:])] += q.shape[0]
        return attention(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    with torch.device("meta"), torch.no_grad():
        HieraEncoder(2048)(torch.empty(1, 4, 2048, 2048))

    assert queries == {
        # (heads, queries per window, channels per head): windows in all blocks
        (2, 64, 56): 2 * 4096,
        (4, 16, 56): 3 * 4096,
        (8, 4, 56): 4096,  # the first block of a stage attends in the previous stage's windows
        (8, 16384, 56): 15,
        (16, 4096, 56): 3,
    }
