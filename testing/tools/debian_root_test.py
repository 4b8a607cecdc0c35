"""Tests how the Debian root is made, entered and packed, on a machine of stand-ins.

apt-get, mmdebstrap, bwrap, sudo and df are stand-ins. Locks, signals, pipes, tar, renames and the
owners and modes of folders are real.
"""

import functools
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from testing.tools.conftest import Machine, Result, first_line, signal_group, wait_for

_KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Logs each package that is downloaded. The host's lists may be missing, as in container images.
_APT_GET = """
case "$*" in
  *indextargets*) [[ "$*" != *host-lists* && -e "$HOME/no-lists" ]] || cat "$HOME/mirrors" ;;
  *" update "*) [[ "$*" == *host-lists* || ! -e "$HOME/unreachable" ]] ;;
  *--download-only*)
    for option; do
      [[ "$option" != Dir::Cache=* ]] || archives="${option#*=}/archives"
    done
    for package in bazel python git; do
      [[ -e "$archives/$package.deb" ]] || echo "downloads $package" >>"$LOG"
      touch "$archives/$package.deb"
      [[ ! -e "$HOME/pause-download" ]] || { echo paused >>"$LOG"; exec sleep 60; }
    done
    ;;
  install*)
    for package; do
      [[ "$package" != bubblewrap ]] || cp "$HOME/bwrap" "${0%/*}/bwrap"
    done
    ;;
esac
"""

_MMDEBSTRAP = """
[[ "$1" != --unshare-helper ]] || { shift; exec "$@"; }
[[ "$1" != --variant=custom ]] ||
  { echo 'deb [signed-by="/a b"] http://default.test/debian testing main' >&2; exit 1; }
tree="$(mktemp -d)"
mkdir -p "$tree/etc/bazel" "$tree/etc/apt/apt.conf.d" "$tree/usr/bin" "$tree/dev"
for option; do
  [[ "$option" != --aptopt=/* ]] || cp "${option#*=}" "$tree/etc/apt/apt.conf.d/99mmdebstrap"
done
touch "$tree/etc/bazel/bazelrc" "$tree/etc/debian_version" "$tree/usr/bin/bazel" "$tree/dev/null"
[[ ! -e "$HOME/pause-install" ]] ||
  { tar -cf - -C "$tree" ./etc; echo paused >>"$LOG"; exec sleep 60; }
[[ ! -e "$HOME/break-install" ]] || { tar -cf - -C "$tree" ./etc; exit 1; }
tar -cf - -C "$tree" .
rm -rf "$tree"
"""

# Runs its command in the folder that it is given, with a Bazel that reports.
_BWRAP = """
[[ ! -e "$HOME/no-namespaces" ]] || { echo "bwrap: no permission" >&2; exit 1; }
printf '%s\\n' "$@" >"$HOME/bwrap-arguments"
while (($#)); do
  case "$1" in
    --*bind | --*bind-try | --file | --symlink | --setenv) shift 3 ;;
    --chdir) cd "$2"; shift 2 ;;
    --unsetenv) shift 2 ;;
    --) shift ;;
    *) break ;;
  esac
done
exec "${@/#\\/usr\\/bin\\/bazel/bazel-inside}"
"""

_BAZEL = 'printf "%s\\0" "$PWD" "$@"; cat; exit 37'
_OPENSSL = 'while [[ "$1" != -out ]]; do shift; done; echo made >"$2"'


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """Returns a Debian machine on which everything works."""
    machine.environment["LOG"] = str(machine.log)
    (machine.home / "mirrors").write_text(
        "Debian-Security http://security.test/debian\n"
        "Debian http://mirror.test/debian/\n"
        "Debian http://other.test/debian/\n"
    )
    machine.stand_in("apt-get", _APT_GET)
    machine.stand_in("apt-cache", 'echo "Version: 7.7.1+ds-8+b1"')
    machine.stand_in(
        "apt-config", "echo 'Acquire::http::Proxy \"http://proxy.test\";'; echo 'A \"b\";'"
    )
    machine.stand_in("mmdebstrap", _MMDEBSTRAP)
    machine.stand_in("bwrap", _BWRAP)
    machine.stand_in("newuidmap", "")
    machine.stand_in("unshare", 'shift; exec "$@"')
    machine.stand_in("bazel-inside", _BAZEL)
    machine.stand_in("openssl", _OPENSSL)
    machine.stand_in("sudo", '[[ "$1" != -n ]] || shift; exec "$@"')
    machine.stand_in("df", "printf 'Avail\\n9999\\n'")
    machine.stand_in("id", "echo 0")
    return machine


