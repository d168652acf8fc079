"""Collectors of sensors as gateways meet them: who they are, that they are heard, what they say; and what time changes.

Used on the event loop. That a collector is silent is found here, by whoever holds its line; what a process that died
has left is found by the rows.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from openberth.contexts import tenancy
from openberth.contexts.facility.model import CollectorCredentialsIssued, DeviceKind, LotApplied, Reading, SensorModel
from openberth.contexts.facility.model.sensing import COLLECTOR_SILENT_US, SILENT_AFTER_US
from openberth.contexts.facility.service import collectors as service
from openberth.contexts.facility.service import sensing
from openberth.contexts.facility.store.sensors import SWEPT_MAX, KnownCollector
from openberth.infra.database import Database, Urgency
from openberth.infra.http.limits import AddressRange
from openberth.infra.timers import every
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope, system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

SECRET_MAX = 128
RETRY_S = 1.0
FLUSH_S = 1.0
WRITTEN_EVERY_US = 15 * SECOND_US
COLLECTORS_MAX = 20_000
PART_MAX = 25
SWEEP_S = 0.25
LEFT_S = 10.0  # how often the rows are looked through for collectors that nobody holds
UNKNOWN_MAX = 8  # ids of unknown sensors that are remembered of a collector
_TELLING = frozenset({LotApplied.KIND, CollectorCredentialsIssued.KIND, tenancy.LotCame.KIND})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CollectorEntry:
    """An active collector, and for how long its sensors may be silent."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    kind: DeviceKind
    serial: str | None
    networks: AddressRange
    span_us: int


class CollectorDirectory:
    """Finds active collectors. Empty until ``reload`` has run once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("collectors")
        self._by_serial: dict[tuple[DeviceKind, str], list[CollectorEntry]] = {}
        self._by_fingerprint: dict[str, CollectorEntry] = {}
        self._told = asyncio.Event()
        self._loading = asyncio.Lock()
        self._changed: list[Callable[[], None]] = []

    def by_secret(self, secret: str) -> CollectorEntry | None:
        """Return the collector a secret belongs to; anything may be asked."""
        if len(secret) > SECRET_MAX:
            return None
        return self._by_fingerprint.get(self._database.keys.fingerprint(VaultKind.DEVICE_SECRET.value, secret))

    def by_serial(self, kind: DeviceKind, serial: str, address: str) -> CollectorEntry | None:
        """Return the collector that calls itself so and may speak from there."""
        return next((each for each in self._by_serial.get((kind, serial), ()) if each.networks.admits(address)), None)

    def on_change(self, told: Callable[[], None]) -> None:
        """Call ``told`` after every reload: who holds lines looks whether they are still what they were."""
        self._changed.append(told)

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events; ``run`` reloads when one of them changes collectors."""
        if any(envelope.kind in _TELLING for envelope in envelopes):
            self._told.set()

    async def reload(self) -> None:
        """Read all collectors anew; what was acknowledged before the call is seen."""
        async with self._loading:
            known = await self._database.read(service.active_collectors, by=self._by)
            self._by_serial, self._by_fingerprint = _indexed(known)
        for told in self._changed:
            told()

    async def run(self) -> None:
        """Reload whenever the log tells of changed collectors, until cancelled."""
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await self.reload()
            except Overloaded as problem:
                log.warning("collectors.reload_waits", code=problem.code)
            except Exception:
                log.exception("collectors.reload_failed")  # the index before it stays in force
            else:
                continue
            self._told.set()
            await asyncio.sleep(RETRY_S)


def _indexed(
    known: Iterable[KnownCollector],
) -> tuple[dict[tuple[DeviceKind, str], list[CollectorEntry]], dict[str, CollectorEntry]]:
    by_serial: dict[tuple[DeviceKind, str], list[CollectorEntry]] = {}
    by_fingerprint: dict[str, CollectorEntry] = {}
    for row in known:
        span_us = SILENT_AFTER_US[row.kind] if row.silent_after_s is None else row.silent_after_s * SECOND_US
        entry = CollectorEntry(
            row.id, row.company, row.lot, row.lot_code, row.code, row.kind, row.serial,
            AddressRange.parse(row.networks), span_us,
        )  # fmt: skip
        if row.serial is not None:
            by_serial.setdefault((row.kind, row.serial), []).append(entry)
        if row.fingerprint is not None:
            by_fingerprint[row.fingerprint] = entry
    return by_serial, by_fingerprint


@dataclass(slots=True)
class _Line:
    """What is remembered of a collector: when it was heard, what is written of that."""

    entry: CollectorEntry
    heard_at: Instant
    address: str | None
    state: Mapping[str, Any] | None = None
    written_at: Instant | None = None
    is_lost: bool = False


