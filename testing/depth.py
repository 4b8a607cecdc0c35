"""How deep the fuzzers dig: `tools/bazel test --test_env=FAULTS_DEPTH=10 //testing:faults`."""

import os

DEPTH = int(os.environ.get("FAULTS_DEPTH", "1"))
"""What numbers of examples are multiplied with."""
