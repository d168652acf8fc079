"""The list of cars in a generic device, by which it opens alone while everything else is down, the same over HTTP and
MQTT: ``docs/devices/generic-http.md``, "Cars it lets in alone". Pure.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.family import Content
from openberth.kernel.time import Instant, to_iso

BATCH = 50


def giving(cars: Sequence[ListedCar], zone: ZoneInfo, now: Instant) -> Content:
    """Have the device hold cars, or change their days, which are instants."""
    return {
        "give": [
            {
                "plate": car.plate, "from": to_iso(car.valid.start),
                "until": None if car.valid.end is None else to_iso(car.valid.end),
            }
            for car in cars
        ]
    }  # fmt: skip


def dropping(plates: Sequence[str]) -> Content:
    """Have the device drop cars."""
    return {"drop": list(plates)}


def reading(offset: int) -> Content:
    """Ask for a page of what it holds."""
    return {"read": offset}


def clearing() -> Content:
    """Have the device drop all cars."""
    return {"clear": True}