class SensorDesk:
    """Takes what collectors say, remembers that they are heard, and finds those that fell silent.

    ``dropped`` counts collectors that were heard while more were remembered than there can be.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("collectors")
        self._lines: dict[Id, _Line] = {}
        self.dropped = 0

    def heard(self, entry: CollectorEntry, *, address: str, state: Mapping[str, Any] | None = None) -> None:
        """Take note that a collector was heard now; never waits."""
        line = self._lines.get(entry.id)
        if line is None:
            if len(self._lines) >= COLLECTORS_MAX:
                self.dropped += 1
                return
            line = self._lines[entry.id] = _Line(entry, self._now(), address[:64])
        line.entry, line.heard_at, line.address = entry, self._now(), address[:64]
        if state is not None and state != line.state:
            line.state, line.written_at = state, None

    async def take(
        self, entry: CollectorEntry, readings: Sequence[Reading], *, address: str, key: str | None = None
    ) -> sensing.Taken:
        """Take what sensors say; what is acknowledged is on disk. Raises ``Overloaded``."""
        by = Caller(Actor(ActorKind.DEVICE, entry.code, address), Scope(entry.company, (entry.lot,)))
        use_case = partial(sensing.take_readings, collector=entry.id, readings=readings, key=key)
        taken = await self._database.write(use_case, by=by, urgency=Urgency.NORMAL)
        if taken.unknown:
            log.info("sensors.unknown", collector=entry.code, lot=entry.lot_code, sensors=taken.unknown[:UNKNOWN_MAX])
        return taken

    async def model_of(self, entry: CollectorEntry, sensor: str) -> SensorModel | None:
        """Return which bytes a sensor of a collector sends, None for one that nobody knows."""
        return await self._database.read(partial(sensing.sensor_model, collector=entry.id, name=sensor), by=self._by)

    async def flush(self) -> int:
        """Write who came, and who is silent; returns how many were lost."""
        now = self._now()
        fresh = [
            each for each in self._lines.values()
            if each.heard_at > (each.written_at or 0)
            and (each.written_at is None or each.is_lost or now - each.written_at >= WRITTEN_EVERY_US)
        ]  # fmt: skip
        for start in range(0, len(fresh), PART_MAX):
            await self._write(fresh[start : start + PART_MAX])
        lost = 0
        for line in list(self._lines.values()):
            limit = COLLECTOR_SILENT_US.get(line.entry.kind)
            if limit is not None and not line.is_lost and now - line.heard_at > limit:
                line.is_lost, line.written_at = True, line.heard_at
                lost += await self._lose(line.entry.id, line.heard_at)
        return lost

    async def find_left(self) -> int:
        """Write that collectors are silent that nobody holds; returns how many were lost."""
        lost = 0
        for one in await self._database.read(service.silent_collectors, by=self._by):
            lost += await self._lose(one.id, one.last_seen_at)
        return lost

    async def run(self) -> None:
        """Flush every second until cancelled."""
        clock = asyncio.get_running_loop().time
        looked_at = clock()

        async def once() -> None:
            nonlocal looked_at
            await self.flush()
            if clock() - looked_at >= LEFT_S:
                looked_at = clock()
                await self.find_left()

        await every(FLUSH_S, once, waits="collectors.waiting", failed="collectors.failed")

    async def _write(self, lines: Sequence[_Line]) -> None:
        heard = [
            service.HeardCollector(
                each.entry.id, each.entry.company, each.entry.lot, each.entry.lot_code, each.entry.code, each.heard_at,
                each.address, each.state, each.entry.span_us,
            )
            for each in lines
        ]  # fmt: skip
        write = partial(service.write_heard_collectors, heard=heard)
        await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)
        for line, said in zip(lines, heard, strict=True):
            line.written_at, line.is_lost = said.at, False

    async def _lose(self, collector: Id, heard_at: Instant) -> bool:
        use_case = partial(service.lose_collector, collector=collector, seen_before=heard_at)
        return await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND)

    def _now(self) -> Instant:
        return self._database.clocks.machine.now()


class SensorSweeper:
    """Settles changes that waited, and forgets what silent sensors said. Several processes may sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("sensors.sweeper")

    async def sweep(self) -> int:
        """Do what is due now; returns how many sensors it was about."""
        swept = 0
        while await self._database.read(sensing.sensors_due, by=self._by):
            some = await self._database.write(sensing.sweep_sensors, by=self._by, urgency=Urgency.BACKGROUND)
            swept += some
            if some < SWEPT_MAX:
                break
        return swept

    async def run(self) -> None:
        """Sweep four times a second until cancelled."""
        await every(SWEEP_S, self.sweep, waits=None, failed="sensors.sweep_failed")
