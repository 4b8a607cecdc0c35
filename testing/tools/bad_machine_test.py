"""`tools/bazel` on a bad machine, from nothing: killed, crowded, on a full disk, oddly set up.

Nothing stands in for anything: the root is made of Debian's packages, or comes out of an air-gap
kit, which is faster; the launcher, bubblewrap and Bazel are the real ones. After each fault the
next run must succeed with no help, or say what to remove.
"""

import contextlib
import gzip
import hashlib
import itertools
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

from testing import faults
from testing.tools.virtual_machine import VirtualMachine

_TOP = Path(__file__).absolute().parents[2]
_SEED = random.SystemRandom().randrange(10**6)
_VERSION = f"bazel {(_TOP / '.bazelversion').read_text().strip()}"

_GIGABYTES = 12
"""What three roots, a kit and the packages take, or a virtual machine with them; and some."""

_KILLS_FROM_DEBIAN = 2
_KILLS_FROM_KIT = 48
_KILLS_OF_BUILDS = 50

# A chain of small actions, each of which takes a while; the last says what was in `input`.
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
    """A machine with no Bazel and an empty home, whose files are this one's.

    Attributes:
        clone: A copy of the sources.
        cache: Where tools/bazel keeps its roots.
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
            *arguments: Its command line.
            before: A command to put before it.
            **settings: Further environment.
        """
        bazels = filter(None, map(shutil.which, ("bazel", "bazelisk")))
        hidden = [argument for path in bazels for argument in ("--ro-bind", "/dev/null", path)]
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        return subprocess.Popen(
            [
                *("bwrap", "--dev-bind", "/", "/", *hidden),
                # In the air-gapped root, the next root is to find the host's users and mirrors.
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
        """Runs it to its end."""
        process = self.start(*arguments, before=before, **settings)
        stdout, stderr = process.communicate()
        return Result(process.args, process.returncode, stdout, stderr)

    def assert_heals(self) -> None:
        """The next plain run succeeds, and there is one root and nothing half-made."""
        result = self.run("--version")
        assert result.stdout.strip() == _VERSION, result.stderr
        names = {path.name for path in self.cache.iterdir() if ".truststore-" not in path.name}
        assert names == {self.root().name, "airgapped-root.lock"}

    def root(self) -> Path:
        """The root, which there must be."""
        (root,) = (path for path in self.cache.glob("airgapped-root-*") if path.is_dir())
        return root

    def move_clone(self, name: str) -> None:
        """From here on, the clone is one in the machine's own folder."""
        without_links = shutil.ignore_patterns("bazel-*")
        clone = self.folder / name
        shutil.copytree(self.clone, clone, ignore=without_links, copy_function=os.link)
        self.clone = clone

    def forget(self) -> None:
        """As if tools/bazel had never run."""
        shutil.rmtree(self.cache, ignore_errors=True)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder for gigabytes: in memory, if there is room, which takes half the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _GIGABYTES << 30
    folder = Path(tempfile.mkdtemp(dir=memory if roomy else os.environ["TEST_TMPDIR"]))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)  # names in the root are not ASCII, and Bazel cannot remove them


@pytest.fixture(scope="module")
def sources(scratch: Path) -> Path:
    """What of this repository is enough, as a module with nothing to fetch."""
    clone = scratch / "clone"
    for name in ("tools/airgapped_root", "third_party/registry"):
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
    """A machine that makes its root from Debian's packages."""
    made = Machine(scratch / "machine", sources)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture(scope="module")
def first(sources: Path, scratch: Path) -> tuple[Machine, float]:
    """A machine that nothing happens to, with its root; and the seconds that it took."""
    made = Machine(scratch / "first", sources)
    start = time.monotonic()
    made.assert_heals()
    return made, time.monotonic() - start


def _pack_kit(machine: Machine, clone: Path, *without: str) -> None:
    """Copies the sources, and puts the root of a machine beside them as an air-gap kit does."""
    shutil.copytree(machine.clone, clone)
    archive = clone / "airgap_kit" / f"{machine.root().name}.tar.gz"
    archive.parent.mkdir()
    excluded = [f"--exclude=./{folder}" for folder in without]
    tar = ["tar", "--create", *excluded, "--directory", str(machine.root()), "."]
    # As it is, which is quickly unpacked: there is no compression at level 0.
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
    """A clone with a kit."""
    clone = scratch / "a clone of o'hara"
    _pack_kit(first[0], clone)
    return clone


@pytest.fixture
def kit_machine(kit: Path, scratch: Path) -> Iterator[Machine]:
    """A machine that makes its root from the kit."""
    made = Machine(scratch / "home of o'hara", kit)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def small_kit_machine(first: tuple[Machine, float], scratch: Path) -> Iterator[Machine]:
    """The same with a third of the root, so that it can be made a hundred times: it has no Java."""
    clone = scratch / "small"
    _pack_kit(first[0], clone, "usr/lib/jvm", "usr/share/doc", "usr/share/locale", "usr/share/java")
    made = Machine(scratch / "small machine", clone)
    yield made
    shutil.rmtree(made.folder)


def _kill(process: subprocess.Popen[str], number: signal.Signals, everything: bool) -> int:
    """Ends the launcher, or all of its process group; gives the exit status."""
    with contextlib.suppress(ProcessLookupError):
        if everything:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    process.communicate()
    return process.returncode


def _killed_while_it_makes_the_root(machine: Machine, seconds: float, row: faults.Row) -> None:
    moments = random.Random(f"{_SEED} {row.fault}")
    print(f"seed {_SEED}")
    kills = _KILLS_FROM_KIT if "kit" in row.fault else _KILLS_FROM_DEBIAN
    while row.tried < kills:
        machine.forget()
        process = machine.start("--version")
        time.sleep(moments.uniform(0, seconds))
        number = moments.choice([signal.SIGKILL, signal.SIGTERM])
        if _kill(process, number, everything=moments.random() < 0.7) == 0:
            continue  # it was done before
        with row.attempt():
            machine.assert_heals()
    row.saw = "nothing: the next run makes the root"


def test_killed_while_it_makes_the_root_from_debian(
    machine: Machine, first: tuple[Machine, float], record_property: faults.Recorder
) -> None:
    fault = "tools/bazel is killed while it makes the root of Debian's packages"
    with faults.row(record_property, "machine", fault) as row:
        _killed_while_it_makes_the_root(machine, first[1], row)


def test_killed_while_it_makes_the_root_from_a_kit(
    small_kit_machine: Machine, record_property: faults.Recorder
) -> None:
    start = time.monotonic()
    small_kit_machine.assert_heals()
    seconds = time.monotonic() - start
    fault = "tools/bazel is killed while it makes the root from a kit"
    with faults.row(record_property, "machine", fault) as row:
        _killed_while_it_makes_the_root(small_kit_machine, seconds, row)


@pytest.fixture
def builder(first: tuple[Machine, float], scratch: Path) -> Iterator[Machine]:
    """A machine with a root, to build on."""
    made = Machine(scratch / "builder", first[0].clone)
    made.cache.mkdir(parents=True)
    (made.cache / first[0].root().name).symlink_to(first[0].root())
    yield made
    made.run("clean", "--expunge")


def _build(machine: Machine) -> subprocess.Popen[str]:
    return machine.start("--max_idle_secs=60", "build", f"//:step{_STEPS - 1}")


def _assert_builds(machine: Machine, content: str) -> None:
    """The next plain build succeeds and gives what is right."""
    process = _build(machine)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    built = (machine.clone / f"bazel-bin/step{_STEPS - 1}.txt").read_text()
    assert built == "\n".join([content, *map(str, range(_STEPS)), ""])


def _server(machine: Machine) -> int:
    """Process id of its Bazel server."""
    # One that was killed leaves the file; one that starts writes it anew.
    while not (files := list(machine.folder.glob("cache/bazel/*/*/server/server.pid.txt"))):
        time.sleep(0.01)
    return int(files[0].read_text())


def test_killed_while_a_build_runs(builder: Machine, record_property: faults.Recorder) -> None:
    moments = random.Random(f"{_SEED} builds")
    print(f"seed {_SEED}")
    source = builder.clone / "input"
    source.write_text("first\n")
    _assert_builds(builder, "first")
    fault = "tools/bazel, or Bazel's server, is killed while a build runs"
    with faults.row(record_property, "machine", fault) as row:
        while row.tried < _KILLS_OF_BUILDS:
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
                continue  # it was done before
            with row.attempt():
                _assert_builds(builder, content)
        row.saw = "nothing: the next build takes up what was done"


@pytest.mark.parametrize("count", [2, 5])
def test_several_at_once_from_nothing(
    count: int, kit_machine: Machine, record_property: faults.Recorder
) -> None:
    fault = f"{count} tools/bazel at once from nothing"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        processes = [kit_machine.start("--version") for _ in range(count)]
        outputs = [process.communicate() for process in processes]
        assert [stdout.strip() for stdout, _ in outputs] == count * [_VERSION], outputs
        waited = [stderr for _, stderr in outputs if "waiting for it" in stderr]
        assert len(waited) == count - 1
        row.saw = waited[0].splitlines()[0]
        kit_machine.assert_heals()


# Leaves so many megabytes on the disk as soon as a root is being made, and ends with what it ran.
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


def test_too_small_a_disk(kit_machine: Machine, record_property: faults.Recorder) -> None:
    with faults.row(record_property, "machine", "too small a disk for tools/bazel") as row:
        for megabytes in (1, 100, 3999):
            with row.attempt():
                disk = ["--size", f"{megabytes << 20}", "--tmpfs", str(kit_machine.home)]
                before = ("bwrap", "--dev-bind", "/", "/", *disk)
                result = kit_machine.run(
                    "--version", before=before, XDG_CACHE_HOME=str(kit_machine.home)
                )
                assert result.returncode == 1
                assert f"MB free in {kit_machine.home}" in result.stderr
                row.saw = result.stderr.splitlines()[0]
                kit_machine.forget()
                kit_machine.assert_heals()


def test_the_disk_fills_up(kit_machine: Machine, record_property: faults.Recorder) -> None:
    fault = "the disk fills up while tools/bazel makes the root; then there is room again"
    with faults.row(record_property, "machine", fault) as row:
        for left in (1, 50, 200):
            with row.attempt():
                disk = ["--size", f"{4100 << 20}", "--tmpfs", str(kit_machine.home)]
                before = ("bwrap", "--dev-bind", "/", "/", *disk, "bash", "-c", _FILL, "bash")
                result = kit_machine.run(
                    "--version", before=(*before, str(left)), XDG_CACHE_HOME=str(kit_machine.home)
                )
                assert result.returncode == 1, result.stderr
                assert result.stdout.strip() == _VERSION, result.stderr  # of the second, healed run
                (row.saw,) = (line for line in result.stderr.splitlines() if "cannot make" in line)


def test_read_only_home(kit_machine: Machine, record_property: faults.Recorder) -> None:
    folder = str(kit_machine.folder)
    read_only = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", folder, folder)
    fault = "tools/bazel: HOME is read-only, and has no root"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        result = kit_machine.run("--version", before=read_only)
        assert result.returncode == 1
        row.saw = result.stderr.splitlines()[0]
        assert "cannot be written (XDG_CACHE_HOME=" in row.saw
        kit_machine.assert_heals()
    fault = "tools/bazel: HOME is read-only, and has a root"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=read_only)
        assert result.returncode != 0
        row.saw = result.stderr.strip().splitlines()[-1]
        assert "Read-only file system" in row.saw, result.stderr
        _assert_builds(kit_machine, (kit_machine.clone / "input").read_text().strip())
        kit_machine.run("shutdown")


