"""Runs `tools/bazel` on a bad machine: killed, crowded, on a full disk, in odd surroundings.

The launcher, bubblewrap and Bazel are the real ones. The root is made of Debian's packages or of an
air-gap kit, which is faster. After each fault the next run must succeed with no help, or its
message must say what to remove.
"""

import contextlib
import gzip
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_TOP = Path(__file__).absolute().parents[2]
_SEED = random.SystemRandom().randrange(10**6)
_VERSION = f"bazel {(_TOP / '.bazelversion').read_text().strip()}"

_GIGABYTES = 12
"""Free disk that the tests need: three roots, a kit and the packages."""

_KILLS_FROM_DEBIAN = 2
_KILLS_FROM_KIT = 48
_KILLS_OF_BUILDS = 50

# A chain of short actions; the output of the last one begins with the content of `input`.
_BUILD = """
[
    genrule(
        name = "step%d" % number,
        srcs = ["step%d.txt" % (number - 1) if number else "input"],
        outs = ["step%d.txt" % number],
        cmd = "sleep 0.1; cat $< > $@; echo %d >> $@" % number,
    )
    for number in range(12)
]
"""
_STEPS = 12

Result = subprocess.CompletedProcess[str]


class Machine:
    """This machine with an empty home and no Bazel.

    Attributes:
        folder: Holds everything of the machine.
        clone: A copy of the sources.
        home: HOME.
        cache: Folder in which tools/bazel keeps its roots.
    """

    def __init__(self, folder: Path, clone: Path) -> None:
        self.folder = folder
        self.clone = clone
        self.home = folder / "home"
        self.cache = folder / "cache/corridorkey-nuke"
        self.home.mkdir(parents=True)

    def start(
        self, *arguments: str, before: tuple[str, ...] = (), **settings: str
    ) -> subprocess.Popen[str]:
        """Starts `tools/bazel` in a process group of its own.

        Args:
            *arguments: Arguments of `tools/bazel`.
            before: Command line that runs `tools/bazel`, to which its own is appended.
            **settings: Further environment variables.
        """
        bazels = filter(None, map(shutil.which, ("bazel", "bazelisk")))
        hidden = [argument for path in bazels for argument in ("--ro-bind", "/dev/null", path)]
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "XDG_CACHE_HOME": str(self.cache.parent),
        }
        return subprocess.Popen(
            [
                *("bwrap", "--dev-bind", "/", "/", *hidden),
                # Inside a Debian root, the host's users and mirrors are in /host-etc.
                *("--ro-bind-try", "/host-etc", "/etc"),
                *("env", "--ignore-environment"),
                *(f"{name}={value}" for name, value in (environment | settings).items()),
                *before,
                *("tools/bazel", *arguments),
            ],
            cwd=self.clone,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, before: tuple[str, ...] = (), **settings: str) -> Result:
        """Runs `tools/bazel` and waits for its end."""
        process = self.start(*arguments, before=before, **settings)
        stdout, stderr = process.communicate()
        return Result(process.args, process.returncode, stdout, stderr)

    def assert_heals(self) -> None:
        """Asserts that the next run succeeds and leaves one root and nothing half-made."""
        result = self.run("--version")
        assert result.stdout.strip() == _VERSION, result.stderr
        names = {path.name for path in self.cache.iterdir() if ".truststore-" not in path.name}
        assert names == {self.root().name, "debian-root.lock"}

    def root(self) -> Path:
        """Returns the only root."""
        (root,) = (path for path in self.cache.glob("debian-root-*") if path.is_dir())
        return root

    def move_clone(self, name: str) -> None:
        """Copies the clone into the machine's folder and uses the copy from then on."""
        without_links = shutil.ignore_patterns("bazel-*")
        clone = self.folder / name
        shutil.copytree(self.clone, clone, ignore=without_links, copy_function=os.link)
        self.clone = clone

    def forget(self) -> None:
        """Removes every root."""
        shutil.rmtree(self.cache, ignore_errors=True)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Returns a folder for gigabytes, in memory if it has room: that halves the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _GIGABYTES << 30
    folder = Path(tempfile.mkdtemp(dir=memory if roomy else os.environ["TEST_TMPDIR"]))
    folder.chmod(0o755)
    yield folder
    # Not left to Bazel, which cannot remove names that are not ASCII.
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sources(scratch: Path) -> Path:
    """Returns a module that has the launcher and nothing to download."""
    clone = scratch / "clone"
    for name in ("tools/debian_root", "third_party/registry"):
        shutil.copytree(_TOP / name, clone / name)
    for name in ("tools/bazel", ".bazelversion"):
        shutil.copy(_TOP / name, clone / name)
    dependencies = re.findall(r"^bazel_dep.*", (_TOP / "MODULE.bazel").read_text(), re.MULTILINE)
    (clone / "MODULE.bazel").write_text("\n".join(['module(name = "faults")', *dependencies]))
    (clone / "BUILD.bazel").write_text(_BUILD)
    (clone / "input").write_text("first\n")
    return clone


