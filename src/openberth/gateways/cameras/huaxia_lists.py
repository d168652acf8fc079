"""The list of cars in a Huaxia camera (``whitelist_data``), by which it opens alone while everything else is down:
``docs/devices/huaxia-http.md``, "Cars it lets in alone". Pure.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.days import SLASHED, days_shown
from openberth.gateways.cameras.family import Content
from openberth.kernel.time import Instant

BATCH = 10  # the maker names no bound; an answer stays about as long as one with frames for a display
_WHITE = "W"


def giving(cars: Sequence[ListedCar], zone: ZoneInfo, now: Instant) -> Content:
    """Add cars to the camera's list, or change them; it lets them in alone within their time, by its wall clock."""
    return {
        "whitelist_data": [
            {"action": "add", "plateNumber": car.plate, "type": _WHITE, "start": since, "end": until}
            for car in cars
            for since, until in [days_shown(car.valid, zone, SLASHED)]
        ]
    }


def dropping(plates: Sequence[str]) -> Content:
    """Take cars off the camera's list."""
    return {"whitelist_data": [{"action": "delete", "plateNumber": plate, "type": _WHITE} for plate in plates]}
