"""A child can do its work, and none of the harm that it might."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.verify import confined
from export.verify.confined import ChildError

GIB = 1 << 30


def run(*arguments: str, seconds: float = 60) -> list[dict[str, Any]]:
    return list(confined.run("testing.export.verify.confined_child", [*arguments], GIB, seconds))


@pytest.fixture
def port() -> Iterator[int]:
    """A port on loopback that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_what_it_says_is_heard() -> None:
    assert run("nothing") == [{}]


def test_it_is_told_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    known = {"PYTHONPATH", confined.MEMORY, "MALLOC_MMAP_THRESHOLD_", "LC_CTYPE"}
    assert set(run("environment")[0]) <= known


def test_memory_has_a_limit() -> None:
    assert run("allocate", str(GIB // 2)) == [{}]
    with pytest.raises(ChildError, match="failed: MemoryError"):
        run("allocate", str(2 * GIB))


def test_no_file_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ChildError, match=r"failed: OSError: .* File too large"):
        run("write", str(tmp_path / "harm"))
    assert (tmp_path / "harm").read_bytes() == b""


def test_there_is_no_network(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 5).close()
    if not confined._without_network():
        pytest.skip("this system lets nobody take the network from a process")
    with pytest.raises(ChildError, match=r"failed: (OSError|ConnectionRefusedError)"):
        run("connect", str(port))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("abort", "^was ended by SIGABRT$"),
        ("kill", "^was killed, as a system without memory to spare does$"),
        ("babble", "^prints what nobody asked for$"),
    ],
)
def test_how_it_ended_is_said(what: str, message: str) -> None:
    with pytest.raises(ChildError, match=message):
        run(what)


def test_it_is_not_waited_for_longer_than_its_time() -> None:
    with pytest.raises(ChildError, match=r"^was not done in 1 s$"):
        run("sleep", seconds=1)


def test_it_does_not_outlive_who_listens() -> None:
    listening = confined.run("testing.export.verify.confined_child", ["nothing"], GIB, 60)
    next(listening)
    listening.close()
    with pytest.raises(ChildProcessError):  # there is no child to wait for
        os.waitpid(-1, os.WNOHANG)
