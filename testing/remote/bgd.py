"""Runs BuildGrid's command line, `bgd`, from the wheel."""

from buildgrid.server.app import cli

if __name__ == "__main__":
    cli()
