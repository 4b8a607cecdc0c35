"""Runs a CorridorKey.pt on pictures, without Nuke."""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from export.common.printable import printable
from export.pictures.compositing import Floats
from wrapper.knobs import KNOBS, KnobKind
from wrapper.model_ids import UNTRAINED_MODEL_ID


class ModelError(ValueError):
    """The model cannot be used; the message is one line."""


class Keyed(NamedTuple):
    """A foreground and its matte.

    Attributes:
        foreground: Straight sRGB foreground, [H, W, 3], in [0, 1]; another encoding if the knob
            `output_mode` is set.
        matte: Linear matte, [H, W], in [0, 1].
    """

    foreground: Floats
    matte: Floats


class Keyer:
    """Keys pictures with a CorridorKey.pt, as Nuke's Inference node does.

    Args:
        path: A .pt that the exporter wrote.
        device: The device to run on, as torch names it.

    Attributes:
        model_id: Name of the weights and of the variant.
        resolution: Side of the square image that the network sees, in pixels.
        untrained: True if the weights are the untrained stand-in, which cannot key.

    Raises:
        ModelError: The file is not a CorridorKey.pt, or the device cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], device: str = "cpu") -> None:
        _check_device(device)
        try:
            module = torch.jit.load(path, map_location=device)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{printable(str(path))} is not a CorridorKey.pt: {printable(reason)}"
            ) from None
        names = ("model_id", "resolution", *(knob.name for knob in KNOBS))
        missing = [name for name in names if not hasattr(module, name)]
        if missing:
            raise ModelError(
                f"{printable(str(path))} is not a CorridorKey.pt of this version: it has no "
                f"attribute {', '.join(missing)}. Export it again."
            )
        self._module = module
        self._device = device
        self.model_id: str = module.model_id
        self.resolution: int = module.resolution
        self.untrained = self.model_id.startswith(UNTRAINED_MODEL_ID)

    def key(self, plate: Floats, hint: Floats, **knobs: float) -> Keyed:
        """Keys one picture.

        Args:
            plate: Plate [H, W, 3]; sRGB or linear, according to the knob `gamma_input`.
            hint: Hint [H, W].
            **knobs: Values of knobs by name; the others are at their defaults.

        Raises:
            TypeError: A knob has an unknown name.
        """
        planes = np.concatenate([np.moveaxis(plate, 2, 0), hint[None]], dtype=np.float32)
        return self.start(planes, **knobs)()

    def start(self, planes: Floats, **knobs: float) -> Callable[[], Keyed]:
        """Starts to key one picture.

        On a GPU the network may still be running when this returns, so the caller can prepare the
        next picture meanwhile.

        Args:
            planes: Plate and hint [4, H, W], contiguous.
            **knobs: Values of knobs by name; the others are at their defaults.

        Returns:
            A function that waits for the key and returns it. Any thread may call it, once.

        Raises:
            TypeError: A knob has an unknown name.
        """
        unknown = knobs.keys() - {knob.name for knob in KNOBS}
        if unknown:
            raise TypeError(f"unknown knob {', '.join(sorted(unknown))}")
        for knob in KNOBS:
            number = float if knob.kind is KnobKind.FLOAT else int
            setattr(self._module, knob.name, number(knobs.get(knob.name, knob.default)))
        with torch.inference_mode():
            output = self._module(torch.from_numpy(planes).unsqueeze(0).to(self._device))

        def finish() -> Keyed:
            with torch.inference_mode():
                rgba = output[0].cpu().numpy()
            return Keyed(np.ascontiguousarray(np.moveaxis(rgba[:3], 0, 2)), rgba[3])

        return finish


def _check_device(device: str) -> None:
    """Checks that torch can use a device.

    Raises:
        ModelError: It cannot.
    """
    try:
        torch.empty(1, device=device)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"the device {device!r} cannot be used here: {reason}. Choose another --device, such "
            "as cpu"
        ) from None
