"""Collectors come and go, and get their secrets: what they are heard of is written in small units.

A collector on a line that is silent for 8 s is an error; its spaces are not known any more a minute later. One that
pushes when there is something is silent when all of its sensors would have to have spoken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openberth.contexts.facility.model import COLLECTORS, CollectorCredentialsIssued, DeviceKind
from openberth.contexts.facility.model.sensing import COLLECTOR_GRACE_US, COLLECTOR_SILENT_US, SILENT_AFTER_US
from openberth.contexts.facility.service.troubles import end_alarm, raise_alarm
from openberth.contexts.facility.store import layout
from openberth.contexts.facility.store import sensors as store
from openberth.contexts.facility.store.sensors import KnownCollector, SilentCollector
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Param
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

SILENT, FAULT = "collector_silent", "collector_fault"
# What is heard is written every few seconds only; a process that died left its collectors behind.
LEFT_US = MINUTE_US
_SECRET = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class HeardCollector:
    """A collector as it was heard last (machine time); ``state`` is what is to be known of it, None: nothing new."""

    collector: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    at: Instant
    address: str | None
    state: Mapping[str, Any] | None
    span_us: int  # how long its sensors may be silent


@by_construction
def write_heard_collectors(unit: Unit, *, heard: Sequence[HeardCollector]) -> int:
    """Write when collectors were heard; returns how many came. The alarm of one that came is over; one that tells of a
    fault of its own has an alarm until it tells of none.
    """
    came = 0
    for one in heard:
        touched: dict[str, Any] = {
            "of_collector": one.collector, "seen_at": one.at, "new_address": one.address, "new_state": one.state,
        }  # fmt: skip
        if unit.run(store.COLLECTOR_CAME, **touched) == 1:
            came += 1
            unit.run(store.SENSORS_HEARD_AGAIN, of_collector=one.collector, span=one.span_us)
            end_alarm(unit, company=one.company, lot=one.lot, kind=SILENT, subject=one.collector)
        elif unit.run(store.COLLECTOR_TOUCHED, **touched) == 0:
            came += unit.run(
                store.COLLECTOR_NEW, collector_id=one.collector, company_id=one.company, lot_id=one.lot,
                last_seen_at=one.at, address=one.address, online=True, state=one.state,
            )  # fmt: skip
        if one.state is not None:
            _tell_fault(unit, one, one.state.get("fault"))
    return came


def _tell_fault(unit: Unit, one: HeardCollector, fault: str | None) -> None:
    if fault is None:
        end_alarm(unit, company=one.company, lot=one.lot, kind=FAULT, subject=one.collector)
        return
    told: dict[str, Param] = {"lot": one.lot_code, "collector": one.code, "fault": fault}
    raise_alarm(unit, company=one.company, lot=one.lot, kind=FAULT, subject=one.collector, params=told)


@by_construction
def lose_collector(unit: Unit, *, collector: Id, seen_before: Instant) -> bool:
    """Write that a collector is silent, unless somebody has heard it meanwhile; tells whether it was lost now."""
    found = unit.one(store.COLLECTOR_ONLINE, of_collector=collector)
    if found is None or unit.run(store.COLLECTOR_LOST, of_collector=collector, seen_before=seen_before) != 1:
        return False
    unit.run(store.SENSORS_WAIT, of_collector=collector, until=Instant(unit.machine_now + COLLECTOR_GRACE_US))
    told: dict[str, Param] = {"lot": found.lot_code, "collector": found.code, "last_at": int(found.last_seen_at)}
    raise_alarm(unit, company=found.company, lot=found.lot, kind=SILENT, subject=collector, params=told)
    return True


def silent_collectors(reader: Reader) -> list[SilentCollector]:
    """Return collectors that count as heard, and have been silent for too long by what is written of them."""
    found: list[SilentCollector] = []
    for kind in COLLECTORS:
        span = LEFT_US if kind in COLLECTOR_SILENT_US else SILENT_AFTER_US[kind]
        silent = reader.all(store.COLLECTORS_SILENT, of_kind=kind, seen_before=reader.machine_now - span)
        # One whose sensors may be silent for longer than is usual has longer itself.
        found += [each for each in silent if reader.machine_now - each.last_seen_at > max(span, _span_us(each))]
    return found


def _span_us(one: SilentCollector) -> int:
    if one.kind in COLLECTOR_SILENT_US or one.silent_after_s is None:
        return 0
    return one.silent_after_s * SECOND_US


def active_collectors(reader: Reader) -> list[KnownCollector]:
    """Return every active collector of every lot by id."""
    known: list[KnownCollector] = []
    after = Id(int=0)
    while page := reader.all(store.DIRECTORY, after=after):
        known += page
        after = page[-1].id
    return known


@dataclass(frozen=True, slots=True)
class CollectorCredentials:
    """What is shown once: the secret in the address that a collector pushes to."""

    collector: Id
    code: str
    kind: DeviceKind
    secret: str = field(repr=False)


@needs("device.credentials")
def issue_collector_credentials(unit: Unit, *, lot: Id, collector: str, secret: str) -> CollectorCredentials:
    """Give a collector that pushes a new secret, 64 hexadecimal digits made by the caller; the one before is void.

    Raises ``NotFound("collector.not_found")``, also for one that has no secret; a secret of another form is a
    ``ValueError``.
    """
    if not _SECRET.match(secret):
        raise ValueError("a secret is 64 lower-case hexadecimal digits")
    unit.lock(("lot", lot))
    rows = {row.code: row for row in unit.all(layout.COLLECTORS, lot=lot) if row.retired_at is None}
    row = rows.get(collector)
    if row is None or row.kind.wire.pushes is None:
        raise NotFound("collector.not_found", collector=collector)
    fingerprint = unit.keys.fingerprint(VaultKind.DEVICE_SECRET.value, secret)
    kept = vault.keep(unit, VaultKind.DEVICE_SECRET, secret)
    unit.run(
        layout.ISSUE_COLLECTOR_SECRET, row_id=row.id, new_secret=kept, new_fingerprint=fingerprint, now=unit.machine_now
    )
    if row.secret_id is not None:
        vault.erase(unit, row.secret_id)
    unit.append(
        CollectorCredentialsIssued(row.id, row.code, row.kind.value, fingerprint), company=row.company_id, lot=lot,
        key=row.id,
    )  # fmt: skip
    return CollectorCredentials(row.id, row.code, row.kind, secret)
