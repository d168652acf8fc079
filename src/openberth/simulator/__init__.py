"""Lots full of virtual drivers, cameras and barriers that know OpenBerth only by its wire.

A *town* reads the lot and tariff files, asks for the credentials of every device and lets cars come, pay and go by the
distributions in the files. Each device is a client of its own; faults are switched on by name. The simulator keeps
books of its own (who went in, came out, paid what, and what it should have cost by its own reading of the tariff) and
compares them with the server's at the end. It imports nothing else of ``openberth``.

Start it with ``python -m openberth.simulator`` or from code with ``run_town``.
"""

from openberth.simulator.counters import Counters
from openberth.simulator.faults import FAULTS, Faults
from openberth.simulator.run import Report, TownConfig, run_town

__all__ = ["FAULTS", "Counters", "Faults", "Report", "TownConfig", "run_town"]
