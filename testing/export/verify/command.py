"""Runs verify's command line in this process, and reads what it says."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from export.verify import verdict as verdict_module
from export.verify.verify import main

SCHEMA = json.loads(Path(verdict_module.__file__).with_name("verdict.schema.json").read_text())


def verify(*arguments: str | Path) -> dict[str, Any]:
    """Returns the verdict as JSON; the exit status must agree with it."""
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert result.stdout, (result.output, result.exception)
    verdict: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(SCHEMA).validate(verdict)
    assert result.exit_code == {"VERIFIED": 0, "REFUSED": 1, "CONSISTENT": 3}[verdict["word"]]
    assert verdict["verdict"].startswith(verdict["word"])
    return verdict


def outcomes(verdict: dict[str, Any]) -> dict[str, str]:
    """Returns the outcome of each check, by its name."""
    return {check["name"]: check["outcome"] for check in verdict["checks"]}


def refusal(verdict: dict[str, Any]) -> tuple[str, str]:
    """Returns name and detail of the one refused check, which must be the last."""
    assert verdict["word"] == "REFUSED"
    *others, last = verdict["checks"]
    assert last["outcome"] == "refused"
    assert "refused" not in {check["outcome"] for check in others}
    assert verdict["verdict"].endswith(last["detail"])
    return last["name"], last["detail"]
