"""Tests which Bazel `tools/bazel` runs, and that arguments, streams and exit status reach it."""

import pathlib

import pytest

from testing.tools.conftest import Machine, Result

_AWKWARD = ["build", "", "a b", "it's", '"q"', "*", "$HOME", "\\", "two\nlines", "--x=a  b", "--"]

# Prints its name and arguments, NUL-terminated, and its stdin.
_REPORT = """
[[ "$*" != --version ]] || {{ echo "bazel 7.9.0"; exit; }}
printf "%s\\0" "${{0##*/}}" "$@"; cat; exit {status}
"""


def _stand_in_for(machine: Machine, route: str, status: int = 0) -> None:
    body = _REPORT.format(status=status)
    if route == "BAZEL_REAL":
        real = machine.stand_in(machine.folder / "a [b]* c" / "real", body)
        machine.environment["BAZEL_REAL"] = str(real)
    elif route == "root":
        machine.stand_in(machine.workspace / "tools" / "debian_root" / "enter", body)
    else:
        machine.stand_in(route, body)


def _launch(machine: Machine, *arguments: str, stdin: str = "") -> Result:
    return machine.run(machine.workspace / "tools" / "bazel", *arguments, stdin=stdin)


@pytest.mark.parametrize(
    "present, chosen",
    [
        (["BAZEL_REAL", "bazelisk", "bazel", "root"], "real"),
        (["bazelisk", "bazel", "root"], "bazelisk"),
        (["bazel", "root"], "bazel"),
        (["root"], "enter"),
    ],
)
def test_the_first_that_is_present_is_run(
    machine: Machine, present: list[str], chosen: str
) -> None:
    for route in present:
        _stand_in_for(machine, route)
    result = _launch(machine)
    assert (result.stdout, result.stderr, result.returncode) == (chosen + "\0", "", 0)


@pytest.mark.parametrize("route", ["BAZEL_REAL", "bazelisk", "bazel", "root"])
def test_arguments_streams_and_status_pass(machine: Machine, route: str) -> None:
    _stand_in_for(machine, route, status=37)
    result = _launch(machine, *_AWKWARD, stdin="to Bazel")
    assert result.stdout.split("\0")[1:] == [*_AWKWARD, "to Bazel"]
    assert (result.stderr, result.returncode) == ("", 37)


@pytest.mark.parametrize("name", ["bazelisk", "bazel"])
@pytest.mark.parametrize("behind, chosen", [(True, "bazel"), (False, "enter")])
def test_it_never_runs_itself(machine: Machine, name: str, behind: bool, chosen: str) -> None:
    launcher = machine.workspace / "tools" / "bazel"
    _stand_in_for(machine, "root")
    (machine.folder / "link").symlink_to(launcher)
    first = machine.folder / "first"
    first.mkdir()
    (first / name).symlink_to("../link")
    path = [str(first), str(launcher.parent), str(machine.commands)]
    if behind:
        machine.stand_in(machine.folder / "last" / "bazel", _REPORT.format(status=0))
        path.append(str(machine.folder / "last"))
    machine.environment["PATH"] = ":".join(path)
    machine.environment["BAZEL_REAL"] = str(first / name)
    for called_as in (launcher, first / name):
        result = machine.run(called_as, "version")
        assert (result.stdout, result.returncode) == (f"{chosen}\0version\0", 0)


@pytest.mark.parametrize("name", ["MODULE.bazel", "REPO.bazel", "WORKSPACE", "WORKSPACE.bazel"])
def test_another_workspace_is_refused(machine: Machine, name: str) -> None:
    """Its //export:verify is not ours."""
    _stand_in_for(machine, "root")
    launcher = machine.workspace / "tools" / "bazel"
    own = machine.workspace / "export"
    other = machine.workspace / "down\x1bload"
    (other / "folder").mkdir(parents=True)
    own.mkdir()
    (other / name).touch()
    assert machine.run(launcher, "run", cwd=own).stdout == "enter\0run\0"
    for folder in (other, other / "folder"):
        result = machine.run(launcher, "run", cwd=folder)
        assert (result.returncode, result.stdout) == (1, "")
        (line,) = result.stderr.splitlines()
        assert "is another workspace; expected" in line and line.isprintable()
    (own / "link").symlink_to(other)
    result = machine.run(
        launcher, "run", cwd=own / "link", env=machine.environment | {"PWD": str(own / "link")}
    )
    assert result.returncode == 1
    (link := machine.folder / "link").symlink_to(launcher)
    assert machine.run(link, "run", cwd=other).stdout == "enter\0run\0"


