"""Tests that actions and tests run in linux-sandbox, without a network.

If linux-sandbox fails, Bazel uses a weaker strategy without a message. So the test looks at what
ran, not at what is configured.
"""

import json
import pathlib
import subprocess

import pytest

from testing.tools import sandbox_probe


@pytest.fixture(autouse=True, scope="module")
def namespaces() -> None:
    """Skips the tests on a machine that forbids what linux-sandbox needs, and on no other."""
    if sandbox_probe.probe()["first_process"] == "linux-sandbox":
        return
    if subprocess.run(["unshare", "--user", "--net", "true"], check=False).returncode:
        pytest.skip("this machine forbids user namespaces, so Bazel has no linux-sandbox")


def _report(process: str) -> dict[str, object]:
    if process == "test":
        return sandbox_probe.probe()
    return json.loads(pathlib.Path(__file__).with_name("sandbox_probe.json").read_text())


@pytest.mark.parametrize("process", ["action", "test"])
@pytest.mark.parametrize(
    "fact, value",
    [
        # Only linux-sandbox has a process namespace of its own, in which it is the first process.
        ("first_process", "linux-sandbox"),
        ("write_beside_source", "EROFS"),
        ("sees_undeclared_file", False),
    ],
)
def test_sandbox_is_the_real_one(process: str, fact: str, value: object) -> None:
    assert _report(process)[fact] == value


def test_no_network() -> None:
    for process in ("action", "test"):
        report = _report(process)
        assert report["network_devices"] == ["lo"]
        assert report["connect"] == "ENETUNREACH"
