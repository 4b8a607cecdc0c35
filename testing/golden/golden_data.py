"""Loads the reference data in this folder; README.md describes each array."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GOLDEN = Path(__file__).parent


def uniform(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns numbers in [-1, 1), float64, of a shape: a pure function of name and shape."""
    count = int(np.prod(shape, dtype=np.int64))
    words = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * count), dtype="<u4")
    return (words / 2.0**31 - 1.0).reshape(shape)


def arrays(name: str) -> dict[str, np.ndarray]:
    """Returns every array of `golden/NAME.npz`."""
    with np.load(GOLDEN / f"{name}.npz") as archive:
        return dict(archive)


def state_dict_shapes(resolution: int) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of a checkpoint, in the published order."""
    shapes = {}
    for line in (GOLDEN / "state_dict_keys.tsv").read_text().splitlines()[1:]:
        key, shape, _ = line.split("\t")
        shapes[key] = () if shape == "scalar" else tuple(map(int, shape.split("x")))
    shapes["encoder.model.pos_embed"] = (1, (resolution // 4) ** 2, 112)
    return shapes


def weights_sha256() -> dict[int, str]:
    """Returns the digest of the stand-in weights, by resolution."""
    digests = json.loads((GOLDEN / "weights_sha256.json").read_text())
    return {int(resolution): digest for resolution, digest in digests.items()}


def network_input(resolution: int) -> Tensor:
    """Returns the network's golden input [1, 4, S, S], RGB normalized."""
    unit = 0.5 * uniform(f"input/0/{resolution}", (1, 4, resolution, resolution)) + 0.5
    image = torch.from_numpy(unit.astype(np.float32))
    # ImageNet's. Not timm's constants, because probe.py runs this in a process without timm.
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return torch.cat([(image[:, :3] - mean) / std, image[:, 3:]], 1)


def plate(height: int, width: int) -> Tensor:
    """Returns a smooth sRGB plate with hint, [1, 4, H, W], values in [0, 1]."""
    coarse = 0.5 * uniform(f"plate/{height}x{width}", (1, 4, height // 8 + 1, width // 8 + 1)) + 0.5
    return F.interpolate(
        torch.from_numpy(coarse.astype(np.float32)),
        size=(height, width),
        mode="bilinear",
        align_corners=False,
    )