@pytest.mark.parametrize(
    ("fault", "before"),
    [
        ("spaces in HOME and in the path of the clone", ()),
        ("umask 077", ("sh", "-c", 'umask 077; exec "$@"', "sh")),
    ],
)
def test_odd_surroundings(
    fault: str, before: tuple[str, ...], kit_machine: Machine, record_property: faults.Recorder
) -> None:
    with faults.row(record_property, "machine", f"tools/bazel: {fault}") as row, row.attempt():
        result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=before)
        assert result.returncode == 0, result.stderr
        row.saw = "nothing: it builds"
        _assert_builds(kit_machine, (kit_machine.clone / "input").read_text().strip())
        kit_machine.run("shutdown")


def test_letters_that_are_not_ascii(kit_machine: Machine, record_property: faults.Recorder) -> None:
    """There is one message, and a way out; where the home is no place for anything, it will do."""
    build = ("build", f"//:step{_STEPS - 1}")
    fault = "tools/bazel: letters that are not ASCII in HOME"
    home = kit_machine.folder / "höme"
    home.mkdir()
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        result = kit_machine.run(*build, before=("env", "--unset=XDG_CACHE_HOME"), HOME=str(home))
        assert (result.returncode, result.stdout) == (1, "")
        (row.saw,) = result.stderr.splitlines()
        assert f"as {home}/.cache has; XDG_CACHE_HOME=/" in row.saw
        result = kit_machine.run(*build, HOME=str(home))
        assert result.returncode == 0, result.stderr
        kit_machine.run("shutdown", HOME=str(home))
    fault = "tools/bazel: letters that are not ASCII in the path of the clone"
    kit_machine.move_clone("clöne")
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        result = kit_machine.run(*build)
        assert (result.returncode, result.stdout) == (1, "")
        (row.saw,) = result.stderr.splitlines()
        assert f"as {kit_machine.clone} has; move this clone" in row.saw


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_unprivileged_user(kit_machine: Machine, record_property: faults.Recorder) -> None:
    """Who has bubblewrap and a kit, and may install nothing."""
    kit_machine.move_clone("clone")
    for folder in (kit_machine.clone, kit_machine.home, kit_machine.folder):
        shutil.chown(folder, 65534, 65534)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    fault = "tools/bazel: an unprivileged user, with a kit"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        result = kit_machine.run("build", f"//:step{_STEPS - 1}", before=as_nobody)
        assert result.returncode == 0, result.stderr
        row.saw = "nothing: it builds"
    kit_machine.run("shutdown", before=as_nobody)


