"""Renders the QA page: one HTML file that needs no network and no script."""

import base64
import dataclasses
import io
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from export.pictures.compositing import Floats

_TEMPLATE = Path(__file__).with_name("qa_page.html.jinja")
_JPEG_QUALITY = 88


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        name: Name, unique in its section.
        title: Title above the caption.
        caption: Hint on what to look for.
        uri: The pixels as a data URI.
        figure: A figure measured on the picture, or "".
    """

    name: str
    title: str
    caption: str
    uri: str
    figure: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: Anchor.
        title: Heading.
        text: Paragraph below the heading.
        pictures: Pictures in reading order.
        pairs: True to stack the pictures in columns of two; False for rows of three.
        size: Width and height of the pictures; None for those of the synthetic plates.
    """

    name: str
    title: str
    text: str
    pictures: list[Picture]
    pairs: bool = False
    size: tuple[int, int] | None = None


def data_uri(pixels: Floats) -> str:
    """Encodes a picture as a data URI.

    Args:
        pixels: sRGB [H, W, 3], encoded as a JPEG without chroma subsampling, which would blur
            colored edges; or a matte [H, W], encoded as a lossless WebP.
    """
    image = Image.fromarray(np.rint(pixels.clip(0, 1) * 255).astype(np.uint8))
    file = io.BytesIO()
    if pixels.ndim == 3:
        kind, options = "jpeg", {"quality": _JPEG_QUALITY, "subsampling": "4:4:4", "optimize": True}
    else:
        kind, options = "webp", {"lossless": True}
    image.save(file, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def render(**content: Any) -> str:
    """Returns the HTML of the page.

    Args:
        **content: Values of the template's variables.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text()).render(content)
