"""Checks that every download of this repository is pinned by digest.

Two things cannot be pinned here: Debian packages (verified by signature) and the index of the Bazel
Central Registry (verified by TLS; it pins the archives).
"""

import os
from pathlib import Path

import pytest

from testing.third_party import pinned_downloads

_FILES = [
    path
    for path in (
        Path(folder, name)
        for folder, _, names in os.walk(".")
        if "external" not in Path(folder).parts
        for name in names
    )
    if path.suffix in (".bzl", ".bazel", ".py", ".json", ".txt", "")
]

_ALLOWED = {
    "third_party/checkpoints/diagnose.py": "reads the start of a refused file, to describe it",
    "tools/airgap_kit/modules.py": "reads the index; its digests pin the archives",
}
"""Python files that may read from a network, and why. Tests talk only to loopback."""

_HEX = 64 * "a"
_RULE = """
_SHA256 = {{"linux": "{hex}"}}
def _impl(rctx):
    rctx.download_and_extract(url = rctx.attr.url, {digest})
rule = repository_rule(_impl, attrs = {{"sha256": attr.string({mandatory})}})
"""


def _problems(path: Path) -> list[str]:
    name = path.as_posix()
    if name in _ALLOWED or (name.startswith("testing/") and path.suffix == ".py"):
        return []
    return list(pinned_downloads.problems(name, path.read_text()))


def test_everything_is_pinned() -> None:
    for path in _FILES:
        assert _problems(path) == []


def test_every_allowed_file_needs_the_permission() -> None:
    for name in _ALLOWED:
        assert list(pinned_downloads.problems(name, Path(name).read_text()))


def _rule(digest: str, mandatory: str = "mandatory = True") -> str:
    return _RULE.format(hex=_HEX, digest=digest, mandatory=mandatory)


@pytest.mark.parametrize(
    "digest",
    [
        f'sha256 = "{_HEX}"',
        f'integrity = "sha256-{43 * "a"}="',
        'sha256 = _SHA256["linux"]',
        'sha256 = _SHA256.get("linux", "not known")',
        "sha256 = rctx.attr.sha256",
    ],
)
def test_a_pinned_download_is_accepted(digest: str) -> None:
    assert list(pinned_downloads.problems("a.bzl", _rule(digest))) == []


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.bzl", _rule('output = "x"'), "download_and_extract without a digest"),
        ("a.bzl", _rule('sha256 = ""'), "'' is not a digest"),
        ("a.bzl", _rule(f'sha256 = "{_HEX[1:]}"'), "is not a digest"),
        ("a.bzl", _rule("sha256 = rctx.attr.sha256", ""), "rctx.attr.sha256 is not a digest"),
        ("a.bzl", _rule('sha256 = rctx.getenv("SHA256")'), "is not a digest that is known here"),
        ("a.bzl", _rule('sha256 = _SHA256.get("linux")'), "is not a digest that is known here"),
        ("a.bzl", _rule('sha256 = _OTHER["linux"]'), "is not a digest that is known here"),
        ("a.bzl", 'rctx.execute(["curl", "-O", url])', "a program downloads"),
        ("MODULE.bazel", 'http_file(name = "x", url = "https://x")', "http_file without a digest"),
        ("MODULE.bazel", 'archive_override(module_name = "x")', "archive_override without"),
        ("MODULE.bazel", f'git_override(module_name = "x", commit = "{_HEX[:40]}")', "by a commit"),
        ("MODULE.bazel", 'wheels.hub(name = "pypi")', "wheels without a lock"),
        ("a_lock.txt", f"a==1 \\\n    --hash=sha256:{_HEX}\nb==2\n", "b==2 has no hash"),
        ("source.json", '{"url": "https://x"}', "a module without integrity"),
        ("a.py", "import urllib\nurllib.request.urlopen('https://x')", "urlopen reads"),
        ("a.py", "import urllib\nurllib.request.OpenerDirector()", "OpenerDirector reads"),
        ("a.py", "import urllib\nurllib.request.build_opener()", "build_opener reads"),
        ("run", "#!/bin/bash\nwget https://x", "downloads with wget"),
    ],
)
def test_a_download_without_a_digest_is_found(path: str, text: str, problem: str) -> None:
    (found,) = pinned_downloads.problems(path, text)
    assert problem in found
