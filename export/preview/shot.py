"""Declares the inputs of a run, and decides once how every frame of it is read."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from export.common.printable import printable
from export.pictures.frame_files import open_frame
from export.pictures.frame_sequence import FrameSequence, SequenceError
from export.pictures.layers import (
    Hint,
    HintChannel,
    LayerError,
    choose_colors,
    choose_hint,
    hint_channels,
)
from export.pictures.picture_files import PictureError, PictureFile, check_size
from export.pictures.windows import Box, intersection, union

_SAMPLES = 25
"""Most frames that are searched for an alpha other than 1."""


class ShotError(ValueError):
    """No frame of the shot can be keyed."""


@dataclasses.dataclass(frozen=True)
class Shot:
    """Inputs of a run.

    Attributes:
        plate: Frames of the plate.
        hint: Frames of the hint; None if the plate contains it.
        plate_layer: Name of the plate's layer; None to choose by content.
        hint_layer: Name of the hint's layer; None to choose by content.
        hint_channel: Channel of the hint; None to choose by content.
        view: Name of the stereo view, or None.
        overscan: True to key the plates' data windows too, not only the frame.
    """

    plate: FrameSequence
    hint: FrameSequence | None
    plate_layer: str | None = None
    hint_layer: str | None = None
    hint_channel: HintChannel | None = None
    view: str | None = None
    overscan: bool = False

    def frames(self) -> list[int | None]:
        """Returns the frame numbers; [None] for a still."""
        return [None] if self.plate.frames is None else list(self.plate.frames)

    def decide_hint(self) -> Hint:
        """Chooses the hint's channel for the whole sequence.

        The frame in the middle decides; a slate or a close-up at either end must not. Many programs
        write an alpha of 1 although they have no matte. Such an alpha beside colors is taken for a
        hint only if it differs from 1 in another frame, or an option names it.

        Raises:
            ShotError: No frame has a hint, several channels qualify, or the alpha is 1 everywhere.
        """
        problem = "the shot has no frames"
        choice, opaque = None, False
        for number, frame in enumerate(_middle_first(self.frames())):
            if opaque and number >= _SAMPLES:
                break
            try:
                with open_frame((self.hint or self.plate).path(frame), frame) as file:
                    try:
                        choice = choice or self._choose(file)
                        if not self._doubtful(file, choice):
                            return choice
                        opaque = True
                    except LayerError as error:
                        raise ShotError(f"{printable(str(file.path))} {error}") from None
            except (PictureError, SequenceError) as error:
                problem = str(error)
        if not opaque:
            raise ShotError(problem)
        advice = "--hint-channel luminance if it is in the colors, or " if self.hint else ""
        raise ShotError(
            f"the alpha of {printable((self.hint or self.plate).file)} is 1 everywhere, so it is "
            f"probably not a hint. Give {advice}--hint with other files, or --hint-channel alpha "
            "to use it"
        )

    def overscan_box(self) -> Box | None:
        """Returns the union of the data windows of all frames, or None without overscan.

        Every frame is keyed in one window; otherwise the key would pulse with its size.
        """
        if not self.overscan:
            return None
        boxes = []
        for frame in self.frames():
            try:
                with open_frame(self.plate.path(frame), frame) as file:
                    layer = choose_colors(file.layers(self.view), self.plate_layer)
                    window = file.data_window(next(iter(layer.channels.values())).part)
                    check_size(
                        f"{printable(file.path.name)} has a data window",
                        window.width,
                        window.height,
                    )
                    boxes.append(window)
            except (LayerError, PictureError):
                continue  # Keying this frame will report the problem.
        return union(boxes) if boxes else None

    def _choose(self, file: PictureFile) -> Hint:
        layers = file.layers(self.view)
        if not self.hint and not self.hint_layer and self.hint_channel in (None, "alpha"):
            colors = choose_colors(layers, self.plate_layer)
            if "A" in colors.channels:
                return Hint(colors.name, "A")
        return choose_hint(layers, self.hint_layer, self.hint_channel, not self.hint)

    def _doubtful(self, file: PictureFile, choice: Hint) -> bool:
        """Returns whether the alpha of one frame may not be a matte."""
        if self.hint_channel or self.hint_layer or choice.component != "A":
            return False
        layers = file.layers(self.view)
        layer = next(layer for layer in layers if layer.name == choice.layer)
        if layer.colors() is None:
            return False
        channels = hint_channels(layers, choice)
        frame = file.frame(channels[0].part)
        window = intersection(file.data_window(channels[0].part), frame.at_origin())
        return bool(window.width and window.height) and bool(
            np.all(file.read(channels, window) == 1.0)
        )


def _middle_first(frames: list[int | None]) -> Iterator[int | None]:
    """Yields every frame: the middle one, the ends, then samples spread evenly, then the rest."""
    count = len(frames)
    order = [count // 2, 0, count - 1, *np.linspace(0, count - 1, _SAMPLES).astype(int).tolist()]
    for index in dict.fromkeys([*order, *range(count)] if count else []):
        yield frames[index]
