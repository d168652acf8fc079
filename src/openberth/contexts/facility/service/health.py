"""Whether devices are well: silent ones, wrong clocks and those that do not do what they are told stand in the alarm
list until they are well again, and each has a history.

Silence is found by ``presence``. A clock is wrong from half a minute on: what it stamps still counts up to the lot's
``device_skew_s``, so there is time to set it. A device fails when the last commands to it all were refused or did
not reach it; one whose outcome nobody can know is no failure, for many gates tell nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.contexts.facility.model import Command, Outcome
from openberth.contexts.facility.model.troubles import EndedAlarm
from openberth.contexts.facility.service import troubles
from openberth.contexts.facility.service.commands import TO_ITSELF
from openberth.contexts.facility.store import commands as command_store
from openberth.contexts.facility.store import presence as store
from openberth.contexts.facility.store import troubles as trouble_store
from openberth.contexts.facility.store.presence import Firmware
from openberth.infra import alarms
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.errors import Param
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import SECOND_US, Instant

OFFLINE, CLOCK, FAILING = "device_offline", "device_clock", "device_failing"
CLOCK_WRONG_US = 30 * SECOND_US
FAILED_LEAST = 3  # commands in a row
FAILED = (Outcome.REJECTED, Outcome.UNREACHABLE)
HISTORY_MAX = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """A device as it was heard last (machine time), from where, and how far its clock is ahead of ours.

    ``firmware`` is given when it is new to the process that heard it.
    """

    device: Id
    company: Id
    lot: Id
    lane: Id
    code: str
    at: Instant
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None
    firmware: str | None = None


@inner
def came(unit: Unit, one: Heard) -> None:
    """End the alarm of a device that was silent."""
    troubles.end_alarm(unit, company=one.company, lot=one.lot, kind=OFFLINE, subject=one.device)


@inner
def lost(unit: Unit, one: store.Silent) -> None:
    """Let an alarm stand for a device that fell silent."""
    params: dict[str, Param] = {**_named(unit, one.lot, one.code), "address": one.address or "?"}
    troubles.raise_alarm(unit, company=one.company, lot=one.lot, kind=OFFLINE, subject=one.device, params=params)


@inner
def look_at_clocks(unit: Unit, heard: Sequence[Heard]) -> None:
    """Let alarms stand for clocks that are wrong, and end those of clocks that are right again."""
    told = [one for one in heard if one.clock_offset_us is not None]
    if not told:
        return
    standing = {alarm.subject for alarm in alarms.of_kind(unit, kind=CLOCK)}
    for one in told:
        offset = one.clock_offset_us or 0
        if abs(offset) >= CLOCK_WRONG_US:
            params: dict[str, Param] = {
                **_named(unit, one.lot, one.code),
                "offset": f"{offset // SECOND_US:+d}",
            }
            troubles.raise_alarm(unit, company=one.company, lot=one.lot, kind=CLOCK, subject=one.device, params=params)
        elif str(one.device) in standing:
            troubles.end_alarm(unit, company=one.company, lot=one.lot, kind=CLOCK, subject=one.device)


@by_construction
def look_at_commands(unit: Unit, *, devices: Iterable[Id]) -> None:
    """Look whether the last commands to devices were done, and let alarms stand or end accordingly."""
    for device in devices:
        last = [
            one for one in unit.all(command_store.OF_DEVICE, device=device, before=BEYOND_ALL, limit=FAILED_LEAST)
            if one.outcome is not None
        ]  # fmt: skip
        if not last:
            continue
        company, lot = last[0].company_id, last[0].lot_id
        if len(last) == FAILED_LEAST and all(one.outcome in FAILED for one in last):
            params: dict[str, Param] = {
                **_named(unit, lot, _code_of(unit, device)), "count": FAILED_LEAST, "outcome": last[0].outcome or "",
                "detail": last[0].detail or "?",
            }  # fmt: skip
            troubles.raise_alarm(unit, company=company, lot=lot, kind=FAILING, subject=device, params=params)
        elif last[0].outcome not in FAILED:
            troubles.end_alarm(unit, company=company, lot=lot, kind=FAILING, subject=device)


def failing_devices(reader: Reader) -> set[str]:
    """Return the devices for which it stands in the list that they do not do what they are told."""
    return {alarm.subject for alarm in alarms.of_kind(reader, kind=FAILING)}


@dataclass(frozen=True, slots=True)
class DeviceHistory:
    """What became of a device, the newest first: alarms that are over, what it ran, what it was told and did not do."""

    ended: Sequence[EndedAlarm]
    firmwares: Sequence[Firmware]
    commands: Sequence[Command]


def history_of(reader: Reader, *, device: Id) -> DeviceHistory:
    """Return the history of a device, at most a hundred of each; of its commands those that were not done and those to
    the device itself.
    """
    newest = {"before": BEYOND_ALL, "limit": HISTORY_MAX}
    commands = reader.all(command_store.OF_DEVICE, device=device, **newest)
    return DeviceHistory(
        reader.all(trouble_store.OF_SUBJECT, of_subject=device, **newest),
        reader.all(store.FIRMWARES, device=device, **newest),
        [one for one in commands if one.outcome is not Outcome.DONE or one.kind in TO_ITSELF],
    )


def _named(reader: Reader, lot: Id, code: str) -> dict[str, Param]:
    return {"lot": reader.one(store.LOT_OF, lot=lot) or str(lot), "device": code}


def _code_of(reader: Reader, device: Id) -> str:
    return reader.one(store.CODE_OF, device=device) or str(device)