def _flag(machine: Machine, name: str, there: bool = True) -> None:
    (machine.home / name).touch() if there else (machine.home / name).unlink()


def _launch(machine: Machine, *arguments: str, **options: Any) -> Result:
    # tools/bazel itself could find a Bazel of the real machine; launcher_test covers it.
    return machine.run(machine.workspace / "tools/debian_root/enter", *arguments, **options)


def _start(machine: Machine) -> subprocess.Popen[str]:
    return machine.start(machine.workspace / "tools/debian_root/enter", "version")


def _roots(machine: Machine) -> list[pathlib.Path]:
    return [
        path
        for path in machine.cache.glob("debian-root-*")
        if path.name != "debian-root-packages" and ".truststore-" not in path.name
    ]


def _assert_made(machine: Machine) -> None:
    """Asserts that there is one whole root, and nothing half-made beside it."""
    (root,) = _roots(machine)
    assert (root / "usr/bin/bazel").is_file()
    assert not list(root.glob("dev/*"))
    for name in ("resolv.conf", "passwd", "pip.conf"):
        assert (root / "etc" / name).readlink() == pathlib.Path("/host-etc", name)
    others = {path.name for path in machine.cache.iterdir() if ".truststore-" not in path.name}
    assert others == {root.name, "debian-root.lock"}
    for folder in (root, machine.cache):
        assert not folder.stat().st_mode & 0o022


def _assert_given_up(machine: Machine, result: Result, *words: str) -> None:
    """Asserts that there is one message with these words and both other ways, and no root."""
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("tools/bazel: cannot make the Debian root: ") == 1
    for word in (*words, "Install Bazelisk", "BAZEL_REAL=/path"):
        assert word in result.stderr
    assert not _roots(machine)
    assert not machine.calls("bazel-inside")


def test_made_once_then_only_entered(machine: Machine) -> None:
    first = _launch(machine, "build", stdin="to Bazel")
    second = _launch(machine, "build", stdin="to Bazel")
    for result in (first, second):
        folder, *arguments, stdin = result.stdout.split("\0")
        assert folder == str(machine.workspace)
        assert arguments[0].startswith("--bazelrc=") and arguments[-1] == "build"
        assert (stdin, result.returncode) == ("to Bazel", 37)
    _assert_made(machine)
    assert "making one in" in first.stderr and "about 1.7 GB" in first.stderr
    assert second.stderr == ""
    assert len(machine.calls("mmdebstrap")) == 1


def test_the_mirror_is_the_first_debian_one_of_the_machine(machine: Machine) -> None:
    _launch(machine)
    (call,) = machine.calls("mmdebstrap")
    for suite in ("testing", "bookworm"):
        assert f"deb [signed-by={_KEYRING}] http://mirror.test/debian/ {suite} main" in call


def test_a_mirror_is_found_without_package_lists(machine: Machine) -> None:
    _flag(machine, "no-lists")
    _launch(machine)
    assert "http://mirror.test/debian/" in machine.calls("mmdebstrap")[0]
    _assert_made(machine)


def test_a_named_mirror_comes_first(machine: Machine) -> None:
    machine.environment["CORRIDORKEY_DEBIAN_MIRROR"] = "http://named.test/debian"
    _launch(machine)
    assert "http://named.test/debian testing" in machine.calls("mmdebstrap")[0]
    assert "mirror.test" not in machine.calls("mmdebstrap")[0]


