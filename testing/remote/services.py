"""Runs a remote cache and remote execution on loopback: BuildGrid, buildbox and PostgreSQL.

with services.remote_cache(folder) as cache:
    print(cache.url)
    cache.kill()
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).absolute().parent
_BGD = str(_HERE / "bgd")
_POSTGRESQL = next(Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/lib/postgresql"))
_EXECUTION_NEEDS = {
    "buildbox-casd": shutil.which("buildbox-casd"),
    "buildbox-worker": shutil.which("buildbox-worker"),
    "buildbox-run-hosttools": shutil.which("buildbox-run-hosttools"),
    "PostgreSQL": shutil.which("postgres", path=_POSTGRESQL),
}

MISSING_FOR_EXECUTION = [name for name, program in _EXECUTION_NEEDS.items() if not program]
"""Programs that `remote_execution` needs and this machine lacks; the Debian root has them all."""


@dataclass(frozen=True)
class Server:
    """A running BuildGrid.

    Attributes:
        url: Address for Bazel.
        folder: Folder with its storage and logs.
        process: Its only process.
    """

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def holds(self) -> int:
        """Returns the number of blobs in its storage."""
        return sum(len(files) for _, _, files in os.walk(self.folder / "storage/cas/objects"))

    def executed(self) -> int:
        """Returns the number of actions that its worker began."""
        return (self.folder / "worker.log").read_text().count("Launching runner process")

    def kill(self) -> None:
        """Kills it, so that it cannot close its connections."""
        self.process.kill()
        self.process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _running(
    command: list[str],
    log: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] = os.environ,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program for a `with` block, which begins when the program is ready.

    The program stays in this process group, so that it ends when the test is killed.

    Raises:
        RuntimeError: The program ended or was not ready in two minutes. The message has the end of
            its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 120
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} is not ready:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _storage(folder: Path) -> Iterator[Path]:
    """Makes a folder for gigabytes and removes it after a `with` block."""
    storage = folder / "storage"
    storage.mkdir()
    try:
        yield storage
    finally:
        shutil.rmtree(storage)


@contextlib.contextmanager
def _buildgrid(folder: Path, configuration: str, environment: dict[str, str]) -> Iterator[Server]:
    port = _free_port()
    settings = {"PATH": os.environ["PATH"], "BUILDGRID_PORT": str(port), **environment}
    command = [_BGD, "server", "start", f"{_HERE / configuration}"]
    log = folder / "buildgrid.log"
    with _running(command, log, lambda: _listens(port), settings) as process:
        yield Server(f"grpc://127.0.0.1:{port}", folder, process)


@contextlib.contextmanager
def remote_cache(folder: Path) -> Iterator[Server]:
    """Runs an empty remote cache for a `with` block.

    Args:
        folder: Empty folder for its storage, which is removed at the end, and its log, which stays.

    Yields:
        The server.
    """
    with (
        _storage(folder) as storage,
        _buildgrid(folder, "buildgrid_cache.yml", {"BUILDGRID_STORAGE": str(storage)}) as server,
    ):
        yield server


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[dict[str, str]]:
    """Runs an empty database; yields the environment in which BuildGrid finds it."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_hex())
    # PostgreSQL refuses to run as root. In this namespace root is nobody, and still owns its files.
    as_nobody = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    data = folder / "data"
    initdb = [*as_nobody, f"{_POSTGRESQL}/initdb", f"--pgdata={data}", "--username=buildgrid"]
    options = ["--auth=scram-sha-256", f"--pwfile={password}", "--no-locale", "--encoding=UTF8"]
    subprocess.run([*initdb, *options], check=True, stdout=subprocess.DEVNULL)

    port = _free_port()
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
    postgres = [*as_nobody, f"{_POSTGRESQL}/postgres", "-D", f"{data}"]
    postgres += [f"--{setting}" for setting in settings]
    with _running(postgres, folder / "postgresql.log", lambda: _listens(port)):
        yield {
            # BuildGrid needs the notifications of this driver.
            "BUILDGRID_DATABASE": f"postgresql+psycopg2://buildgrid@127.0.0.1:{port}/postgres",
            "PGPASSWORD": password.read_text(),
        }


@contextlib.contextmanager
def remote_execution(folder: Path) -> Iterator[Server]:
    """Runs remote execution, with one worker and an empty cache, for a `with` block.

    The worker runs actions with this machine's /usr, as Bazel does here.

    Args:
        folder: Empty folder for storages, which are removed at the end, the database and logs.

    Yields:
        The server.
    """
    port = _free_port()
    with contextlib.ExitStack() as stack:
        storage = stack.enter_context(_storage(folder))
        casd = ["buildbox-casd", f"--bind=127.0.0.1:{port}", str(storage)]
        stack.enter_context(_running(casd, folder / "casd.log", lambda: _listens(port)))

        database = stack.enter_context(_postgresql(folder))
        migrate = [_BGD, "migrate", "apply", database["BUILDGRID_DATABASE"]]
        environment = {"PATH": os.environ["PATH"], **database}
        subprocess.run(migrate, check=True, env=environment, stdout=subprocess.DEVNULL)
        settings = {"CASD_PORT": str(port), **database}
        server = stack.enter_context(_buildgrid(folder, "buildgrid_execution.yml", settings))

        log = folder / "worker.log"
        worker = [
            "buildbox-worker",
            f"--bots-remote={server.url.replace('grpc:', 'http:')}",
            f"--cas-remote=http://127.0.0.1:{port}",
            "--buildbox-run=/usr/bin/buildbox-run-hosttools",
            "--runner-arg=--clearenv",
            "--log-level=debug",
        ]
        stack.enter_context(_running(worker, log, lambda: "Bot Session created" in log.read_text()))
        yield server
