from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from testing.golden import golden_data
from wrapper.network import attention, bands
from wrapper.network.hiera import HieraEncoder


@pytest.mark.parametrize("queries", [1, 9, 16, 100, 256])
def test_chunked_is_the_fused_operator(queries: int) -> None:
    shapes = ((2, 3, queries, 56), (2, 3, 256, 56), (2, 3, 256, 56))
    q, k, v = (
        torch.from_numpy(golden_data.uniform(name, shape)).float()
        for name, shape in zip("qkv", shapes, strict=True)
    )
    expected = F.scaled_dot_product_attention(q, k, v)
    # The sums have different orders; values are up to 1.
    for form in (attention.plain, attention.chunked):
        torch.testing.assert_close(form(q, k, v, 56**-0.5), expected, rtol=0, atol=1e-5)


def test_scores_that_only_scaled_fit_a_half_do_not_overflow() -> None:
    q = torch.full((1, 1, 16, 64), 40.0, dtype=torch.half)
    # 64 · 40 · 40 is beyond the largest half, 65504; an eighth of it is not.
    assert attention.chunked(q, q, q, 64**-0.5).isfinite().all()


class LargestTensor(TorchDispatchMode):
    """Records the size of the largest tensor that an operator returns."""

    bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.bytes = max(self.bytes, result.nbytes)
        return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.half], ids=str)
def test_chunked_holds_the_scores_of_a_sixteenth_of_the_queries_at_2048(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The meta device has a GPU's bands, whose queries, keys and values are larger than the scores.
    monkeypatch.setattr(bands, "GPU_VALUES", bands.CPU_VALUES)
    with torch.device("meta"), torch.no_grad(), LargestTensor() as largest:
        encoder = HieraEncoder(2048, attention="chunked").to(dtype)
        features = encoder(torch.empty(1, 4, 2048, 2048, dtype=dtype))
    assert all(feature.dtype == dtype for feature in features)
    assert largest.bytes == 8 * 1024 * 16384 * dtype.itemsize
