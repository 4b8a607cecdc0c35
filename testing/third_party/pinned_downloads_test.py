"""Every download of this repository is pinned by digest, and one that is not would be seen.

What is not pinned here and cannot be: Debian's packages, which are Debian's by its signature, and
the index of the Bazel Central Registry, whose it is by TLS; its archives are pinned in there.
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

_LOOK_ONLY = {
    "third_party/checkpoints/diagnose.py": "reads the head of what was refused, to say what it is",
    "tools/airgap_kit/modules.py": "an index as said above; the archives by the digests in it",
}
"""Python files that read from a network, and what they do with it. Tests talk to themselves."""

_HEX = 64 * "a"
_RULE = """
_SHA256 = {{"linux": "{hex}"}}
def _impl(rctx):
    rctx.download_and_extract(url = rctx.attr.url, {digest})
rule = repository_rule(_impl, attrs = {{"sha256": attr.string({mandatory})}})
"""


def _problems(path: Path) -> list[str]:
    name = path.as_posix()
    if name in _LOOK_ONLY or (name.startswith("testing/") and path.suffix == ".py"):
        return []
    return list(pinned_downloads.problems(name, path.read_text()))


def test_everything_is_pinned() -> None:
    for path in _FILES:
        assert _problems(path) == []


def test_what_is_excused_needs_to_be() -> None:
    for name in _LOOK_ONLY:
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
def test_a_pinned_download_is_no_problem(digest: str) -> None:
    assert list(pinned_downloads.problems("a.bzl", _rule(digest))) == []


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.bzl", _rule('output = "x"'), "download_and_extract without a digest"),
        ("a.bzl", _rule('sha256 = ""'), "'' is no digest"),
        ("a.bzl", _rule(f'sha256 = "{_HEX[1:]}"'), "is no digest"),
        ("a.bzl", _rule("sha256 = rctx.attr.sha256", ""), "rctx.attr.sha256 is no digest"),
        ("a.bzl", _rule('sha256 = rctx.getenv("SHA256")'), "is no digest that is known here"),
        ("a.bzl", _rule('sha256 = _SHA256.get("linux")'), "is no digest that is known here"),
        ("a.bzl", _rule('sha256 = _OTHER["linux"]'), "is no digest that is known here"),
        ("a.bzl", 'rctx.execute(["curl", "-O", url])', "a program downloads"),
        ("MODULE.bazel", 'http_file(name = "x", url = "https://x")', "http_file without a digest"),
        ("MODULE.bazel", 'archive_override(module_name = "x")', "archive_override without"),
        ("MODULE.bazel", f'git_override(module_name = "x", commit = "{_HEX[:40]}")', "by a commit"),
        ("MODULE.bazel", 'pip.parse(name = "pypi")', "wheels without a lock"),
        ("a_lock.txt", f"a==1 \\\n    --hash=sha256:{_HEX}\nb==2\n", "b==2 has no hash"),
        ("source.json", '{"url": "https://x"}', "a module without integrity"),
        ("a.py", "import urllib\nurllib.request.urlopen('https://x')", "urlopen brings"),
        ("run", "#!/bin/bash\nwget https://x", "downloads with wget"),
    ],
)
def test_one_that_is_not_is_seen(path: str, text: str, problem: str) -> None:
    (found,) = pinned_downloads.problems(path, text)
    assert problem in found