@pytest.fixture
def machine(sources: Path, scratch: Path) -> Iterator[Machine]:
    """Returns a machine that makes its root of Debian's packages."""
    made = Machine(scratch / "machine", sources)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture(scope="module")
def first(sources: Path, scratch: Path) -> tuple[Machine, float]:
    """Returns a machine with a root of Debian's packages, and the seconds that making it took."""
    made = Machine(scratch / "first", sources)
    start = time.monotonic()
    made.assert_heals()
    return made, time.monotonic() - start


def _pack_kit(machine: Machine, clone: Path, *without: str) -> None:
    """Copies the sources, and packs the root of a machine into a kit beside them."""
    shutil.copytree(machine.clone, clone)
    archive = clone / "airgap_kit" / f"{machine.root().name}.tar.gz"
    archive.parent.mkdir()
    excluded = [f"--exclude=./{folder}" for folder in without]
    tar = ["tar", "--create", *excluded, "--directory", str(machine.root()), "."]
    # Level 0 does not compress, which makes unpacking fast.
    with (
        gzip.open(archive, "wb", compresslevel=0) as packed,
        subprocess.Popen(tar, stdout=subprocess.PIPE) as process,
    ):
        assert process.stdout
        shutil.copyfileobj(process.stdout, packed, 1 << 20)
    assert process.returncode == 0
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    archive.with_name("SHA256SUMS").write_text(f"{digest}  {archive.name}\n")


@pytest.fixture(scope="module")
def kit(first: tuple[Machine, float], scratch: Path) -> Path:
    """Returns a clone with a kit."""
    clone = scratch / "a clone of o'hara"
    _pack_kit(first[0], clone)
    return clone


@pytest.fixture
def kit_machine(kit: Path, scratch: Path) -> Iterator[Machine]:
    """Returns a machine that makes its root from the kit."""
    made = Machine(scratch / "home of o'hara", kit)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def small_kit_machine(first: tuple[Machine, float], scratch: Path) -> Iterator[Machine]:
    """Returns a machine with a kit a third as large, without Java, that unpacks faster."""
    clone = scratch / "small"
    _pack_kit(first[0], clone, "usr/lib/jvm", "usr/share/doc", "usr/share/locale", "usr/share/java")
    made = Machine(scratch / "small machine", clone)
    yield made
    shutil.rmtree(made.folder)


def _kill(process: subprocess.Popen[str], number: signal.Signals, everything: bool) -> int:
    """Kills the launcher, or its whole process group; returns the exit status."""
    with contextlib.suppress(ProcessLookupError):
        if everything:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    process.communicate()
    return process.returncode


def _killed_while_it_makes_the_root(machine: Machine, seconds: float, kills: int) -> None:
    moments = random.Random(_SEED)
    print(f"seed {_SEED}")
    while kills:
        machine.forget()
        process = machine.start("--version")
        time.sleep(moments.uniform(0, seconds))
        number = moments.choice([signal.SIGKILL, signal.SIGTERM])
        if _kill(process, number, everything=moments.random() < 0.7) == 0:
            continue  # It ended before it was killed.
        kills -= 1
        machine.assert_heals()


