"""Builds CorridorKey.pt with a remote cache: an empty one, a full one, and one that dies."""

import concurrent.futures
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.remote import clone, services

_TARGET = "//export:corridorkey_pt"
_WEIGHTS = "//testing:untrained_checkpoint"
_FILE = "export/CorridorKey.pt"

# Number of actions that make the file: the stand-in weights and the export.
_ALL = 2


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote")


@pytest.fixture(scope="module")
def cache(scratch: Path) -> Iterator[services.Server]:
    """Returns the cache that both clones share."""
    folder = scratch / "shared"
    folder.mkdir()
    with services.remote_cache(folder) as server:
        yield server


@pytest.fixture
def another_cache(tmp_path: Path) -> Iterator[services.Server]:
    """Returns an empty cache that the test may kill."""
    with services.remote_cache(tmp_path) as server:
        yield server


@pytest.fixture(scope="class")
def a_clone(scratch: Path, request: pytest.FixtureRequest) -> Iterator[clone.Clone]:
    """Returns the clone of a test class, in a folder of its own."""
    with clone.start(scratch / "clones" / request.cls.__name__) as started:
        yield started


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    """Returns a dict to which the first test adds the digest of the file."""
    return {}


def _build(through: clone.Clone, server: services.Server) -> clone.Build:
    through.connect("remote-cache-endpoint", f"--remote_cache={server.url}")
    return through.build(_TARGET, "--config=remote-cache")


def _report(
    capsys: pytest.CaptureFixture[str], title: str, build: clone.Build, fetch: float = 0
) -> None:
    runners = ", ".join(f"{count} {runner}" for runner, count in build.runners.items())
    fetched = f", wheels fetched before in {fetch:.0f} s" if fetch else ""
    with capsys.disabled():
        print(f"\n{title}: {build.seconds:.0f} s; actions: {runners}{fetched}")


class TestFirstClone:
    """Tests one clone with an empty cache, then with caches that fail."""

    def test_from_nothing_everything_runs_here(
        self,
        a_clone: clone.Clone,
        cache: services.Server,
        first: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fetch = a_clone.build(_TARGET, "--nobuild")
        assert cache.holds() == 0
        build = _build(a_clone, cache)
        _report(capsys, "empty cache", build, fetch.seconds)
        assert build.runners == {"linux-sandbox": _ALL}
        assert cache.holds() > 0
        first["digest"] = a_clone.digest(_FILE)

    def test_a_server_that_is_killed_in_mid_build_does_not_stop_it(
        self,
        a_clone: clone.Clone,
        another_cache: services.Server,
        first: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        a_clone.forget()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            building = pool.submit(_build, a_clone, another_cache)
            # The weights arrive in the cache before the export begins.
            while not another_cache.holds():
                assert not building.done()
                time.sleep(0.01)
            another_cache.kill()
            build = building.result()
        _report(capsys, "server killed in mid-build", build)
        assert build.runners == {"linux-sandbox": _ALL}
        assert "WARNING: Remote Cache: UNAVAILABLE" in build.output
        assert a_clone.digest(_FILE) == first["digest"]

    def test_no_server_at_the_endpoint_is_a_warning(
        self,
        a_clone: clone.Clone,
        another_cache: services.Server,
        first: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        a_clone.forget()
        another_cache.kill()
        build = _build(a_clone, another_cache)
        _report(capsys, "no server", build)
        assert build.runners == {"linux-sandbox": _ALL}
        assert "WARNING: Remote Cache: UNAVAILABLE" in build.output
        assert a_clone.digest(_FILE) == first["digest"]

    def test_what_came_from_a_server_outlives_it(
        self,
        a_clone: clone.Clone,
        another_cache: services.Server,
        first: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Downloads intermediate files too, which Bazel by default leaves on the server."""
        a_clone.connect("remote-cache-endpoint", f"--remote_cache={another_cache.url}")
        for expected in ("linux-sandbox", "remote cache hit"):
            a_clone.forget()
            weights = a_clone.build(_WEIGHTS, "--config=remote-cache")
            assert weights.runners == {expected: 1}
        another_cache.kill()
        build = _build(a_clone, another_cache)
        _report(capsys, "server killed after the weights came from it", build)
        assert build.runners == {"linux-sandbox": _ALL - 1}
        assert a_clone.digest(_FILE) == first["digest"]

    def test_without_an_endpoint_the_error_says_where_it_goes(self, a_clone: clone.Clone) -> None:
        (a_clone.workspace / "user.bazelrc").unlink()
        result = a_clone.bazel("build", "--config=remote-cache", _TARGET)
        assert result.returncode != 0
        assert "'remote-cache-endpoint' is not defined" in result.stdout


class TestSecondClone:
    """Tests another clone, in another folder, with an output base of its own."""

    def test_everything_comes_from_the_cache(
        self,
        a_clone: clone.Clone,
        cache: services.Server,
        first: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fetch = a_clone.build(_TARGET, "--nobuild")
        build = _build(a_clone, cache)
        _report(capsys, "second clone", build, fetch.seconds)
        assert build.runners == {"remote cache hit": _ALL}
        assert a_clone.digest(_FILE) == first["digest"]
