"""Prints one line that says why a checkpoint was refused.

Bazel has tried to download the file and failed. This program reads only the start of it. The URL is
in the environment variable URL, because other users of the machine can read command lines.
"""

import http
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.request

_TIMEOUT_SECONDS = 10

_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.FileHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.UnknownHandler,
)
"""Handlers of the default opener without FTP: a server may redirect to FTP, whose errors quote
the server's text."""


def diagnose(url: str) -> str:
    """Describes what a file://, http:// or https:// URL leads to.

    The description contains no text that a server sent.
    """
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
            head = response.read(256).lstrip().lower()
    except urllib.error.HTTPError as error:
        known = {status.value: status.phrase for status in http.HTTPStatus}
        return f"the server answers {error.code} {known.get(error.code, '')}".strip()
    except http.client.HTTPException:
        return "it cannot be reached (the server does not speak HTTP)"
    except OSError as error:
        return f"it cannot be reached ({_reason(error)})"
    except ValueError:
        return "it cannot be reached (the address, or one that it redirects to, is malformed)"
    if not head:
        return "it is an empty file"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page (HTML), not weights: most likely a login or error page"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not weights: fetch the real file with git lfs pull"
    return "it is incomplete or has the wrong digest; Bazel's warning above says which"


def _reason(error: OSError) -> str:
    """Returns the text of this machine's libraries for an error: their messages may quote more."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message.partition(",")[0]  # The rest names the host.
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or 'no connection'}"
    if isinstance(cause, TimeoutError):
        return "timed out"
    if isinstance(cause, socket.gaierror):
        return str(cause.strerror)
    if isinstance(cause, OSError):
        return os.strerror(cause.errno) if cause.errno else "a proxy on the way refuses"
    return "expected a file, http or https address, and one that redirects to no other"


if __name__ == "__main__":
    print(diagnose(os.environ["URL"]))