def test_killed_while_it_makes_the_root_from_debian(
    machine: Machine, first: tuple[Machine, float]
) -> None:
    _killed_while_it_makes_the_root(machine, first[1], _KILLS_FROM_DEBIAN)


def test_killed_while_it_makes_the_root_from_a_kit(small_kit_machine: Machine) -> None:
    start = time.monotonic()
    small_kit_machine.assert_heals()
    seconds = time.monotonic() - start
    _killed_while_it_makes_the_root(small_kit_machine, seconds, _KILLS_FROM_KIT)


@pytest.fixture
def builder(first: tuple[Machine, float], scratch: Path) -> Iterator[Machine]:
    """Returns a machine with a root, to build on."""
    made = Machine(scratch / "builder", first[0].clone)
    made.cache = first[0].cache
    yield made
    made.run("clean", "--expunge")


def _build(machine: Machine) -> subprocess.Popen[str]:
    return machine.start("--max_idle_secs=60", "build", f"//:step{_STEPS - 1}")


def _assert_builds(machine: Machine, content: str) -> None:
    """Asserts that the next build succeeds with the right output."""
    process = _build(machine)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    built = (machine.clone / f"bazel-bin/step{_STEPS - 1}.txt").read_text()
    assert built == "\n".join([content, *map(str, range(_STEPS)), ""])


def _server(machine: Machine) -> int:
    """Returns the process id of the machine's Bazel server."""
    # A killed server leaves the file, and the next one writes it again.
    while not (files := list(machine.cache.parent.glob("bazel/*/*/server/server.pid.txt"))):
        time.sleep(0.01)
    return int(files[0].read_text())


def test_killed_while_a_build_runs(builder: Machine) -> None:
    moments = random.Random(f"{_SEED} builds")
    print(f"seed {_SEED}")
    source = builder.clone / "input"
    source.write_text("first\n")
    _assert_builds(builder, "first")
    kills = 0
    while kills < _KILLS_OF_BUILDS:
        content = f"input {moments.random()}"
        source.write_text(f"{content}\n")
        process = _build(builder)
        time.sleep(moments.uniform(0, 2.5))
        number = moments.choice([signal.SIGKILL, signal.SIGTERM])
        victim = moments.choice(["client", "group", "server"])
        if victim == "server":
            with contextlib.suppress(ProcessLookupError):
                os.kill(_server(builder), number)
            process.communicate()
        else:
            _kill(process, number, everything=victim == "group")
        if process.returncode == 0:
            continue  # It ended before it was killed.
        kills += 1
        _assert_builds(builder, content)


@pytest.mark.parametrize("count", [2, 5])
def test_several_at_once_from_nothing(count: int, kit_machine: Machine) -> None:
    processes = [kit_machine.start("--version") for _ in range(count)]
    outputs = [process.communicate() for process in processes]
    assert [stdout.strip() for stdout, _ in outputs] == count * [_VERSION], outputs
    waited = [stderr for _, stderr in outputs if "waiting for it" in stderr]
    assert len(waited) == count - 1
    kit_machine.assert_heals()


# Runs a command twice. When the first run unpacks a root, fills the disk but for $1 megabytes.
_FILL = """
fill() {
  until compgen -G "$XDG_CACHE_HOME/*/*.partial/usr" >/dev/null; do sleep 0.01; done
  free="$(df --output=avail --block-size=1M "$XDG_CACHE_HOME" | tail -n 1)"
  exec fallocate --length "$((free - $1))M" "$XDG_CACHE_HOME/filler"
}
fill "$1" &
shift
"$@"
status=$?
kill $! 2>/dev/null
rm -f "$XDG_CACHE_HOME/filler"
"$@" && exit "$status"
"""


