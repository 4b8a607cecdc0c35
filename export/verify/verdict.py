"""Gathers checks and draws the verdict from them: a table, JSON, one line, an exit status."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wrapper.model_ids import DEMO_MODEL_ID, UNTRAINED_MODEL_ID
from wrapper.printable import printable

Outcome = Literal["passed", "refused", "measured", "not checked"]
Word = Literal["VERIFIED", "CONSISTENT", "REFUSED"]

EXIT_STATUSES: dict[Word, int] = {"VERIFIED": 0, "REFUSED": 1, "CONSISTENT": 3}
NOT_DETERMINED = 2
"""Exit status if the command line is wrong or a file cannot be read: there is no verdict."""

SIGNATURE = "signature"
"""Name of the check that makes a file VERIFIED."""

_MEANINGS: dict[tuple[Word, bool], str] = {
    ("VERIFIED", True): "signed by the given key, and exactly what this version of the exporter "
    "makes",
    ("VERIFIED", False): "signed by the given key, and its code is exactly what this version of "
    "the exporter writes; nothing but that signature vouches for its weights",
    ("CONSISTENT", True): "exactly what this version of the exporter makes; without --key its "
    "origin is unknown",
    ("CONSISTENT", False): "its code is exactly what this version of the exporter writes; nothing "
    "vouches for its weights, and without --key its origin is unknown",
}
"""Meaning of a word, by whether pinned digests vouch for all weights."""
_EXCEPTION = "; not so the parts that only the signature vouches for"

_LONGEST_DETAIL = 1000
_LONGEST_QUOTE = 80
_STYLES: dict[Outcome, str] = {
    "passed": "green",
    "refused": "bold red",
    "measured": "cyan",
    "not checked": "yellow",
}

Value = TypeVar("Value")


class RefusedError(ValueError):
    """A check refuses the subject; the message says what was found and what was expected."""


class EndedError(Exception):
    """A check was refused, so no other is made."""


def quoted(text: str) -> str:
    """Returns untrusted text so short that it cannot pass for a line of verify's own."""
    return printable(without_gaps(text), _LONGEST_QUOTE)


def without_gaps(text: str) -> str:
    """Returns text without runs of spaces.

    A run could move what follows it to the start of a line of the terminal.
    """
    return re.sub(" +", " ", text).strip()


@dataclasses.dataclass(frozen=True)
class Passed(Generic[Value]):
    """Result of a check that did not refuse.

    Attributes:
        detail: What was found.
        value: What later checks need.
        outcome: "passed", unless the check was left out or only measures.
    """

    detail: str
    value: Value
    outcome: Outcome = "passed"


@dataclasses.dataclass(frozen=True)
class Check:
    """One check. All text is safe for a terminal.

    Attributes:
        subject: Name of the file.
        name: Name of the check.
        outcome: Its result.
        detail: What was found, or what is wrong.
    """

    subject: str
    name: str
    outcome: Outcome
    detail: str


