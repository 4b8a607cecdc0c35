"""Gathers an air-gap kit and builds from it with no network.

The kit has one small wheel and one small checkpoint. Bazel, pip and the digests are real.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from export.common import sha256sums
from export.common.lock_file import Pin
from testing import nested_bazel
from testing.third_party import tiny_wheel
from tools.airgap_kit import bazel as another_bazel
from tools.airgap_kit import distdir, gather, inventory, packed_bazel, wheels
from tools.airgap_kit.errors import GapError

_WHEEL = tiny_wheel.make_wheel()
_WEIGHTS = bytes(range(256)) * 64
_CHECKPOINT = "CorridorKey_v1.0.safetensors"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_PIN = Pin("corridorkey-probe", "1.0", (_sha256(_WHEEL), 64 * "0"), ())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder with the wheel, which is pip's only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / tiny_wheel.NAME).write_bytes(_WHEEL)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_wheels_are_downloaded_once(index: Path, tmp_path: Path) -> None:
    for _ in range(2):
        found = wheels.gather({"one": [_PIN], "two": [_PIN]}, tmp_path / "kit")
        assert found == {"one": [tiny_wheel.NAME], "two": [tiny_wheel.NAME]}
        assert [path.name for path in (tmp_path / "kit").iterdir()] == [tiny_wheel.NAME]
        (index / tiny_wheel.NAME).unlink(missing_ok=True)


@pytest.mark.usefixtures("index")
def test_a_damaged_wheel_is_downloaded_again_and_another_goes(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / tiny_wheel.NAME).write_bytes(_WHEEL[:-1])
    (kit / "other-1.0-py3-none-any.whl").touch()
    (kit / ".download.killed").mkdir()
    wheels.gather({"one": [_PIN]}, kit)
    assert {path.name: path.read_bytes() for path in kit.iterdir()} == {tiny_wheel.NAME: _WHEEL}


@pytest.mark.usefixtures("index")
def test_a_wheel_for_another_platform_is_none(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / "corridorkey_probe-1.0-py3-none-win_amd64.whl").write_bytes(_WHEEL)
    assert wheels.gather({"one": [_PIN]}, kit) == {"one": [tiny_wheel.NAME]}


@pytest.mark.parametrize("content", [None, _WHEEL + b"x"], ids=["missing", "changed"])
def test_a_wheel_that_cannot_be_had_is_named(
    index: Path, tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    (index / tiny_wheel.NAME).unlink()
    if content:
        (index / tiny_wheel.NAME).write_bytes(content)
    with pytest.raises(GapError, match=r"could not download corridorkey-probe==1"):
        wheels.gather({"one": [_PIN]}, tmp_path / "kit")
    assert ("DO NOT MATCH THE HASHES" in capfd.readouterr().err) == bool(content)
    assert list((tmp_path / "kit").iterdir()) == []


def test_the_list_is_one_that_sha256sum_accepts(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/a+b.whl").write_bytes(_WHEEL)
    manifest = inventory.write(tmp_path, {"left_out": ["@corridorkey_blue"]})
    assert manifest["files"] == {
        "wheels/a+b.whl": {"sha256": _sha256(_WHEEL), "bytes": len(_WHEEL)}
    }
    sums = sha256sums.parse((tmp_path / "SHA256SUMS").read_bytes())
    assert sums.keys() == {"manifest.json", "wheels/a+b.whl"}
    check = ("sha256sum", "--check", "--strict", "SHA256SUMS")
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "wheels/a+b.whl").write_bytes(_WHEEL[:-1] + b"x")
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode != 0


@pytest.mark.parametrize("name", ["distdir", "wheels/a.whl", "registry/modules"])
def test_a_link_in_a_kit_is_refused_and_what_it_leads_to_stays(name: str, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "kept").write_text("kept")
    kit = tmp_path / "kit"
    link = kit / name
    link.parent.mkdir(parents=True)
    link.symlink_to(treasure)
    result = CliRunner().invoke(
        gather.main, [f"--output={kit}"], env={"BUILD_WORKSPACE_DIRECTORY": str(tmp_path)}
    )
    assert result.exit_code != 0
    assert f"{link} is a link; expected none in a kit" in result.output
    assert [path.name for path in treasure.iterdir()] == ["kept"]
    link.unlink()
    inventory.refuse_others(kit)


def _make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(path.parent):
        listener.bind(path.name)  # Not the whole path, which may be too long for a socket.


@pytest.mark.parametrize("make", [os.mkfifo, _make_socket], ids=["pipe", "socket"])
@pytest.mark.parametrize("name", ["SHA256SUMS", "distdir/a.tar.gz"])
def test_a_pipe_or_a_socket_in_a_kit_is_refused_unread(
    make: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    with pytest.raises(GapError, match=r" is a pipe, a socket or a device; expected none in a kit"):
        inventory.refuse_others(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, _make_socket], ids=["pipe", "socket"])
def test_no_gatherer_waits_for_a_pipe_or_a_socket(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    """Each by itself, as if the pipe came after the kit was looked at."""
    for name in ("weights", tiny_wheel.NAME):
        make(tmp_path / name)
    fetching = another_bazel.Bazel(tmp_path, tmp_path)
    gatherers: list[Callable[[], object]] = [
        lambda: distdir.gather(fetching, tmp_path, "@weights", {"weights": 64 * "0"}),
        lambda: wheels.gather({"one": [_PIN]}, tmp_path),
    ]
    for gatherer in gatherers:
        with pytest.raises(OSError, match="expected a regular file"):
            gatherer()


def test_what_bazel_prints_is_escaped_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise GapError("Bazel cannot fetch @a:\nERROR: \x1b]0;title\x07\r\nadvice \u202e")

    monkeypatch.setattr(gather, "_gather_downloads", refuse)
    (tmp_path / "third_party/python").mkdir(parents=True)
    result = CliRunner().invoke(
        gather.main,
        [f"--output={tmp_path / 'kit'}"],
        env={"BUILD_WORKSPACE_DIRECTORY": str(tmp_path)},
    )
    assert result.output == (
        "Error: Bazel cannot fetch @a:\nERROR: \\x1b]0;title\\x07\nadvice \\u202e\n"
    )
    assert result.exit_code == 1


def _fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("somebody's")


def test_of_an_earlier_kit_only_what_pins_vouch_for_stays(tmp_path: Path) -> None:
    _fill(tmp_path, "SHA256SUMS", "manifest.json", "bazel", "registry/modules/rules_python/a.json")
    _fill(tmp_path, "debian-root-0123456789abcdef.tar.gz", ".bazel.01ab_d2z.partial/bazel")
    _fill(tmp_path, "distdir/weights", "wheels/a.whl")
    inventory.empty(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert {path.name for path in tmp_path.iterdir()} == {"distdir", "wheels"}
    assert left == {"wheels/a.whl"} and (tmp_path / "distdir/weights").exists()


@pytest.mark.parametrize(
    "name", ["run_me.sh", "bazel.sh", "my-debian-root-0123.tar.gz", "photos/a"]
)
def test_a_folder_with_other_things_is_refused_and_stays(name: str, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    _fill(kit, name, "SHA256SUMS")
    (tmp_path / "third_party/python").mkdir(parents=True)
    result = CliRunner().invoke(
        gather.main,
        [f"--output={kit}", "--no-checkpoint"],
        env={"BUILD_WORKSPACE_DIRECTORY": str(tmp_path)},
    )
    assert result.exit_code != 0
    assert f"{kit / name.partition('/')[0]} is not a part of a kit; expected" in result.output
    assert (kit / name).exists() and (kit / "SHA256SUMS").exists()


def test_nothing_is_removed_or_listed_through_a_link(tmp_path: Path) -> None:
    kit, treasure = tmp_path / "kit", tmp_path / "treasure"
    _fill(treasure, "kept", "folder/kept")
    kit.mkdir()
    (kit / "distdir").symlink_to(treasure)
    with pytest.raises(GapError, match=r"distdir is a link or a file; expected a folder"):
        inventory.keep_only(kit / "distdir", [])
    with pytest.raises(GapError, match=r"distdir is a link; expected none in a kit"):
        inventory.write(kit, {})
    assert [path.name for path in kit.iterdir()] == ["distdir"]
    (kit / "distdir").unlink()
    _fill(kit, "distdir/old/file", "distdir/kept")
    (kit / "distdir/link").symlink_to(treasure)
    inventory.keep_only(kit / "distdir", ["kept"])
    assert [path.name for path in (kit / "distdir").iterdir()] == ["kept"]
    assert (treasure / "kept").exists() and (treasure / "folder/kept").exists()


@pytest.mark.parametrize("name", ["\x1b]0;title\x07", "a\nb", "\u202egnp.exe"])
def test_the_name_of_a_removed_file_is_printed_escaped(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).touch()
    inventory.keep_only(tmp_path, [])
    printed = capsys.readouterr().out
    assert printed.startswith("removing ") and printed.removesuffix("\n").isprintable()
    assert not list(tmp_path.iterdir())


def test_the_root_is_packed_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "debian-root-0123"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/bazel").write_text("Bazel")
    (root / "etc").mkdir()
    monkeypatch.setenv("CORRIDORKEY_DEBIAN_ROOT", str(root))
    kit = tmp_path / "kit"
    kit.mkdir()
    # Somebody's own archive, under the right name and with its own list, is not kept.
    _fill(kit, f"{root.name}.tar.gz")
    inventory.write(kit, {})

    name = packed_bazel.gather(kit)
    assert name == f"{root.name}.tar.gz"
    shutil.unpack_archive(kit / name, tmp_path / "unpacked")
    assert (tmp_path / "unpacked/usr/bin/bazel").read_text() == "Bazel"


def test_outside_of_the_root_the_binary_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORRIDORKEY_DEBIAN_ROOT", raising=False)
    monkeypatch.delenv("CORRIDORKEY_BAZEL", raising=False)
    binary = tmp_path / "bazel-7.7.1"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.setenv("BAZEL_REAL", str(binary))
    assert packed_bazel.gather(tmp_path) == "bazel"
    assert (tmp_path / "bazel").read_text() == "#!/bin/sh\n"
    assert os.access(tmp_path / "bazel", os.X_OK)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nested")


@pytest.fixture(scope="module")
def bazel(scratch: Path) -> Iterator[nested_bazel.Bazel]:
    """Returns a Bazel whose only wheel is the small one and whose green checkpoint is _WEIGHTS."""
    with nested_bazel.start(scratch) as run:
        tiny_wheel.write_lock(scratch, _WHEEL)
        pins = scratch / "workspace/third_party/checkpoints/checkpoints.bzl"
        pins.chmod(0o644)
        published = "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b"
        pins.write_text(pins.read_text().replace(published, _sha256(_WEIGHTS)))
        yield run


@pytest.fixture
def kit(bazel: nested_bazel.Bazel, scratch: Path, tmp_path: Path) -> Iterator[Path]:
    """Returns a kit to which the workspace has a link; empties the cache."""
    folder = tmp_path / "kit"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / tiny_wheel.NAME).write_bytes(_WHEEL)
    (folder / "distdir").mkdir()
    (folder / "distdir" / _CHECKPOINT).write_bytes(_WEIGHTS)
    (folder / "SHA256SUMS").touch()
    link = scratch / "workspace/airgap_kit"
    link.symlink_to(folder)
    bazel("clean", "--expunge")
    yield folder
    link.unlink()


_FETCH_CHECKPOINT = ("query", "@corridorkey_green//:all", "--repository_cache=")


@pytest.mark.usefixtures("kit")
def test_a_wheel_comes_from_the_kit(bazel: nested_bazel.Bazel) -> None:
    result = bazel(*tiny_wheel.FETCH, "--config=airgap")
    assert result.returncode == 0, result.stdout
    assert "corridorkey_probe.py" in result.stdout


def test_a_changed_wheel_in_the_kit_is_refused(bazel: nested_bazel.Bazel, kit: Path) -> None:
    (kit / "wheels" / tiny_wheel.NAME).write_bytes(_WHEEL[:-1] + b"x")
    result = bazel(*tiny_wheel.FETCH, "--config=airgap")
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout


@pytest.mark.usefixtures("kit")
def test_the_checkpoint_comes_from_the_kit(bazel: nested_bazel.Bazel) -> None:
    result = bazel(*_FETCH_CHECKPOINT, "--config=airgap")
    assert result.returncode == 0, result.stdout


def test_a_changed_checkpoint_in_the_kit_is_refused(bazel: nested_bazel.Bazel, kit: Path) -> None:
    (kit / "distdir" / _CHECKPOINT).write_bytes(_WEIGHTS + b"x")
    result = bazel(*_FETCH_CHECKPOINT, "--config=airgap")
    assert result.returncode != 0
    assert "Checkpoint @corridorkey_green: it cannot be reached" in result.stdout


def test_without_a_kit_the_flag_is_an_error(bazel: nested_bazel.Bazel) -> None:
    bazel("clean", "--expunge")
    result = bazel(*tiny_wheel.FETCH, "--config=airgap")
    assert result.returncode != 0
    assert "--config=airgap needs a complete kit in" in result.stdout


def test_an_incomplete_kit_is_an_error(bazel: nested_bazel.Bazel, kit: Path) -> None:
    (kit / "SHA256SUMS").unlink()
    result = bazel(*tiny_wheel.FETCH, "--config=airgap")
    assert result.returncode != 0
    assert "--config=airgap needs a complete kit in" in result.stdout


def test_flags_in_a_kit_have_no_effect(bazel: nested_bazel.Bazel, kit: Path) -> None:
    (kit / "airgap.bazelrc").write_text("common --not_a_flag\ncommon:airgap --not_a_flag\n")
    for flags in ((), ("--config=airgap",)):
        result = bazel(*_FETCH_CHECKPOINT, *flags, f"--distdir={kit / 'distdir'}")
        assert result.returncode == 0, result.stdout


@pytest.mark.usefixtures("bazel")
def test_a_checkpoint_is_gathered_from_a_copy(
    scratch: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CORRIDORKEY_BAZEL", "\n".join(nested_bazel.command()))
    copy = tmp_path / "mine"
    folder = tmp_path / "distdir"
    flag = f"--repo_env=CORRIDORKEY_GREEN={copy}"
    pins = {_CHECKPOINT: _sha256(_WEIGHTS)}
    with another_bazel.start(scratch / "workspace") as gathering:
        copy.write_bytes(_WEIGHTS[1:])
        with pytest.raises(GapError, match=r"(?s)has the wrong digest.*leave it out"):
            distdir.gather(gathering, folder, "@corridorkey_green", pins, [flag], "leave it out")
        assert not folder.exists()
        copy.write_bytes(_WEIGHTS)
        for _ in range(2):
            names = distdir.gather(gathering, folder, "@corridorkey_green", pins, [flag])
            assert names == [_CHECKPOINT]
            copy.unlink(missing_ok=True)
    assert (folder / _CHECKPOINT).read_bytes() == _WEIGHTS
