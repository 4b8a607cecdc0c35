"""How deep the fuzzers dig: 1 in a plain `bazel test //...`, more in `//testing:faults`."""

import os

DEPTH = int(os.environ.get("FAULTS_DEPTH", "1"))
"""What numbers of examples are multiplied with."""