def test_a_folder_or_a_plain_file_named_bazel_is_no_bazel(machine: Machine) -> None:
    _stand_in_for(machine, "root")
    (machine.commands / "bazel").mkdir()
    (machine.commands / "bazelisk").write_text("not executable")
    assert _launch(machine).stdout == "enter\0"


def test_a_wrong_bazel_real_is_an_error_that_names_it(machine: Machine) -> None:
    _stand_in_for(machine, "bazel")
    machine.environment["BAZEL_REAL"] = str(pathlib.Path("/nowhere/bazel"))
    result = _launch(machine)
    assert result.returncode == 127
    assert "/nowhere/bazel" in result.stderr
    assert result.stdout == ""


def _stand_in_with_version(machine: Machine, name: str, answer: str) -> None:
    answer = f'[[ "$*" != --version ]] || {{ {answer}; exit; }}'
    machine.stand_in(name, f"{answer}\n{_REPORT.format(status=0)}")


@pytest.mark.parametrize("version", ["6.5.0", "5.0.0-pre.20220101.1"])
def test_an_older_bazel_is_refused(machine: Machine, version: str) -> None:
    _stand_in_with_version(machine, "bazel", f"echo bazel {version}")
    result = _launch(machine, "build")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert f"is Bazel {version}; expected at least 7.7.1" in line and "BAZEL_REAL=" in line


@pytest.mark.parametrize(
    "answer, words", [("echo bazel 8.4.2", "8.4.2"), ("echo no", "no"), ("exit 1", "of an unknown")]
)
def test_another_bazel_is_run_with_a_warning(machine: Machine, answer: str, words: str) -> None:
    _stand_in_with_version(machine, "bazel", answer)
    result = _launch(machine, "build", stdin="to Bazel")
    assert (result.returncode, result.stdout) == (0, "bazel\0build\0to Bazel")
    (line,) = result.stderr.splitlines()
    assert f"bazel is Bazel {words}" in line and "tested with 7.7.1" in line


@pytest.mark.parametrize("route", ["BAZEL_REAL", "bazelisk"])
def test_a_bazel_that_knows_better_is_not_asked_for_its_version(
    machine: Machine, route: str
) -> None:
    _stand_in_with_version(machine, route if route == "bazelisk" else "real", "echo bazel 6.0.0")
    if route == "BAZEL_REAL":
        machine.environment["BAZEL_REAL"] = str(machine.commands / "real")
    result = _launch(machine, "build")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "free, command, built, warned",
    [
        (13, ["--batch", "build", "//..."], False, True),
        (13, ["test"], False, True),
        (15, ["build"], False, False),
        (13, ["build"], True, False),
        (13, ["--output_base=/elsewhere", "build"], False, False),
        (13, ["query", "//build:test"], False, False),
    ],
)
def test_a_first_build_on_a_small_disk_begins_with_a_warning(
    machine: Machine, free: int, command: list[str], built: bool, warned: bool
) -> None:
    _stand_in_for(machine, "bazelisk")
    machine.stand_in("df", f"echo header; echo disk 0 0 {free * 1_000_000} 0% /")
    if not built:
        (machine.workspace / "bazel-out").rmdir()
    result = _launch(machine, *command)
    assert (result.returncode, result.stdout.split("\0")[1:-1]) == (0, command)
    assert (f"{machine.home} has 13 GB free" in result.stderr) is warned
    assert bool(result.stderr) is warned
