"""The list of cars in a Hikvision camera at an entrance, by ISAPI: ``docs/devices/hikvision.md``, "Cars it lets in
alone". Pure.

Records are taken many at once, known by their plate, and taken off by it.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.calls import Ask, Found, Told
from openberth.gateways.cameras.days import ISO, days_read, days_shown
from openberth.gateways.cameras.xmltree import Element, read_xml
from openberth.kernel.errors import Malformed

PAGE = 100
_TARGET = "/ISAPI/ITC/Entrance/VCL"
_XML = "application/xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_WHITE = "0"


def puts(cars: Sequence[ListedCar], zone: ZoneInfo) -> Sequence[tuple[Ask, tuple[str, ...]]]:
    """Return the one request that has it hold cars."""
    records = "".join(_record(number, car, zone) for number, car in enumerate(cars, 1))
    body = f"{_HEAD}<SetVCLData><VCLDataList>{records}</VCLDataList></SetVCLData>"
    return [(Ask("PUT", _TARGET, body.encode(), _XML), tuple(car.plate for car in cars))]


def _record(number: int, car: ListedCar, zone: ZoneInfo) -> str:
    since, until = days_shown(car.valid, zone, ISO)
    return (
        f"<singleVCLData><id>{number}</id><runNum>{number}</runNum><listType>{_WHITE}</listType>"
        f"<plateNum>{escape(car.plate)}</plateNum><startTime>{since}</startTime>"
        f"<endTime>{until}</endTime></singleVCLData>"
    )


def mark(told: Told) -> str:
    """The camera gives no numbers."""
    return ""


def drops(cars: Sequence[ListedCar]) -> Sequence[Ask]:
    """Return a request for each plate."""
    return [
        Ask(
            "DELETE", _TARGET,
            f"{_HEAD}<VCLDelCond><delVCLCond>1</delVCLCond><plateNum>{escape(car.plate)}</plateNum>"
            "</VCLDelCond>".encode(), _XML,
        )
        for car in cars
    ]  # fmt: skip


def page(offset: int) -> Ask:
    """Ask for a page of the list."""
    body = (
        f"{_HEAD}<VCLGetCond><getVCLNum>{PAGE}</getVCLNum><startOffSet>{offset}</startOffSet>"
        f"<getVCLCond>0</getVCLCond><listType>{_WHITE}</listType></VCLGetCond>"
    )
    return Ask("POST", _TARGET, body.encode(), _XML)


def found(told: Told, zone: ZoneInfo) -> Found:
    """Read ``GetVCLData``."""
    root = read_xml(told.body)
    total = root.said("numTotal") or ""
    if not total.isascii() or not total.isdigit() or len(total) > 9:
        raise Malformed("device.malformed", where="list", why="no count")
    records = root.first("VCLDataList") or Element("VCLDataList")
    cars = tuple(
        (plate, days_read(one.own("startTime") or "", one.own("endTime") or "", zone))
        for one in records.children
        if (plate := (one.own("plateNum") or "").strip())
    )
    return Found(cars, int(total))
