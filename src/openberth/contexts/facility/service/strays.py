"""Devices that speak from outside their network: an alarm that stands while it goes on, and ends a while after.

Somebody has a device's secret, or the device was moved. It opens nothing either way, but a person should look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.errors import Param
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

KIND = "device_stray"
TWICE = "device_twice"  # what it says may be another company's device of the same serial
QUIET_US = 15 * MINUTE_US
ADDRESS_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Stray:
    """What came from outside in a device's name: how often, the last address, and when (machine time)."""

    company: Id
    lot: Id
    lot_code: str
    device: Id
    code: str
    address: str
    times: int
    last_at: Instant
    kind: str = KIND


@by_construction
def note_strays(unit: Unit, *, strays: Sequence[Stray]) -> None:
    """Let an alarm stand for each device, counting on from one that stands already."""
    known = {(kind, each.subject): each for kind in (KIND, TWICE) for each in alarms.of_kind(unit, kind=kind)}
    for one in strays:
        before = known.get((one.kind, str(one.device)))
        times = one.times + (0 if before is None else int(before.params.get("times", 0)))
        params: dict[str, Param] = {
            "lot": one.lot_code, "device": one.code, "address": one.address[:ADDRESS_LENGTH], "times": times,
            "last_at": one.last_at,
        }  # fmt: skip
        alarms.stand(unit, company=one.company, trouble=Trouble(one.kind, str(one.device), params, one.lot))


def quiet_strays(reader: Reader) -> list[tuple[Id, str, str]]:
    """Return company, kind and subject of the alarms whose device has been quiet for a quarter of an hour."""
    before = reader.machine_now - QUIET_US
    found = [each for kind in (KIND, TWICE) for each in alarms.of_kind(reader, kind=kind)]
    return [(each.company, each.kind, each.subject) for each in found if int(each.params.get("last_at", 0)) < before]


@by_construction
def end_strays(unit: Unit) -> None:
    """End the alarms of devices that have been quiet."""
    for company, kind, subject in quiet_strays(unit):
        alarms.over(unit, company=company, kind=kind, subject=subject)
