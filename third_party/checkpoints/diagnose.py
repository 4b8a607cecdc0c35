"""Prints one line that says why a checkpoint was refused.

Bazel has tried to download the file and failed. This program reads only the start of it. The URL is
in the environment variable URL, because other users of the machine can read command lines.
"""

import http
import http.client
import os
import urllib.error
import urllib.request

_TIMEOUT_SECONDS = 10


def diagnose(url: str) -> str:
    """Describes what a file://, http:// or https:// URL leads to.

    The description contains no text that a server sent.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            head = response.read(256).lstrip().lower()
    except urllib.error.HTTPError as error:
        known = {status.value: status.phrase for status in http.HTTPStatus}
        return f"the server answers {error.code} {known.get(error.code, '')}".strip()
    except http.client.HTTPException:
        return "it cannot be reached (the server does not speak HTTP)"
    except OSError as error:
        return f"it cannot be reached ({str(getattr(error, 'reason', error)).strip()})"
    if not head:
        return "it is an empty file"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page (HTML), not weights: most likely a login or error page"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not weights: fetch the real file with git lfs pull"
    return "it is incomplete or has the wrong digest; Bazel's warning above says which"


if __name__ == "__main__":
    print(diagnose(os.environ["URL"]))
