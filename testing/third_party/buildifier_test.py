"""Fetches @buildifier: only the pinned bytes are accepted, and one message explains a failure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import nested_bazel


@pytest.fixture(scope="module")
def bazel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nested_bazel.Bazel]:
    with nested_bazel.start(tmp_path_factory.mktemp("nested")) as run:
        yield run


def _fetch(bazel: nested_bazel.Bazel, source: str) -> tuple[int, str]:
    result = bazel(
        "query",
        "@buildifier//:all",
        "--repository_cache=",
        "--http_connector_attempts=1",
        f"--repo_env=CORRIDORKEY_BUILDIFIER={source}",
    )
    return result.returncode, result.stdout


def test_the_pinned_binary_from_a_file(bazel: nested_bazel.Bazel) -> None:
    (binary,) = Path().resolve().parent.glob("*buildifier/buildifier")
    status, output = _fetch(bazel, str(binary))
    assert status == 0, output


@pytest.mark.parametrize(
    ("source", "source_name", "reason"),
    [
        ("/no/such/file", "CORRIDORKEY_BUILDIFIER=/no/such/file", "No such file"),
        (__file__, f"CORRIDORKEY_BUILDIFIER={__file__}", "Checksum was"),
        # Port 1 of this machine: nothing listens there.
        ("http://127.0.0.1:1/it?token=x", "CORRIDORKEY_BUILDIFIER=http://127.0.0.1:1.", "refused"),
        ("", "https://github.com/", "github.com"),
    ],
    ids=["missing", "wrong", "unreachable", "default"],
)
def test_anything_else_ends_in_one_message(
    bazel: nested_bazel.Bazel, source: str, source_name: str, reason: str
) -> None:
    status, output = _fetch(bazel, source)
    assert status != 0
    assert reason in output
    message = output.split("cannot get buildifier")[1]
    assert f"from {source_name}" in message
    assert "--repo_env=CORRIDORKEY_BUILDIFIER=/path/to/buildifier" in message
    assert "--repo_env=CORRIDORKEY_BUILDIFIER=npm" in message


@pytest.mark.parametrize("userinfo", ["artist:secret", "artist:p/secret", "artist:p?secret"])
def test_an_address_with_a_password_is_refused(bazel: nested_bazel.Bazel, userinfo: str) -> None:
    status, output = _fetch(bazel, f"http://{userinfo}@127.0.0.1:1/it")
    assert status != 0
    assert "put them in ~/.netrc" in output
    assert "secret" not in output
