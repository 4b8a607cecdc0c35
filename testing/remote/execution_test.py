"""Runs actions on a remote worker: lint, stand-in weights, exports; the bytes must be the same."""

import concurrent.futures
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.remote import clone, services

pytestmark = pytest.mark.skipif(
    bool(services.MISSING_FOR_EXECUTION),
    reason=f"this machine has no {', '.join(services.MISSING_FOR_EXECUTION)}; "
    "the Debian root has them (tools/debian_root)",
)

_WEIGHTS = "//testing/weights:untrained_checkpoint_256"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote")


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[services.Server]:
    folder = scratch / "services"
    folder.mkdir()
    with services.remote_execution(folder) as running:
        yield running


@pytest.fixture(scope="module")
def a_clone(scratch: Path, server: services.Server) -> Iterator[clone.Clone]:
    """Returns a clone that is connected to the server."""
    with clone.start(scratch / "clone") as started:
        # One connection carries 100 calls at a time, as many as the server has threads for.
        flags = f"--remote_executor={server.url} --remote_max_connections=1"
        started.connect("remote-endpoint", flags)
        yield started


def _report(capsys: pytest.CaptureFixture[str], build: clone.Build) -> None:
    with capsys.disabled():
        for spawn in build.spawns:
            parts = ("uploadTime", "queueTime", "setupTime", "executionWallTime", "totalTime")
            times = (f"{part} {spawn.seconds.get(part, 0):.1f} s" for part in parts)
            print(f"\n{spawn.target}, {spawn.runner}: {', '.join(times)}", end="")


def test_tests_run_on_the_worker(a_clone: clone.Clone, capsys: pytest.CaptureFixture[str]) -> None:
    tests = ("//testing/lint:lint_test", "//testing:docs_test")
    build = a_clone.build("--config=remote", *tests, command="test")
    _report(capsys, build)
    assert set(build.runners) == {"remote"}
    assert set(tests) <= {spawn.target for spawn in build.spawns}


@pytest.mark.parametrize(
    ("target", "file", "weights"),
    [
        (
            "//testing/runtimes:nuke17_pt",
            "testing/runtimes/nuke17.pt",
            _WEIGHTS,
        ),
        (
            "//export:corridorkey_pt",
            "export/CorridorKey.pt",
            "//testing/weights:untrained_checkpoint",
        ),
    ],
    ids=["256", "2048"],
)
def test_an_export_on_the_worker_has_the_same_bytes(
    a_clone: clone.Clone,
    capsys: pytest.CaptureFixture[str],
    target: str,
    file: str,
    weights: str,
) -> None:
    build = a_clone.build(target, "--config=remote")
    _report(capsys, build)
    assert [(s.target, s.runner) for s in build.spawns] == [(weights, "remote"), (target, "remote")]
    on_the_worker = a_clone.digest(file)

    a_clone.forget()
    build = a_clone.build(target)
    assert [s.runner for s in build.spawns] == ["linux-sandbox", "linux-sandbox"]
    assert a_clone.digest(file) == on_the_worker


def test_the_sandbox_runs_the_action_of_a_killed_server(
    a_clone: clone.Clone, server: services.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    a_clone.forget()
    executed = server.executed()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        building = pool.submit(
            a_clone.build, _WEIGHTS, "--config=remote", "--noremote_accept_cached"
        )
        while server.executed() == executed:
            assert not building.done()
            time.sleep(0.01)
        server.kill()
        build = building.result()
    _report(capsys, build)
    assert build.runners == {"linux-sandbox": 1}
