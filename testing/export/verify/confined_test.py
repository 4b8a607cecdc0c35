"""A child can do its work, and none of the harm that it might."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.verify.children import confined
from export.verify.children.confined import ChildError, Limits

GIB = 1 << 30
_LIMITS = Limits(memory=GIB, seconds=60)
_CHILD = "testing.export.verify.harmful_child"


def run(action: str, argument: object = "", limits: Limits = _LIMITS) -> list[dict[str, Any]]:
    """Returns what the child reports."""
    return list(confined.run(_CHILD, {"action": action, "argument": argument}, limits))


@pytest.fixture(scope="module")
def in_force() -> str:
    """The mechanisms that this system has, in one text."""
    return " ".join(run("nothing")[0]["confinement"])


@pytest.fixture
def port() -> Iterator[int]:
    """A port on loopback that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_reports_arrive_behind_the_mechanisms_in_force() -> None:
    first, second = run("nothing")
    assert "limits of memory and file size" in first["confinement"]
    assert second == {"done": True}


def test_it_is_told_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    environment = run("environment")[1]["environment"]
    assert set(environment) <= {"MALLOC_MMAP_THRESHOLD_", "LC_CTYPE"}


def test_memory_has_a_limit() -> None:
    assert run("allocate", GIB // 2)[1:] == [{"done": True}]
    with pytest.raises(ChildError, match=r"^failed: MemoryError"):
        run("allocate", 2 * GIB)


@pytest.mark.parametrize("action", ["write", "append", "remove", "rename", "link"])
def test_no_file_is_changed(action: str, witness: Path, in_force: str) -> None:
    if "read-only files" not in in_force:
        pytest.skip("this system has neither Landlock nor mount namespaces")
    argument = witness.with_name("new") if action == "link" else witness
    with pytest.raises(ChildError, match=r"Read-only|Permission denied"):
        run(action, str(argument))
    assert not witness.with_name("new").is_symlink()


def test_no_file_is_truncated_by_a_library(witness: Path, in_force: str) -> None:
    if "read-only files" not in in_force:
        pytest.skip("this system has neither Landlock nor mount namespaces")
    run("truncate", str(witness))
    assert witness.read_text() == "untouched"


@pytest.mark.parametrize("action", ["chmod", "times"])
def test_no_mode_or_time_is_changed(action: str, witness: Path, in_force: str) -> None:
    if "mount namespace" not in in_force:
        pytest.skip("this system has no mount namespaces")
    with pytest.raises(ChildError, match="Read-only"):
        run(action, str(witness))


def test_one_folder_can_be_written_within_the_limit(tmp_path: Path, witness: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    limits = Limits(memory=GIB, seconds=60, file_bytes=3, writable=scratch)
    with pytest.raises(ChildError, match="File too large"):
        run("write", str(scratch / "new"), limits)
    run("write", str(scratch / "new"), Limits(GIB, 60, file_bytes=4, writable=scratch))
    assert (scratch / "new").read_text() == "harm"
    with pytest.raises(ChildError, match=r"Read-only|Permission denied|File too large"):
        run("write", str(witness), limits)


@pytest.mark.parametrize("action", ["connect", "udp"])
def test_there_is_no_network(action: str, port: int, in_force: str) -> None:
    socket.create_connection(("127.0.0.1", port), 5).close()
    if "no network" not in in_force:
        pytest.skip("this system has no network namespaces")
    with pytest.raises(ChildError, match=r"^failed: \w*Error"):
        run(action, port)


def test_no_program_is_executed(in_force: str) -> None:
    if "Landlock" not in in_force:
        pytest.skip("this system has no Landlock")
    with pytest.raises(ChildError, match="Permission denied"):
        run("execute")


def test_no_other_process_is_signaled(in_force: str) -> None:
    if "Landlock, ABI 6" not in in_force and "Landlock, ABI 7" not in in_force:
        pytest.skip("this system's Landlock has no scopes")
    with pytest.raises(ChildError, match="not permitted"):
        run("kill parent")


def test_printed_text_is_no_report() -> None:
    assert run("forge")[1:] == [{"done": True}]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("abort", "^was ended by SIGABRT$"),
        ("kill", "^was killed, probably because the system ran out of memory$"),
        ("garbage", "^wrote something else than a report"),
        ("long", "^wrote something else than a report"),
        ("many", "^wrote more than 10,000 reports$"),
        ("no such action", "^failed: KeyError"),
    ],
)
def test_message_says_how_it_ended(action: str, message: str) -> None:
    with pytest.raises(ChildError, match=message):
        run(action)


def test_much_printed_text_is_neither_kept_nor_in_the_way() -> None:
    assert run("print")[1:] == [{"done": True}]


def test_it_is_not_waited_for_longer_than_its_time() -> None:
    with pytest.raises(ChildError, match=r"^ran for 2 s, the limit$"):
        run("sleep", limits=Limits(GIB, 2))


def test_it_does_not_outlive_its_listener() -> None:
    listening = confined.run(_CHILD, {"action": "sleep"}, Limits(GIB, 60))
    next(listening)
    listening.close()
    with pytest.raises(ChildProcessError):  # there is no child to wait for
        os.waitpid(-1, os.WNOHANG)


def test_modules_in_the_working_directory_are_not_found(
    tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "click", "testing", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(witness)!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", ".", *sys.path])
    monkeypatch.chdir(tmp_path)
    paths = run("modules")[1]["path"]
    assert str(tmp_path) not in paths
    assert all(Path(path).is_absolute() for path in paths)