class Verdict:
    """Runs checks, one after another, and keeps their results.

    Args:
        subject: Name of the file or folder that is verified.

    Attributes:
        sha256: SHA-256 of the subject, if it is one file.
        checks: Results, in the order in which the checks were made.
        model_ids: Model Ids of the artifacts, by file name.
        pinned: Whether pinned digests vouch for the weights of all artifacts.
        exact: Whether all other parts are those that this checkout makes.
        notes: What limits the verdict, each a short clause.
    """

    def __init__(self, subject: str) -> None:
        self.subject = quoted(subject)
        self.sha256: str | None = None
        self.checks: list[Check] = []
        self.model_ids: dict[str, str] = {}
        self.pinned = True
        self.exact = True
        self.notes: list[str] = []
        self._console = Console(stderr=True, emoji=False)

    def run(self, subject: str, name: str, check: Callable[[], Passed[Value]]) -> Value:
        """Makes a check and keeps its result.

        Args:
            subject: Name of the file.
            name: Name of the check.
            check: Makes it.

        Returns:
            The value of the check.

        Raises:
            EndedError: The check raised `RefusedError`.
        """
        self.show(subject, name)
        try:
            result = check()
        except RefusedError as error:
            self._add(subject, name, "refused", str(error))
            raise EndedError from None
        self._add(subject, name, result.outcome, result.detail)
        return result.value

    def show(self, subject: str, step: str) -> None:
        """Prints to stderr what is done, because some of it takes minutes."""
        line = f"Checking {quoted(subject)}: {printable(step)} …"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def unpinned(self, model_id: str) -> None:
        """Notes that no pinned digest vouches for the weights of an artifact."""
        self.pinned = False
        self.note(f"the values of the weights of {model_id} are vouched for by a signature only")

    def signed_only(self, part: str) -> None:
        """Notes that a part of a release is another than the one that this checkout makes."""
        self.exact = False
        self.note(f"{part} and is vouched for by the signature only")

    def note(self, clause: str) -> None:
        """Adds a clause to the verdict, once."""
        if clause not in self.notes:
            self.notes.append(clause)

    def _add(self, subject: str, name: str, outcome: Outcome, detail: str) -> None:
        detail = without_gaps(printable(detail, _LONGEST_DETAIL))
        self.checks.append(Check(quoted(subject), name, outcome, detail))

    @property
    def word(self) -> Word:
        """The verdict in one word."""
        outcomes = {check.outcome for check in self.checks}
        if "refused" in outcomes or not self.model_ids:
            return "REFUSED"
        signed = any(c.name == SIGNATURE and c.outcome == "passed" for c in self.checks)
        return "VERIFIED" if signed else "CONSISTENT"

    def line(self) -> str:
        """Returns the word and its meaning, with no text from outside."""
        if self.word == "REFUSED":
            return "REFUSED: do not use it; the reason stands above"
        return f"{self.word}: {self._meaning()}"

    def _meaning(self) -> str:
        return _MEANINGS[self.word, self.pinned] + ("" if self.exact else _EXCEPTION)

    def about(self) -> str:
        """Returns subject, meaning and limits in one line, with text from outside."""
        subject = f"{self.subject} (SHA-256 {self.sha256})" if self.sha256 else self.subject
        if self.word == "REFUSED":
            refused = [check for check in self.checks if check.outcome == "refused"]
            reasons = [f"{check.subject}, {check.name}: {check.detail}" for check in refused]
            return f"{subject}: {'; '.join(reasons) or 'it holds no artifact'}"
        notes = list(self.notes)
        if any(model_id.startswith(UNTRAINED_MODEL_ID) for model_id in self.model_ids.values()):
            notes.append("UNTRAINED weights, which key nothing")
        if any(model_id.startswith(DEMO_MODEL_ID) for model_id in self.model_ids.values()):
            notes.append("DEMO weights, which were written by hand")
        return "; ".join([f"{subject}: {self._meaning()}", *notes])

    def table(self) -> Table:
        """Returns one row per check."""
        table = Table()
        for column in ("file", "check", "outcome", "what was found"):
            table.add_column(column, overflow="fold")  # A digest is never cut.
        for check in self.checks:
            outcome = f"[{_STYLES[check.outcome]}]{check.outcome}[/]"
            table.add_row(escape(check.subject), check.name, outcome, escape(check.detail))
        return table

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict for a program, as verdict.schema.json describes it."""
        refused = self.word == "REFUSED"
        return {
            "subject": self.subject,
            "sha256": self.sha256,
            "word": self.word,
            "verdict": f"{self.word}: {self.about()}",
            "weights_pinned": None if refused else self.pinned,
            "parts_exact": None if refused else self.exact,
            "model_ids": self.model_ids,
            "checks": [dataclasses.asdict(check) for check in self.checks],
        }
