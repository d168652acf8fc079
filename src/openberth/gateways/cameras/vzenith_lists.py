"""The list of cars in a Vzenith camera with MQTT (``white_list_operator``), by which it opens alone while everything
else is down. Pure.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.days import days_shown, wall_clock
from openberth.gateways.cameras.family import Content
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import Instant

BATCH = 50


def giving(cars: Sequence[ListedCar], zone: ZoneInfo, now: Instant) -> Content:
    """Add cars to the camera's list, or change them; it lets them in alone within their time, by its wall clock."""
    records = [
        {
            "plate": listed_plate(car.plate), "enable": 1, "create_time": wall_clock(now, zone),
            "enable_time": since, "overdue_time": until, "time_seg_enable": 0,
            "seg_time_start": "00:00:00", "seg_time_end": "23:59:59", "need_alarm": 0,
        }
        for car in cars
        for since, until in [days_shown(car.valid, zone)]
    ]  # fmt: skip
    return {"operator_type": "update_or_add", "dldb_rec": records}


def dropping(plates: Sequence[str]) -> Content:
    """Take cars off the camera's list."""
    return {"operator_type": "delete", "plate": [listed_plate(plate) for plate in plates]}


def listed_plate(plate: str) -> str:
    """Return a plate as such a camera reads it."""
    try:
        return Plate.read(plate).key
    except InvalidPlate:
        return Plate.foreign(plate).key
