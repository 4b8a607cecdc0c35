"""Sets how many random examples the fuzz tests try.

`tools/bazel test --test_env=FAULTS_DEPTH=10 //testing:faults` tries ten times the usual number.
"""

import os

DEPTH = int(os.environ.get("FAULTS_DEPTH", "1"))
"""Factor for the number of examples."""
