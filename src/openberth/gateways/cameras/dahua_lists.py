"""The list of cars in a Dahua camera, by its CGI: ``docs/devices/dahua.md``, "Cars it lets in alone". Pure.

A record is taken one by one and gets a number (``RecNo``), by which alone it can be taken off.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.calls import Ask, Found, Told
from openberth.gateways.cameras.days import days_read, days_shown
from openberth.kernel.errors import Malformed

PAGE = 100
_UPDATE = "/cgi-bin/recordUpdater.cgi?name=TrafficRedList"
_NUMBER = re.compile(r"RecNo=(\d{1,18})")
_LINE = re.compile(r"records\[(\d{1,6})\]\.(PlateNumber|BeginTime|CancelTime)=(.*)")
_TOTAL = re.compile(r"(?:totalCount|found)=(\d{1,9})")


def puts(cars: Sequence[ListedCar], zone: ZoneInfo) -> Sequence[tuple[Ask, tuple[str, ...]]]:
    """Return a request for each car; one with a number changes the record that is there."""
    return [(_put(car, zone), (car.plate,)) for car in cars]


def _put(car: ListedCar, zone: ZoneInfo) -> Ask:
    what = f"&action=update&recno={car.mark}" if car.mark else "&action=insert"
    since, until = days_shown(car.valid, zone)
    days = f"&BeginTime={quote(since)}&CancelTime={quote(until)}"
    return Ask("GET", f"{_UPDATE}{what}&PlateNumber={quote(car.plate)}{days}&OpenGate=true")


def mark(told: Told) -> str:
    """Return the number of the new record."""
    found = _NUMBER.search(told.body.decode("utf-8", "replace"))
    return found[1] if found else ""


def drops(cars: Sequence[ListedCar]) -> Sequence[Ask]:
    """Return a request for each record; one without a number was never confirmed, and is named by its plate."""
    return [
        Ask("GET", f"{_UPDATE}&action=" + (f"remove&recno={car.mark}" if car.mark else
                                           f"removeEx&condition.PlateNumber={quote(car.plate)}"))
        for car in cars
    ]  # fmt: skip


def page(offset: int) -> Ask:
    """Ask for a page of the list."""
    return Ask("GET", f"/cgi-bin/recordFinder.cgi?action=find&name=TrafficRedList&count={PAGE}&offset={offset}")


def found(told: Told, zone: ZoneInfo) -> Found:
    """Read ``records[n].…=`` lines."""
    text = told.body.decode("utf-8", "replace")
    total = _TOTAL.search(text)
    if total is None:
        raise Malformed("device.malformed", where="list", why="no count")
    records: dict[str, dict[str, str]] = {}
    for number, name, value in _LINE.findall(text):
        records.setdefault(number, {})[name] = value.strip()
    cars = tuple(
        (one["PlateNumber"], days_read(one.get("BeginTime", ""), one.get("CancelTime", ""), zone))
        for one in records.values()
        if one.get("PlateNumber")
    )
    return Found(cars, int(total[1]))
