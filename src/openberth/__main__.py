"""``python -m openberth``: the command line."""

from openberth.entrypoints.cli import main

main()
