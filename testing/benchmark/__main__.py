"""Runs the benchmark: python3 -m testing.benchmark --help."""

from export.common import command_line
from testing.benchmark.benchmark import main

if __name__ == "__main__":
    command_line.run(main)