@pytest.fixture(scope="module")
def mirror(first: tuple[Machine, float]) -> str:
    """URL of the Debian mirror that tools/bazel chose on this machine."""
    line, *_ = (first[0].root() / "etc/apt/sources.list").read_text().splitlines()
    return re.sub(r"\[.*?\]", "", line).split()[1]


@pytest.fixture(scope="module")
def virtual(mirror: str, kit: Path, sources: Path, scratch: Path) -> Iterator[VirtualMachine]:
    """A machine with a clock of its own, the sources and a clone with a kit."""
    made = VirtualMachine(scratch / "virtual", mirror, ["bubblewrap", "mmdebstrap"])
    shutil.copytree(kit, made.files / "kit", copy_function=os.link)
    shutil.copytree(sources, made.files / "sources", ignore=shutil.ignore_patterns("bazel-*"))
    yield made
    shutil.rmtree(scratch / "virtual")


def _statuses(said: str) -> list[str]:
    return re.findall(r"^status (.*?)\s*$", said, re.MULTILINE)


# From nothing at the wrong time; then at the right one, with the server that was started before it
# and with one that was started after.
_BUILD_AT = f"""
build() {{
  tools/bazel build //:step{_STEPS - 1}
  echo "status $?, $(head -n 1 bazel-bin/step{_STEPS - 1}.txt)"
}}
cd /kit
echo first >input
date --set="$1 days"
build
date --set="$2 days"
echo second >input
build
tools/bazel shutdown
echo third >input
build
"""


