"""What was checked, and what came of it: a table for people, JSON for pipelines, one verdict."""

import dataclasses
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wrapper.model_ids import DEMO_MODEL_ID, UNTRAINED_MODEL_ID

Outcome = Literal["passed", "refused", "not checked"]

_LONGEST = 1000
"""Characters of a detail that are kept."""

_STYLES: dict[Outcome, str] = {"passed": "green", "refused": "bold red", "not checked": "yellow"}


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: Name of the file.
        name: Of the check.
        outcome: What came of it.
        detail: What was found, or what is wrong.
    """

    subject: str
    name: str
    outcome: Outcome
    detail: str


class Verdict:
    """Gathers checks.

    Args:
        subject: Name of what is verified.

    Attributes:
        sha256: Of it, if it is one file.
        checks: In the order in which they were made.
        model_ids: Of the artefacts, by name of the file, as they say themselves.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.sha256: str | None = None
        self.checks: list[Check] = []
        self.model_ids: dict[str, str] = {}
        self._console = Console(stderr=True)

    def add(self, subject: str, name: str, outcome: Outcome, detail: str) -> None:
        """Keeps what came of a check. The detail may have words of a hostile file in it."""
        plain = "".join(c if c.isprintable() else " " for c in detail[:_LONGEST])
        self.checks.append(Check(subject, name, outcome, plain))

    def doing(self, subject: str, what: str) -> None:
        """Says on stderr what is being done, because some of it takes minutes."""
        self._console.print(f"{subject}: {what} …", highlight=False, markup=False)

    @property
    def verified(self) -> bool:
        """Whether something passed and nothing was refused."""
        outcomes = {check.outcome for check in self.checks}
        return "passed" in outcomes and "refused" not in outcomes

    def line(self) -> str:
        """The verdict in one line."""
        what = f"{self.subject} (SHA-256 {self.sha256})" if self.sha256 else self.subject
        refused = [check for check in self.checks if check.outcome == "refused"]
        if refused:
            first = refused[0]
            more = f" (and {len(refused) - 1} more)" if refused[1:] else ""
            return f"REFUSED: {what}: {first.subject}, {first.name}: {first.detail}{more}"
        left_out = {check.name: None for check in self.checks if check.outcome == "not checked"}
        remarks = [f"{name} not checked" for name in left_out]
        if any(model_id.startswith(UNTRAINED_MODEL_ID) for model_id in self.model_ids.values()):
            remarks.append("UNTRAINED weights, which key nothing")
        if any(model_id.startswith(DEMO_MODEL_ID) for model_id in self.model_ids.values()):
            remarks.append("DEMO weights, which were written by hand")
        return "; ".join([f"VERIFIED: {what}", *remarks])

    def table(self) -> Table:
        """The checks, a row for each."""
        table = Table("file", "check", "outcome", "what was found")
        for check in self.checks:
            outcome = f"[{_STYLES[check.outcome]}]{check.outcome}[/]"
            table.add_row(escape(check.subject), check.name, outcome, escape(check.detail))
        return table

    def to_json(self) -> dict[str, Any]:
        """The same for a program, as export/verify/verdict.schema.json describes it."""
        return {
            "subject": self.subject,
            "sha256": self.sha256,
            "verified": self.verified,
            "verdict": self.line(),
            "model_ids": self.model_ids,
            "checks": [dataclasses.asdict(check) for check in self.checks],
        }
