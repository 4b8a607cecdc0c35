"""The rule for one published checkpoint: fetched or supplied, but always the pinned bytes."""

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

# Bazel 7.7.1 ends at a server's silence as if at Ctrl-C, and lets no rule say so afterwards.
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
  To build and test without it, on stand-in weights, add --config=untrained.
"""

def _authentication(rctx, url, hub_url):
    """The auth argument for `url`: unlike headers, it does not follow a redirect elsewhere."""

    # Not rctx.getenv, which has Bazel write the value into a file, to compare it with the next.
    token = rctx.os.environ.get("HF_TOKEN")
    if token and url == hub_url:
        return {url: {"type": "pattern", "pattern": _BEARER, "login": "", "password": token}}
    return use_netrc(read_user_netrc(rctx), [url], {"huggingface.co": _BEARER})

def _checkpoint_repository_impl(rctx):
    attr = rctx.attr

    # First, because where a label has yet to be fetched, this function is started again.
    diagnose = [rctx.path(attr._python), rctx.path(attr._diagnose)]

    hub_url = "{}/{}/resolve/{}/{}".format(
        rctx.getenv("HF_ENDPOINT", "https://huggingface.co").rstrip("/"),
        attr.hub_repository,
        attr.revision,
        attr.file,
    )
    source = rctx.getenv(attr.variable) or hub_url

    def fail_because(problem):
        # Bazel repeats what fail() says for every target on the way; the whole message comes once.
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
        if not source.startswith("/"):
            fail_because("a local copy needs an absolute path")
        path = rctx.path(source)
        if not path.exists:
            fail_because("there is no such file")
        if path.is_dir:
            fail_because("that is a folder; name the file in it")
        url = "file://" + source.replace("%", "%25").replace(" ", "%20")

    if not url.startswith("file:"):
        # buildifier: disable=print
        print(_FETCHING.format(
            name = attr.checkpoint,
            host = url.split("/")[2].split("@")[-1],
            variable = attr.variable,
        ))
    auth = _authentication(rctx, url, hub_url)
    if not rctx.download(
        url,
        output = attr.file,
        sha256 = attr.sha256,
        auth = auth,
        allow_fail = True,
    ).success:
        diagnosis = rctx.execute(diagnose + [url], timeout = 60)
        fail_because(diagnosis.stdout.strip() or diagnosis.stderr.strip() or "it comes too slowly")
    rctx.file("BUILD.bazel", _BUILD.format(file = attr.file))

checkpoint_repository = repository_rule(
    implementation = _checkpoint_repository_impl,
    doc = "One checkpoint file, pinned by revision and by SHA-256, as the target `:checkpoint`.",
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