_only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can install a machine")


@_only_root
@pytest.mark.parametrize(("where", "days"), [("behind", -365), ("ahead", 365)])
def test_the_clock(
    where: str, days: int, virtual: VirtualMachine, record_property: faults.Recorder
) -> None:
    fault = f"tools/bazel: the clock is a year {where}, and then right, thrice"
    with faults.row(record_property, "machine", fault) as row:
        said = virtual.run(f"set -- {days} {-days}\n{_BUILD_AT}")
        for status, content in itertools.zip_longest(_statuses(said), ("first", "second", "third")):
            with row.attempt():
                assert status == f"0, {content}", said
        assert "in the future" not in said  # tar has a word on each file, unless told
        row.saw = "nothing: it builds, and goes on"


_MAKE = """
cd /sources
make_root() {
  tools/bazel --version
  echo "status $?"
}
date --set='-365 days'
make_root
date --set='365 days'
make_root
"""


@_only_root
def test_the_clock_behind_signatures(
    mirror: str, virtual: VirtualMachine, record_property: faults.Recorder
) -> None:
    """Debian's signatures are of a time to come; then they are not, and the root is made."""
    fault = "tools/bazel: the clock is a year behind as the root is to be made of Debian's packages"
    with faults.row(record_property, "machine", fault) as row, row.attempt():
        said = virtual.run(f"export CORRIDORKEY_DEBIAN_MIRROR='{mirror}'\n{_MAKE}")
        assert _statuses(said) == ["1", "0"], said
        (row.saw,) = re.findall(r"tools/bazel: cannot make .*signed before \S*", said)
        assert _VERSION in said
