"""What a command line asks of a tariff, in the form in which the API is asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openberth.kernel.errors import Malformed
from openberth.kernel.money import Money
from openberth.kernel.time import instant_of, to_iso

SPAN = re.compile(r"\+(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m(?:in)?)?")
MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
LENGTH = re.compile(r"(?:(\d{1,2})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m(?:in)?)?")
PERCENT = re.compile(r"(?:100|[0-9]{1,2}(?:\.[0-9]{1,4})?)%?")
FILES = (".yaml", ".yml", ".json")
ZONE = "Asia/Shanghai"  # of tariffs and lots that name none
MINUTES_DIGITS_MAX = 6


@dataclass(frozen=True, slots=True)
class Marks:
    """What a command line says of a vehicle."""

    vehicle_class: str | None = None
    colour: str | None = None
    new_energy: bool | None = None
    size: str | None = None
    seats: int | None = None
    disabled: bool = False
    spaces: int = 1
    tags: Sequence[str] = field(default=())

    def value(self) -> dict[str, Any]:
        """Return the members of a request that describe the vehicle."""
        vehicle = {
            "colour": self.colour, "new_energy": self.new_energy, "size": self.size, "seats": self.seats,
            "disabled": self.disabled, "spaces": self.spaces, "tags": list(self.tags),
        }  # fmt: skip
        return {"vehicle": vehicle, "vehicle_class": self.vehicle_class}


def is_file(tariff: str) -> bool:
    """Tell whether the argument names a file rather than the code of a published tariff."""
    return tariff.endswith(FILES) or "/" in tariff or Path(tariff).is_file()


def read_zone(name: str | None, document: Mapping[str, Any] | None) -> ZoneInfo:
    """Return the zone of wall-clock times: said on the command line, else the tariff's, else China's.

    Raises ``Malformed("cli.zone")``.
    """
    wanted = name or (document or {}).get("zone") or ZONE
    try:
        return ZoneInfo(wanted)
    except (KeyError, ValueError, OSError):
        raise Malformed("cli.zone", zone=wanted) from None


def read_moment(text: str, zone: ZoneInfo, after: datetime | None = None) -> datetime:
    """Read an instant: RFC 3339, without an offset in ``zone``, or ``+1d2h30m`` after another one.

    Raises ``Malformed("cli.moment")``.
    """
    span = SPAN.fullmatch(text)
    if span is not None and after is not None and len(text) > 1:
        return later(after, span)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, OverflowError):
        raise Malformed("cli.moment", text=text) from None


def read_month(text: str) -> str:
    """Read a month such as ``2026-10``. Raises ``Malformed("what_if.month")``."""
    if MONTH.fullmatch(text) is None:
        raise Malformed("what_if.month", month=text)
    return text


def later(moment: datetime, span: "re.Match[str]") -> datetime:
    """Return the moment that lies days, hours and minutes of real time after another one."""
    days, hours, minutes = (int(number or 0) for number in span.groups())
    # Real time, not that of the wall clock: a stay of a day lasts 24 hours when the clocks are changed, too.
    try:
        return (moment.astimezone(UTC) + timedelta(days=days, hours=hours, minutes=minutes)).astimezone(moment.tzinfo)
    except OverflowError:
        raise Malformed("cli.moment", text=span.group()) from None


def read_length(text: str) -> "re.Match[str]":
    """Read a length of time such as ``24h`` or ``1d12h``. Raises ``Malformed("cli.length")``."""
    found = LENGTH.fullmatch(text.removeprefix("+"))
    if found is None or not any(found.groups()):
        raise Malformed("cli.length", text=text)
    return found


def read_coupon(text: str, number: int, currency: str, zone: ZoneInfo, entered: datetime) -> dict[str, Any]:
    """Read a relief such as ``amount:5``, ``minutes:60``, ``percent:20``, ``until:2026-11-20T18:00`` or ``free``.

    Raises ``Malformed("cli.coupon")``.
    """
    kind, _, value = text.partition(":")
    relief: dict[str, Any] = {"id": f"{number}", "kind": kind}
    try:
        if kind == "amount":
            money = Money.of(value, currency)
            if money.minor < 0:
                raise ValueError(text)
            relief["amount"] = {"minor": money.minor, "currency": currency}
        elif kind == "minutes" and value.isascii() and value.isdigit() and len(value) <= MINUTES_DIGITS_MAX:
            relief["minutes"] = int(value)
        elif kind == "percent" and PERCENT.fullmatch(value):
            relief["percent"] = value.removesuffix("%")
        elif kind == "until":
            relief["until"] = to_iso(instant_of(read_moment(value, zone, entered)))
        elif (kind, value) != ("free", ""):
            raise ValueError(text)
    except ValueError:
        raise Malformed("cli.coupon", text=text) from None
    return relief


def read_visit(text: str, zone: ZoneInfo) -> dict[str, Any]:
    """Read an earlier visit such as ``2026-11-20T08:00/+1h30m``. Raises ``Malformed``."""
    begin, slash, end = text.partition("/")
    if not slash:
        raise Malformed("cli.visit", text=text)
    entered = read_moment(begin, zone)
    left = read_moment(end, zone, entered)
    return {"start": to_iso(instant_of(entered)), "end": to_iso(instant_of(left))}


def ask(entered: datetime, until: datetime, marks: Marks, zone: ZoneInfo) -> dict[str, Any]:
    """Return a request for prices of a vehicle between two moments."""
    moments = {"entered": to_iso(instant_of(entered)), "until": to_iso(instant_of(until))}
    return {**moments, **marks.value(), "zone": zone.key}
