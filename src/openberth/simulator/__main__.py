"""``python -m openberth.simulator``."""

from openberth.simulator.cli import main

main()
