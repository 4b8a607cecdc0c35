"""Pictures and figures → one HTML file that needs nothing else: no network, no script."""

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
    """One picture of a page.

    Attributes:
        name: Tells it from the others of its section.
        title: Above its caption.
        caption: What to look for.
        uri: The picture itself.
        figure: What was measured on it, if anything.
    """

    name: str
    title: str
    caption: str
    uri: str
    figure: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """Pictures that belong together.

    Attributes:
        name: Its anchor.
        title: Its heading.
        text: Below the heading.
        pictures: In reading order.
        pairs: Whether two and two stand one above the other, rather than all in rows of three.
    """

    name: str
    title: str
    text: str
    pictures: list[Picture]
    pairs: bool = False


def data_uri(pixels: Floats) -> str:
    """Packs a picture of any size into a URI.

    Args:
        pixels: [H, W, 3] sRGB becomes a JPEG with all of its colour, as edges are what counts;
            a matte [H, W] becomes a lossless WebP.
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
    """The page.

    Args:
        **content: What the template names.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text()).render(content)
