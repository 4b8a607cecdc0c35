"""Says in one line why a checkpoint was refused.

usage: diagnose.py URL

Bazel has tried and failed by now, so this only looks: it reads the head of what may be 400 MB.
"""

import http.client
import sys
import urllib.error
import urllib.request

_TIMEOUT_SECONDS = 10


def diagnose(url: str) -> str:
    """Describes what is at a file://, http:// or https:// URL."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            head = response.read(256).lstrip().lower()
    except urllib.error.HTTPError as error:
        return f"the server answers {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        return f"it cannot be reached ({str(getattr(error, 'reason', error)).strip()})"
    if not head:
        return "it is an empty file"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page (HTML), not weights: a login or error page, most likely"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not weights: fetch the real file with git lfs pull"
    return "it did not come whole, or has the wrong digest; Bazel's warning above says which"


if __name__ == "__main__":
    print(diagnose(sys.argv[1]))