def test_too_small_a_disk(kit_machine: Machine) -> None:
    for megabytes in (1, 100, 3999):
        disk = ["--size", f"{megabytes << 20}", "--tmpfs", str(kit_machine.home)]
        before = ("bwrap", "--dev-bind", "/", "/", *disk)
        result = kit_machine.run("--version", before=before, XDG_CACHE_HOME=str(kit_machine.home))
        assert result.returncode == 1
        assert re.search(rf"{kit_machine.home}/corridorkey-nuke has \d+ MB free", result.stderr)
        kit_machine.forget()
        kit_machine.assert_heals()


def test_the_disk_fills_up(kit_machine: Machine) -> None:
    for left in (1, 50, 200):
        disk = ["--size", f"{4100 << 20}", "--tmpfs", str(kit_machine.home)]
        before = ("bwrap", "--dev-bind", "/", "/", *disk, "bash", "-c", _FILL, "bash")
        result = kit_machine.run(
            "--version", before=(*before, str(left)), XDG_CACHE_HOME=str(kit_machine.home)
        )
        assert result.returncode == 1, result.stderr
        assert result.stdout.strip() == _VERSION, result.stderr  # The second run succeeds.
        assert result.stderr.count("cannot make") == 1


def test_read_only_home(kit_machine: Machine) -> None:
    folder = str(kit_machine.folder)
    read_only = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", folder, folder)
    result = kit_machine.run("--version", before=read_only)
    assert result.returncode == 1
    assert "cannot be written. XDG_CACHE_HOME=" in result.stderr.splitlines()[0]
    kit_machine.assert_heals()
    result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=read_only)
    assert result.returncode != 0
    assert "Read-only file system" in result.stderr.strip().splitlines()[-1]
    _assert_builds(kit_machine, (kit_machine.clone / "input").read_text().strip())
    kit_machine.run("shutdown")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param((), id="spaces in HOME and in the path of the clone"),
        pytest.param(("sh", "-c", 'umask 077; exec "$@"', "sh"), id="umask 077"),
    ],
)
def test_odd_surroundings(before: tuple[str, ...], kit_machine: Machine) -> None:
    result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=before)
    assert result.returncode == 0, result.stderr
    _assert_builds(kit_machine, (kit_machine.clone / "input").read_text().strip())
    kit_machine.run("shutdown")


def test_letters_that_are_not_ascii(kit_machine: Machine) -> None:
    """One message names the workaround; with XDG_CACHE_HOME set, such a HOME works."""
    build = ("build", f"//:step{_STEPS - 1}")
    home = kit_machine.folder / "höme"
    home.mkdir()
    result = kit_machine.run(*build, before=("env", "--unset=XDG_CACHE_HOME"), HOME=str(home))
    assert (result.returncode, result.stdout) == (1, "")
    (message,) = result.stderr.splitlines()
    assert f"{home}/.cache/corridorkey-nuke has letters that are not ASCII" in message
    assert "XDG_CACHE_HOME=/" in message
    result = kit_machine.run(*build, HOME=str(home))
    assert result.returncode == 0, result.stderr
    kit_machine.run("shutdown", HOME=str(home))
    kit_machine.move_clone("clöne")
    result = kit_machine.run(*build)
    assert (result.returncode, result.stdout) == (1, "")
    (message,) = result.stderr.splitlines()
    assert f"{kit_machine.clone} has letters that are not ASCII" in message
    assert "Move this clone" in message


def test_the_graph_of_modules(kit_machine: Machine) -> None:
    result = kit_machine.run("mod", "graph")
    assert result.returncode == 0, result.stderr
    assert "rules_python@" in result.stdout
    kit_machine.run("shutdown")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_unprivileged_user(kit_machine: Machine) -> None:
    """Tests a user who has bubblewrap and a kit, and cannot install anything."""
    kit_machine.move_clone("clone")
    for folder in (kit_machine.clone, kit_machine.home, kit_machine.folder):
        shutil.chown(folder, 65534, 65534)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=as_nobody)
    assert result.returncode == 0, result.stderr
    kit_machine.run("shutdown", before=as_nobody)