def test_mmdebstrap_is_told_the_proxies_of_apt(machine: Machine) -> None:
    seen = machine.home / "acquire.conf"
    copy = 'for option; do [[ "$option" != --aptopt=/* ]] || cp "${option#*=}" "{seen}"; done'
    machine.stand_in("mmdebstrap", copy.replace("{seen}", str(seen)) + _MMDEBSTRAP)
    _launch(machine)
    assert seen.read_text() == 'Acquire::http::Proxy "http://proxy.test";\n'
    (root,) = _roots(machine)
    assert not list(root.glob("etc/apt/apt.conf.d/*")), "a proxy may have a password"


def test_a_password_in_the_address_of_the_mirror_is_refused(machine: Machine) -> None:
    machine.environment["CORRIDORKEY_DEBIAN_MIRROR"] = "http://artist:secret@named.test/debian"
    result = _launch(machine)
    _assert_given_up(machine, result, "has a user name or a password")
    assert "secret" not in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("stage, downloaded", [("download", 1), ("install", 3)])
def test_interrupted_and_run_again(
    machine: Machine, number: signal.Signals, stage: str, downloaded: int
) -> None:
    _flag(machine, f"pause-{stage}")
    with _start(machine) as process:
        wait_for(lambda: machine.calls("paused"), stage)
        signal_group(process, number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode in (-number, 128 + number)
    assert "cannot make" not in stderr
    assert all(path.name.endswith(".partial") for path in _roots(machine))
    if number == signal.SIGINT:
        assert not _roots(machine)
    assert len(machine.calls("downloads")) == downloaded

    _flag(machine, f"pause-{stage}", there=False)
    assert _launch(machine).returncode == 37
    _assert_made(machine)
    assert len(machine.calls("downloads")) == 3, "a package was downloaded twice"


def test_what_an_ordinary_users_killed_mmdebstrap_left_is_removed(machine: Machine) -> None:
    """Mmdebstrap's folder is outside of the cache and belongs to the subordinate ids."""
    machine.stand_in("id", "echo 1000")
    machine.environment["TMPDIR"] = str(machine.folder / "tmp")
    (machine.folder / "tmp").mkdir()
    _flag(machine, "pause-install")
    with _start(machine) as process:
        wait_for(lambda: machine.calls("paused"), "the installation")
        signal_group(process, signal.SIGKILL)
    assert list(machine.folder.glob("tmp/*/*/etc")), "nothing was left: no test of it"
    _flag(machine, "pause-install", there=False)
    assert _launch(machine).returncode == 37
    assert machine.calls("mmdebstrap --unshare-helper")
    assert not list((machine.folder / "tmp").iterdir())
    _assert_made(machine)


def test_roots_that_nobody_entered_for_30_days_are_removed(machine: Machine) -> None:
    others = {days: machine.cache / f"debian-root-{days}" for days in (29, 31)}
    for days, other in others.items():
        (other / "usr").mkdir(parents=True)
        then = time.time() - days * 86400
        os.utime(other, (then, then))
    truststore = machine.cache / "debian-root-31.truststore-0"
    truststore.touch()
    result = _launch(machine)
    assert f"removing {others[31]}, which was not entered for 30 days" in result.stderr
    assert not others[31].exists()
    assert not truststore.exists()
    assert others[29].exists()


def test_a_root_that_is_entered_is_used(machine: Machine) -> None:
    _launch(machine)
    (root,) = _roots(machine)
    os.utime(root, (0, 0))
    _launch(machine)
    assert root.stat().st_mtime > time.time() - 60


def test_a_killed_script_holds_the_lock_while_its_children_live(machine: Machine) -> None:
    _flag(machine, "pause-install")
    with _start(machine) as killed:
        wait_for(lambda: machine.calls("paused"), "the installation")
        (maker,) = (
            pathlib.Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        )
        os.kill(int(maker), signal.SIGKILL)
        killed.wait(timeout=30)
        _flag(machine, "pause-install", there=False)
        with _start(machine) as waiting:
            assert "waiting for it" in first_line(waiting)
            assert len(machine.calls("mmdebstrap")) == 1
            signal_group(killed, signal.SIGKILL)
            waiting.communicate("", timeout=30)
    assert waiting.returncode == 37
    _assert_made(machine)


def test_of_two_at_once_the_second_waits(machine: Machine) -> None:
    gate = machine.home / "gate"
    os.mkfifo(gate)
    machine.stand_in("mmdebstrap", f'read -r _ <"{gate}"\n' + _MMDEBSTRAP)
    with _start(machine) as first:
        wait_for(lambda: machine.calls("mmdebstrap"), "the installation")
        with _start(machine) as second:
            assert first_line(second) == (
                "tools/bazel: another process is making the Debian root; waiting for it\n"
            )
            gate.write_text("go\n")
            outputs = [process.communicate("", timeout=30) for process in (first, second)]
    assert [first.returncode, second.returncode] == [37, 37]
    assert outputs[1][1] == ""
    assert len(machine.calls("mmdebstrap")) == 1
    _assert_made(machine)


@pytest.mark.parametrize("user, mounts_of_its_own", [("0", True), ("1000", False)])
def test_the_mounts_of_root_are_not_the_mounts_of_the_host(
    machine: Machine, user: str, mounts_of_its_own: bool
) -> None:
    """With a killed mmdebstrap's mounts left behind, a later rm would reach the host's /dev."""
    machine.stand_in("id", f"echo {user}")
    _launch(machine)
    assert bool(machine.calls("unshare --mount mmdebstrap")) == mounts_of_its_own
    assert len(machine.calls("mmdebstrap --variant")) == 1


def test_a_failed_installation_leaves_the_packages_only(machine: Machine) -> None:
    _flag(machine, "break-install")
    _assert_given_up(machine, _launch(machine), "mmdebstrap failed")
    _flag(machine, "break-install", there=False)
    assert _launch(machine).returncode == 37
    assert len(machine.calls("downloads")) == 3


def test_no_apt(machine: Machine) -> None:
    (machine.commands / "apt-get").unlink()
    _assert_given_up(machine, _launch(machine), "not a Debian-family machine (no apt-get)")


def _pack_kit(machine: Machine) -> pathlib.Path:
    """Makes a root, packs it into a kit as tools/airgap_kit does, and removes the root."""
    _launch(machine)
    (root,) = _roots(machine)
    kit = machine.workspace / "airgap_kit"
    kit.mkdir()
    archive = shutil.make_archive(str(kit / root.name), "gztar", root)
    digest = hashlib.sha256(pathlib.Path(archive).read_bytes()).hexdigest()
    (kit / "SHA256SUMS").write_text(f"{digest}  {root.name}.tar.gz\n")
    shutil.rmtree(root)
    machine.log.write_text("")
    return pathlib.Path(archive)


def test_taken_from_a_kit_without_debian(machine: Machine) -> None:
    archive = _pack_kit(machine)
    for name in ("apt-get", "mmdebstrap", "newuidmap", "sudo"):
        (machine.commands / name).unlink()
    result = _launch(machine)
    assert result.returncode == 37
    assert f"unpacking {machine.workspace}" in result.stderr
    _assert_made(machine)
    assert archive.name == f"{_roots(machine)[0].name}.tar.gz"


def test_a_damaged_root_in_a_kit(machine: Machine) -> None:
    archive = _pack_kit(machine)
    archive.write_bytes(archive.read_bytes()[:-1])
    _assert_given_up(machine, _launch(machine), f"{archive.name} is damaged")
    assert not machine.calls("mmdebstrap")


def test_an_archive_that_changes_once_it_was_checked_is_not_unpacked(machine: Machine) -> None:
    archive = _pack_kit(machine)
    machine.stand_in(
        "sha256sum",
        f"""
        /usr/bin/sha256sum "$@"
        [[ "$(readlink /proc/self/fd/0)" != *.tar.gz ]] || echo another >'{archive}'
        """,
    )
    assert _launch(machine).returncode == 37
    _assert_made(machine)
    assert archive.read_text() == "another\n"
    (root,) = _roots(machine)
    assert not list(root.glob("*.tar.gz"))


def test_a_kit_of_another_version(machine: Machine) -> None:
    archive = _pack_kit(machine)
    archive.rename(archive.with_name("debian-root-0123456789abcdef.tar.gz"))
    result = _launch(machine)
    assert f"{machine.workspace}/tools/debian_root/../../airgap_kit has no " in result.stderr
    assert machine.calls("mmdebstrap")
    _assert_made(machine)


def test_no_bubblewrap_and_no_apt_beside_a_kit(machine: Machine) -> None:
    _pack_kit(machine)
    for name in ("apt-get", "bwrap"):
        (machine.commands / name).unlink()
    _assert_given_up(machine, _launch(machine), "lacks bubblewrap and has no apt-get")


def test_no_home(machine: Machine) -> None:
    machine.environment.pop("HOME")
    result = _launch(machine)
    _assert_given_up(machine, result, "HOME and XDG_CACHE_HOME are not set")


def test_relative_cache(machine: Machine) -> None:
    machine.environment["XDG_CACHE_HOME"] = "cache"
    result = _launch(machine)
    assert (result.returncode, result.stdout) == (1, "")
    assert "cache/corridorkey-nuke is not an absolute path" in result.stderr


def test_unwritable_cache(machine: Machine) -> None:
    (machine.home / ".cache").write_text("a file where a folder should be")
    result = _launch(machine)
    _assert_given_up(machine, result, f"{machine.cache} cannot be written", "XDG_CACHE_HOME=/")
    assert len(result.stderr.splitlines()) == 4, "more than the one message"


def test_ubuntu_has_the_default_mirror_of_mmdebstrap(machine: Machine) -> None:
    (machine.home / "mirrors").write_text("Ubuntu http://ubuntu.test/ubuntu\n")
    assert _launch(machine).returncode == 37
    _, call = machine.calls("mmdebstrap")
    for suite in ("testing", "bookworm"):
        assert f"deb [signed-by={_KEYRING}] http://default.test/debian {suite} main" in call
    _assert_made(machine)


def test_no_debian_mirror(machine: Machine) -> None:
    (machine.home / "mirrors").write_text("Ubuntu http://ubuntu.test/ubuntu\n")
    machine.stand_in("mmdebstrap", "exit 1")
    _assert_given_up(
        machine, _launch(machine), "no Debian mirror here", "CORRIDORKEY_DEBIAN_MIRROR="
    )


def test_unreachable_mirror(machine: Machine) -> None:
    _flag(machine, "unreachable")
    _assert_given_up(machine, _launch(machine), "http://mirror.test/debian/ does not answer")


@pytest.mark.parametrize(
    "shown, words", [("Version: 8.0.0+ds-1", "has Bazel 8.0.0;"), ("", "has no Bazel;")]
)
def test_testing_has_moved_past_this_bazel(machine: Machine, shown: str, words: str) -> None:
    machine.stand_in("apt-cache", f'echo "{shown}"')
    ways = ("CORRIDORKEY_DEBIAN_MIRROR=", "tools/debian_root/pack")
    _assert_given_up(machine, _launch(machine), words, "expected Bazel 7.7.1", *ways)
    assert not machine.calls("downloads"), "the version is known before the download"


def test_full_disk(machine: Machine) -> None:
    machine.stand_in("df", "printf 'Avail\\n3999\\n'")
    _assert_given_up(machine, _launch(machine), f"{machine.cache} has 3999 MB free; expected 4000")


def test_full_temporary_folder_of_an_ordinary_user(machine: Machine) -> None:
    machine.stand_in("id", "echo 1000")
    machine.stand_in("df", '[[ "$*" != */tmp ]] && free=9999; printf "Avail\\n%s\\n" "${free:-9}"')
    _assert_given_up(machine, _launch(machine), "/tmp has 9 MB free; expected 2500 MB")


def test_no_namespaces(machine: Machine) -> None:
    _flag(machine, "no-namespaces")
    _assert_given_up(machine, _launch(machine), "cannot create namespaces here", "AppArmor")
    assert not machine.calls("downloads"), "this is known before the download"


@pytest.mark.parametrize("user", ["0", "1000"])
def test_what_is_missing_is_installed(machine: Machine, user: str) -> None:
    machine.stand_in("id", f"echo {user}")
    (machine.commands / "bwrap").rename(machine.home / "bwrap")
    result = _launch(machine)
    assert result.returncode == 37
    _assert_made(machine)
    (call,) = machine.calls("apt-get install")
    assert "bubblewrap" in call and "mmdebstrap" not in call
    assert bool(machine.calls("sudo -n env")) == (user != "0")
    sudo = "sudo -n" if user != "0" else ""
    assert f"installing on this machine: {sudo} apt-get install bubblewrap\n" in result.stderr


def test_nothing_is_installed_if_the_user_forbids_it(machine: Machine) -> None:
    machine.environment["CORRIDORKEY_NO_INSTALL"] = "1"
    (machine.commands / "bwrap").unlink()
    words = ("CORRIDORKEY_NO_INSTALL is set", "apt-get install bubblewrap")
    _assert_given_up(machine, _launch(machine), *words)
    assert not machine.calls("apt-get")


def test_bwrap_is_installed_for_a_root_that_is_there(machine: Machine) -> None:
    _launch(machine)
    (machine.commands / "bwrap").rename(machine.home / "bwrap")
    assert _launch(machine).returncode == 37
    assert len(machine.calls("mmdebstrap")) == 1


def test_an_ordinary_user_who_may_not_install(machine: Machine) -> None:
    machine.stand_in("id", "echo 1000")
    (machine.commands / "bwrap").unlink()
    (machine.commands / "newuidmap").unlink()
    for sudo in ("asks for a password", "is not there"):
        machine.stand_in("sudo", "exit 1")
        if sudo == "is not there":
            (machine.commands / "sudo").unlink()
        result = _launch(machine)
        _assert_given_up(machine, result, "cannot use sudo", "bubblewrap uidmap")
    assert not machine.calls("apt-get install")


def test_a_failed_installation_of_the_tools(machine: Machine) -> None:
    (machine.commands / "mmdebstrap").unlink()
    machine.stand_in("apt-get", "exit 100")
    _assert_given_up(machine, _launch(machine), "apt-get install", "mmdebstrap", "failed")


def test_ctrl_c_waits_for_bazel_and_a_killed_bwrap_ends_it(machine: Machine) -> None:
    """Bwrap's stand-in waits, as the real one does: it is the parent of Bazel's client."""
    body = """
trap 'echo {0} >>"$LOG"; exit 8' {0}
echo running >>"$LOG"
while :; do sleep 0.05; done
"""
    for number, name in ((signal.SIGINT, "INT"), (signal.SIGTERM, "TERM")):
        machine.log.write_text("")
        machine.stand_in("bazel-inside", body.format(name))
        machine.stand_in("bwrap", _BWRAP.replace('exec "$', '"$'))
        with _start(machine) as process:
            wait_for(lambda: machine.calls("running"), "Bazel")
            if number == signal.SIGINT:
                signal_group(process, number)
            else:
                process.kill()
            process.wait(timeout=30)
            wait_for(functools.partial(machine.calls, name), "Bazel to be told")
        assert process.returncode == (8 if number == signal.SIGINT else -signal.SIGKILL)


def test_entered_from_any_folder(machine: Machine) -> None:
    for folder in (machine.workspace / "sub folder", machine.folder):
        folder.mkdir(exist_ok=True)
        result = _launch(machine, "info", cwd=folder)
        assert result.stdout.split("\0")[0] == str(folder)


def test_inside_are_the_folders_of_the_host(machine: Machine) -> None:
    _launch(machine)
    lines = (machine.home / "bwrap-arguments").read_text().splitlines()
    triples = list(zip(lines, lines[1:], lines[2:], strict=False))
    (root,) = _roots(machine)
    # A fresh /proc would make Bazel fall back to a weaker sandbox.
    assert ("--bind", "/proc", "/proc") in triples
    assert ("--ro-bind", f"{root}/usr", "/usr") in triples
    assert ("--ro-bind", "/etc", "/host-etc") in triples
    # In the POSIX locale, Bazel's server cannot remove a file whose name is not ASCII, and crashes.
    assert ("--setenv", "LC_ALL", "C.UTF-8") in triples
    own = ["bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr"]
    own.append("registry")  # There if this test runs in a root.
    for path in pathlib.Path("/").iterdir():
        if path.name in own:
            assert ("--bind", str(path), str(path)) not in triples or path.name == "proc"
            continue
        if path.is_symlink():
            assert ("--symlink", str(path.readlink()), str(path)) in triples
        elif path.is_dir():
            assert ("--bind", str(path), str(path)) in triples


def test_a_truststore_is_made_from_the_certificates_of_the_host(machine: Machine) -> None:
    if not pathlib.Path("/etc/ssl/certs/ca-certificates.crt").is_file():
        pytest.skip("this machine has no bundle of certificates")
    result = _launch(machine)
    (argument,) = [arg for arg in result.stdout.split("\0") if "trustStore=" in arg]
    (store,) = machine.cache.glob("*.truststore-*")
    assert argument.endswith(f"trustStore={store}") and store.read_text() == "made\n"
    _launch(machine)
    assert len(machine.calls("openssl")) == 1
    (root,) = _roots(machine)
    assert store.name.startswith(root.name), "a server in an older root would be kept"


def test_a_truststore_that_fails_is_an_error_and_leaves_nothing(machine: Machine) -> None:
    if not pathlib.Path("/etc/ssl/certs/ca-certificates.crt").is_file():
        pytest.skip("this machine has no bundle of certificates")
    machine.stand_in("openssl", "echo broken >&2; exit 3")
    result = _launch(machine)
    assert (result.returncode, result.stdout) == (3, "")
    assert "broken" in result.stderr
    assert not list(machine.cache.glob("*.truststore-*"))


def test_the_root_depends_on_the_version_of_bazel(machine: Machine) -> None:
    _launch(machine)
    (machine.workspace / ".bazelversion").write_text("7.8.0\n")
    machine.stand_in("apt-cache", 'echo "Version: 7.8.0+ds-1"')
    assert _launch(machine).returncode == 37
    assert len(_roots(machine)) == 2


@pytest.mark.parametrize("name", ["two\nlines", "back\\slash", "percent%n"])
def test_the_path_of_the_clone_does_not_matter(machine: Machine, name: str) -> None:
    _launch(machine)
    machine.workspace = machine.workspace.rename(machine.folder / name)
    assert _launch(machine).returncode == 37
    _assert_made(machine)
    assert len(machine.calls("mmdebstrap")) == 1


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_nobody_else_can_write_to_the_root(machine: Machine, umask: int) -> None:
    machine.home.chmod(0o777)
    assert _launch(machine, umask=umask).returncode == 37
    _assert_made(machine)


def _make_link(path: pathlib.Path, target: pathlib.Path) -> None:
    shutil.move(path, target)
    path.symlink_to(target)


def _give_away(path: pathlib.Path, _: pathlib.Path) -> None:
    try:
        os.chown(path, 65534, 65534)
    except OSError as error:
        # Neither an ordinary user nor root in a sandbox's namespace may.
        pytest.skip(f"cannot give a folder to another user: {error}")


def _open_to_all(path: pathlib.Path, _: pathlib.Path) -> None:
    path.chmod(0o777)


@pytest.mark.parametrize(
    "harm, words",
    [
        (_make_link, "is a link; expected a folder"),
        (_give_away, "belongs to another user"),
        (_open_to_all, "other users can write to"),
    ],
)
@pytest.mark.parametrize("which", ["root", "cache"])
def test_a_root_that_others_control_is_not_entered(
    machine: Machine, which: str, harm: Callable[[pathlib.Path, pathlib.Path], None], words: str
) -> None:
    _launch(machine)
    (root,) = _roots(machine)
    harm(root if which == "root" else machine.cache, machine.folder / "elsewhere")
    machine.log.write_text("")
    result = _launch(machine)
    assert (result.returncode, result.stdout) == (1, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not machine.calls("bwrap")


@pytest.mark.parametrize("harm", [_make_link, _give_away])
def test_no_root_is_made_in_a_folder_that_others_control(
    machine: Machine, harm: Callable[[pathlib.Path, pathlib.Path], None]
) -> None:
    machine.cache.mkdir(parents=True)
    harm(machine.cache, machine.folder / "elsewhere")
    result = _launch(machine)
    assert result.returncode == 1
    assert str(machine.cache) in result.stderr
    assert not machine.calls("apt-get")
    assert not list(machine.cache.iterdir())


@pytest.mark.parametrize("name", ["precious", "debian-root.abc/../x", "debian-root.link01"])
def test_a_link_in_the_place_of_the_scratch_folder_is_not_followed(
    machine: Machine, name: str
) -> None:
    target = machine.folder / name
    (machine.folder / "debian-root.abc").mkdir()
    if name == "debian-root.link01":
        (machine.folder / "precious").mkdir()
        target.symlink_to(machine.folder / "precious")
    else:
        target.mkdir()
    (target / "file").touch()
    machine.cache.mkdir(parents=True)
    (machine.cache / "debian-root-scratch").symlink_to(target)
    assert _launch(machine).returncode == 37
    assert (target / "file").exists()
    _assert_made(machine)


def test_unfinished_things_that_are_links_are_not_followed(machine: Machine) -> None:
    _launch(machine)
    (root,) = _roots(machine)
    precious = machine.folder / "precious"
    shutil.move(root, precious)
    (machine.cache / f"{root.name}.partial").symlink_to(precious)
    (machine.cache / "debian-root.lock").unlink()
    (machine.cache / "debian-root.lock").symlink_to(precious / "usr/bin/bazel")
    (precious / "usr/bin/bazel").write_text("precious")
    assert _launch(machine).returncode == 37
    assert (precious / "usr/bin/bazel").read_text() == "precious"
    assert not (machine.cache / f"{root.name}.partial").is_symlink()


@pytest.mark.parametrize("line", ["{digest}  {name}.old", "{digest}  x{name}", ""])
def test_another_files_digest_does_not_count(machine: Machine, line: str) -> None:
    archive = _pack_kit(machine)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    sums = archive.with_name("SHA256SUMS")
    sums.write_text(line.format(digest=digest, name=archive.name) + "\n")
    _assert_given_up(machine, _launch(machine), f"{archive.name} is damaged")


def test_packed_on_one_machine_and_unpacked_on_another(machine: Machine) -> None:
    pack = machine.workspace / "tools/debian_root/pack"
    kit = machine.folder / "studio's root"
    assert "has no root for this clone" in machine.run(pack, kit).stderr
    _launch(machine)
    result = machine.run(pack, kit)
    (root,) = _roots(machine)
    assert (result.returncode, result.stdout) == (0, f"{kit}/{root.name}.tar.gz\n")
    assert {path.name for path in kit.iterdir()} == {f"{root.name}.tar.gz", "SHA256SUMS"}
    assert "has a SHA256SUMS already" in machine.run(pack, kit).stderr

    shutil.rmtree(machine.cache)
    (machine.commands / "apt-get").unlink()
    (machine.workspace / "airgap_kit").symlink_to(kit)
    assert _launch(machine).returncode == 37
    _assert_made(machine)
