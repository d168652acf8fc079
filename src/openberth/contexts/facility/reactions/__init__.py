"""What facility does outside of units: the directory of devices, who is heard, commands on their way.

Each has ``run()``, a loop for the whole life of the process, and what hangs on the log has ``watch`` for
``infra.outbox.Tail.watch``.
"""

from openberth.contexts.facility.reactions.commands import CommandDispatcher, CommandSweeper, end_unfinished
from openberth.contexts.facility.reactions.directory import DeviceDirectory, DeviceEntry
from openberth.contexts.facility.reactions.health import HealthWatch
from openberth.contexts.facility.reactions.presence import Presence
from openberth.contexts.facility.reactions.sensors import (
    CollectorDirectory,
    CollectorEntry,
    SensorDesk,
    SensorSweeper,
)
from openberth.contexts.facility.reactions.strays import Strays

__all__ = [
    "CollectorDirectory",
    "CollectorEntry",
    "CommandDispatcher",
    "CommandSweeper",
    "DeviceDirectory",
    "DeviceEntry",
    "HealthWatch",
    "Presence",
    "SensorDesk",
    "SensorSweeper",
    "Strays",
    "end_unfinished",
]
