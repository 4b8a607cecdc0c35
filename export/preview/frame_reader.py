"""Reads one frame: plate and hint in one array, with what the result must inherit."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.common.printable import printable
from export.pictures.color_spaces import convert, rec709
from export.pictures.compositing import Floats
from export.pictures.frame_files import open_frame
from export.pictures.layers import Channel, Hint, choose_colors, hint_channels
from export.pictures.movies.movie_colors import to_srgb
from export.pictures.picture_files import PictureFile, check_size
from export.pictures.windows import Box, union
from export.preview.hint import HintError, describe_empty_hint, read_hint
from export.preview.keyed_files import Framing
from export.preview.made_from import describe_file, record
from export.preview.shot import Shot


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame, ready to be keyed.

    Attributes:
        planes: Plate and hint [4, H, W] of the keyed window.
        knobs: Values of the knobs; the plate's encoding is among them.
        framing: Windows and header for the result.
        record: Record of the inputs for the result's header.
        remarks: How the files were interpreted, for the user.
        warnings: Doubts about the hint or the colors.
    """

    planes: Floats
    knobs: dict[str, float]
    framing: Framing
    record: str
    remarks: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class FrameReader:
    """Reads the frames of a shot.

    Attributes:
        shot: Inputs of the run.
        hint: Choice of the hint for every frame; None if the file makes it from the plate.
        knobs: Values of the knobs that the user has set.
        settings: Settings for the record.
        overscan: Window to key besides the frame, in frame coordinates; None for the frame only.
    """

    shot: Shot
    hint: Hint | None
    knobs: Mapping[str, float]
    settings: dict[str, Any]
    overscan: Box | None

    def plate_reading(self) -> dict[str, Any]:
        """Returns how the plates are read, for the record."""
        box = self.overscan and dataclasses.astuple(self.overscan)
        return {
            "layer": self.shot.plate_layer,
            "view": self.shot.view,
            "overscan": box and list(box),
            "hint_channel": str(self.hint) if self.hint and not self.shot.hint else None,
        }

    def hint_reading(self) -> dict[str, Any]:
        """Returns how the hints are read, for the record."""
        return {"channel": str(self.hint)}

    def read(self, plate: Path, hint: Path | None, number: int | None) -> Frame:
        """Reads one frame.

        Args:
            plate: File of the plate.
            hint: File of the hint; None if it is in the plate's file.
            number: Frame number, for movies.

        Raises:
            HintError: The hint does not fit the plate.
            OSError: A file cannot be read.
            PictureError: A file cannot be read as a picture.
        """
        with open_frame(plate, number) as file:
            # Describe the files before reading them: a change meanwhile shows as one later.
            text = record(
                self.settings,
                describe_file(plate) | self.plate_reading(),
                describe_file(hint) | self.hint_reading() if hint else None,
            )
            colors = self._colors(file)
            framing = self._framing(file, colors[0].part)
            linear = bool(self.knobs.get("gamma_input", framing.header.linear))
            planes = np.empty((4, framing.box.height, framing.box.width), np.float32)
            planes[:3] = file.read(colors, framing.box)
            if linear and framing.header.linear:
                planes[:3] = convert(planes[:3], framing.header.space, rec709())
            if "gamma_input" not in self.knobs:
                planes[:3] = to_srgb(planes[:3], framing.header.curve)
            if self.hint is None:
                planes[3], remark, warning = 0.0, "", ""
            elif hint:
                with open_frame(hint, number) as hint_file:
                    planes[3], remark, warning = self._read_hint(hint_file, self.hint, framing)
            else:
                planes[3], remark, warning = self._read_hint(file, self.hint, framing)
        encoding = "linear" if linear else "sRGB"
        if "gamma_input" not in self.knobs and framing.header.curve != "sRGB":
            encoding = framing.header.curve
        encoding += framing.header.note
        if linear and framing.header.space != rec709():
            encoding += f" {framing.header.space}"
        return Frame(
            planes,
            {**self.knobs, "gamma_input": int(linear)},
            framing,
            text,
            tuple(filter(None, (f"Plate read as {encoding} (--gamma-input)", remark))),
            tuple(filter(None, (framing.header.warning, warning))),
        )

    def _colors(self, file: PictureFile) -> list[Channel]:
        layer = choose_colors(file.layers(self.shot.view), self.shot.plate_layer)
        return layer.colors() or []

    def _framing(self, file: PictureFile, part: int) -> Framing:
        frame = file.frame(part)
        box = frame.at_origin()
        check_size(f"{printable(str(file.path))} has a display window", box.width, box.height)
        if self.overscan:
            box = union([box, self.overscan])
            check_size(f"{printable(str(file.path))} has an overscan", box.width, box.height)
        return Framing(frame, box, file.header(part))

    def _read_hint(
        self, file: PictureFile, choice: Hint, framing: Framing
    ) -> tuple[Floats, str, str]:
        """Returns the hint, a remark and a warning."""
        channels = hint_channels(file.layers(self.shot.view), choice)
        try:
            size = framing.frame.width, framing.frame.height
            hint, remark = read_hint(file, channels, size, framing.header.pixel_aspect, framing.box)
        except HintError as error:
            raise HintError(f"{printable(str(file.path))} {error}") from None
        return hint, remark, describe_empty_hint(file, channels, hint)
