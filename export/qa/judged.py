"""Declares one part of the QA report: its pictures and its figures."""

import dataclasses

from export.qa.matting_errors import MattingErrors
from export.qa.qa_page import Section


@dataclasses.dataclass(frozen=True)
class Judged:
    """A section of the page and its figures.

    Attributes:
        section: Section with the pictures.
        errors: Errors against the true alpha, by the name of the matte.
    """

    section: Section
    errors: dict[str, MattingErrors]
