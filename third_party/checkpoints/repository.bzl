"""The rule for one published checkpoint. Wherever it comes from, it has the pinned digest."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_user_netrc", "use_netrc")

_BEARER = "Bearer <password>"

_BUILD = """\
# The checkpoint, as published.
filegroup(
    name = "checkpoint",
    srcs = ["{file}"],
    visibility = ["//visibility:public"],
)
"""

# If a server falls silent, Bazel 7.7.1 reports an interruption, and no rule can add a message then.
_FETCHING = (
    "Fetching @{name} from {host}, unless a cache has it. If Bazel says that it was interrupted, " +
    "{host} has fallen silent: run it again, or name a mirror with --repo_env={variable}."
)

_HELP = """
Checkpoint @{name}: {problem}.
  looked in: {source}
  Supply it in one of three ways:
    1. a local copy:  --repo_env={variable}=/path/to/{file}
    2. a mirror:      --repo_env={variable}=https://your.mirror/{file}
    3. the hub:       let this machine reach huggingface.co (a token goes in HF_TOKEN or netrc)
  Any of them must have the SHA-256 {sha256}.
  To build without it, from weights written by hand that key roughly, add --config=demo.
"""

def _origin(url):
    """Returns SCHEME://HOST:PORT. What follows may be secret, such as a token in a query."""
    scheme, _, rest = url.partition("://")
    return scheme + "://" + rest.partition("/")[0].partition("?")[0].partition("#")[0]

def _authentication(rctx, url, hub_url):
    """Returns the `auth` argument for a URL. Unlike headers, it does not follow a redirect.

    Args:
      rctx: the repository context.
      url: the URL to download.
      hub_url: the URL of the file on the hub.

    Returns:
      The argument, and what is wrong or None.
    """

    # Not rctx.getenv: Bazel would write the token into a file, to compare it with the next value.
    token = rctx.os.environ.get("HF_TOKEN")
    if not token or url != hub_url:
        return use_netrc(read_user_netrc(rctx), [url], {"huggingface.co": _BEARER}), None
    if not url.startswith("https://"):
        return {}, ("HF_TOKEN would cross the network unencrypted: HF_ENDPOINT is not an https " +
                    "address. Change it, or unset HF_TOKEN")
    return {url: {"type": "pattern", "pattern": _BEARER, "login": "", "password": token}}, None

def _local_url(rctx, source):
    """Returns the URL of a local copy, and what is wrong or None."""
    if not source.startswith("/"):
        return None, "a local copy needs an absolute path"
    path = rctx.path(source)
    if not path.exists:
        return None, "there is no such file"
    if path.is_dir:
        return None, "that is a folder; name the file in it"
    return "file://" + source.replace("%", "%25").replace(" ", "%20"), None

def _checkpoint_repository_impl(rctx):
    attr = rctx.attr

    # Labels first: Bazel restarts this function if one of them has yet to be fetched.
    diagnose = [rctx.path(attr._python), "-IB", rctx.path(attr._diagnose)]

    hub_url = "{}/{}/resolve/{}/{}".format(
        rctx.getenv("HF_ENDPOINT", "https://huggingface.co").rstrip("/"),
        attr.hub_repository,
        attr.revision,
        attr.file,
    )
    source = rctx.getenv(attr.variable) or hub_url
    is_remote = "://" in source and not source.startswith("file:")
    shown = _origin(source) if is_remote else source

    def fail_because(problem, source = shown):
        # Bazel repeats what fail() says for every target on the way. print() says it once.
        # buildifier: disable=print
        print(_HELP.format(
            name = attr.checkpoint,
            file = attr.file,
            problem = problem,
            source = source,
            variable = attr.variable,
            sha256 = attr.sha256,
        ))
        fail("checkpoint @{}: {}; how to supply it is above".format(attr.checkpoint, problem))

    url = source
    if "://" not in source:
        url, problem = _local_url(rctx, source)
        if problem:
            fail_because(problem)
    elif is_remote:
        # An @ anywhere: a password may contain a slash, a question mark and a hash.
        if "@" in source:
            fail_because(
                "the address contains a user name or password, which logs and other users of this " +
                "machine would see; put them in ~/.netrc and leave them out of the address",
                source = "an address with an @",
            )

        # buildifier: disable=print
        print(_FETCHING.format(
            name = attr.checkpoint,
            host = shown.partition("://")[2],
            variable = attr.variable,
        ))
    auth, problem = _authentication(rctx, url, hub_url)
    if problem:
        fail_because(problem)
    if not rctx.download(
        url,
        output = attr.file,
        sha256 = attr.sha256,
        auth = auth,
        allow_fail = True,
    ).success:
        result = rctx.execute(diagnose, environment = {"URL": url}, timeout = 60)
        problem = result.stdout.strip() or result.stderr.strip() or "the server is too slow"
        fail_because(problem)
    rctx.file("BUILD.bazel", _BUILD.format(file = attr.file))

checkpoint_repository = repository_rule(
    implementation = _checkpoint_repository_impl,
    doc = "One checkpoint file, pinned by revision and SHA-256, as the target `:checkpoint`.",
    attrs = {
        "checkpoint": attr.string(mandatory = True, doc = "Name of the repository, for messages."),
        "file": attr.string(mandatory = True, doc = "File in the hub's repository."),
        "hub_repository": attr.string(mandatory = True, doc = "OWNER/NAME on Hugging Face."),
        "revision": attr.string(mandatory = True, doc = "Commit of the hub's repository."),
        "sha256": attr.string(mandatory = True, doc = "Digest of the file."),
        "variable": attr.string(
            mandatory = True,
            doc = "--repo_env variable that names a local copy or a mirror.",
        ),
        "_diagnose": attr.label(default = ":diagnose.py"),
        "_python": attr.label(default = "@python_3_11//:python"),
    },
)
