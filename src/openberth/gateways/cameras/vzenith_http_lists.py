"""The list of cars in a Vzenith camera with HTTP (``white_list_operate``), by which it opens alone while everything
else is down: ``docs/devices/vzenith-http.md``, "Cars it lets in alone". Pure.

Taken from section 3.7.5 of the maker's document: 0 adds or changes, 1 takes off, and at most five cars at once.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.days import days_shown
from openberth.gateways.cameras.family import Content
from openberth.gateways.cameras.vzenith_lists import listed_plate
from openberth.kernel.time import Instant

BATCH = 5
_ADD, _DELETE = 0, 1


def giving(cars: Sequence[ListedCar], zone: ZoneInfo, now: Instant) -> Content:
    """Add cars to the camera's list, or change them; it lets them in alone within their time, by its wall clock."""
    records = [
        {
            "plate": listed_plate(car.plate), "enable": 1, "need_alarm": 0, "enable_time": since,
            "overdue_time": until,
        }
        for car in cars
        for since, until in [days_shown(car.valid, zone)]
    ]  # fmt: skip
    return {"white_list_operate": {"operate_type": _ADD, "white_list_data": records}}


def dropping(plates: Sequence[str]) -> Content:
    """Take cars off the camera's list. An empty plate would take off all of them."""
    records = [{"plate": word} for plate in plates if (word := listed_plate(plate))]
    return {"white_list_operate": {"operate_type": _DELETE, "white_list_data": records}}
