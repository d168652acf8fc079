"""Geomagnetic collectors over TCP: JSON objects, one a line, from bytes to readings. Pure.

Wire format: ``docs/devices/space-sensors.md``, as the sensor service of ParkingOS_cloud reads it. A collector (``CID``)
tells of its sensors (``MAG``): field of three axes, infrared distance, and ``Q``, how probable a car is in thousandths;
from 500 on the space is occupied. Voltages are hundredths of a volt. ``N``, ``SQ``, the axes and the distance are kept
as they came, nothing rests on them.
"""

from typing import Any

import msgspec
from msgspec import Struct

from openberth.contexts.facility import Reading
from openberth.contexts.facility.model.sensing import CONFIDENCE_MAX
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed

LINE_MAX = 1_024  # with its end, as the reference reads them
OCCUPIED_FROM = 500
BATTERY_LOW_MV = 3_300  # of a lithium cell of 3.6 V; below, it lasts some weeks
_SENSORS_MAX = 64
_NAME_MAX = 64
_VOLTAGE_MAX = 10_000  # a hundred volts: beyond, it is no voltage


class _Sensor(Struct):
    """One sensor. Numbers that do not come are None."""

    ID: int | str
    Q: int
    X: int | None = None
    Y: int | None = None
    Z: int | None = None
    N: int | None = None
    D: int | None = None
    V: int | None = None
    Err: int | None = None


class _Line(Struct):
    """One line."""

    CID: int | str
    MAG: list[_Sensor] = []
    PATH: int | str | None = None
    N: int | None = None
    SQ: int | None = None
    V: int | None = None
    Err: int | None = None


class Report(Struct, frozen=True):
    """What a collector says: who it is, what is to be known of it, and what its sensors say."""

    collector: str
    state: dict[str, Any]
    readings: tuple[Reading, ...]


_LINE = Shape(_Line)


def decode(line: bytes) -> Report:
    """Read one line without its end. Raises ``Malformed("device.malformed", …)``."""
    try:
        said = _LINE.read(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("device.malformed", where="line", why=str(error)[:200]) from None
    if len(said.MAG) > _SENSORS_MAX:
        raise Malformed("device.malformed", where="MAG", why=f"more than {_SENSORS_MAX} sensors")
    state = {"signal": said.SQ, "battery_mv": _millivolts(said.V), "fault": _fault(said.Err)}
    return Report(
        _name(said.CID), {name: value for name, value in state.items() if value is not None},
        tuple(_reading(each) for each in said.MAG),
    )  # fmt: skip


def _reading(said: _Sensor) -> Reading:
    millivolts, fault = _millivolts(said.V), _fault(said.Err)
    raw = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
    low = None if millivolts is None else millivolts < BATTERY_LOW_MV
    if fault is not None or not 0 <= said.Q <= 2 * OCCUPIED_FROM:  # what it measures is not to be believed
        wrong = fault or "probability"
        return Reading(_name(said.ID), None, raw, 0, millivolts, low, wrong)
    confidence = min(CONFIDENCE_MAX, 50 + abs(said.Q - OCCUPIED_FROM) // 10)
    return Reading(_name(said.ID), said.Q >= OCCUPIED_FROM, raw, confidence, millivolts, low, None)


def _name(value: int | str) -> str:
    name = str(value).strip()
    if not name or len(name) > _NAME_MAX or not name.isprintable():
        raise Malformed("device.malformed", where="id", why="an id of 1 to 64 printable characters is expected")
    return name


def _millivolts(hundredths: int | None) -> int | None:
    return hundredths * 10 if hundredths is not None and 0 < hundredths <= _VOLTAGE_MAX else None


def _fault(code: int | None) -> str | None:
    return f"code {code}" if code else None
