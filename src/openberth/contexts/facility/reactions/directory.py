"""The active devices in memory: a heartbeat or a dial-in is answered without asking the database.

Loaded at the start and again when the log tells of a changed lot or new credentials.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import structlog

from openberth.contexts import tenancy
from openberth.contexts.facility.model import (
    USUAL_INPUTS,
    DeviceCredentialsIssued,
    DeviceKind,
    DeviceLoginChanged,
    Heartbeat,
    Input,
    LotApplied,
)
from openberth.contexts.facility.service import presence as service
from openberth.contexts.facility.service.ground import inputs_from
from openberth.infra.database import Database
from openberth.infra.http.limits import AddressRange
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

SECRET_MAX = 128
RETRY_S = 1.0
_TELLING = frozenset({LotApplied.KIND, DeviceCredentialsIssued.KIND, DeviceLoginChanged.KIND, tenancy.LotCame.KIND})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """An active device. ``secret`` is there for barriers and devices that may sign, if they have credentials."""

    id: Id
    company: Id
    lot: Id
    lot_code: str
    lane: Id
    code: str
    kind: DeviceKind
    serial: str | None
    networks: AddressRange
    heartbeat: Heartbeat | None
    zone: str = "UTC"
    inputs: tuple[Input, ...] = USUAL_INPUTS
    secret: bytes | None = field(default=None, repr=False)
    old_secret: bytes | None = field(default=None, repr=False)
    old_until: Instant | None = None
    call: service.Call | None = None
    box: str = field(default="", compare=False)  # another mark when another box may stand behind the code

    def proves(self, now: Instant) -> tuple[bytes, ...]:
        """Return the secrets by which a device may prove itself now, the present one first."""
        if self.secret is None:
            return ()
        if self.old_secret is None or self.old_until is None or now >= self.old_until:
            return (self.secret,)
        return (self.secret, self.old_secret)


@dataclass(frozen=True, slots=True)
class _Index:
    by_id: dict[Id, DeviceEntry]
    by_fingerprint: dict[str, DeviceEntry]
    by_serial: dict[str, DeviceEntry]
    by_old_fingerprint: dict[str, tuple[DeviceEntry, Instant]]
    by_name: dict[tuple[DeviceKind, str], DeviceEntry]
    disputed: dict[tuple[DeviceKind, str], list[DeviceEntry]]

    def next_end(self) -> Instant | None:
        """Return when the next replaced secret is over."""
        ends = [entry.old_until for entry in self.by_id.values() if entry.old_until is not None]
        return min(ends, default=None)


class DeviceDirectory:
    """Finds active devices; used on the event loop. Empty until ``reload`` has run once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("devices")
        self._index = _Index({}, {}, {}, {}, {}, {})
        self._told = asyncio.Event()
        self._loading = asyncio.Lock()
        self._changed: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._index.by_id)

    def by_id(self, device: Id) -> DeviceEntry | None:
        """Return a device by its id."""
        return self._index.by_id.get(device)

    def cameras(self) -> list[DeviceEntry]:
        """Return all cameras."""
        return [entry for entry in self._index.by_id.values() if entry.kind.wire.camera]

    def camera_by_secret(self, secret: str) -> DeviceEntry | None:
        """Return the camera a secret belongs to; anything may be asked."""
        if len(secret) > SECRET_MAX:
            return None
        fingerprint = self._database.keys.fingerprint(VaultKind.DEVICE_SECRET.value, secret)
        found = self._index.by_fingerprint.get(fingerprint)
        if found is None:
            entry, until = self._index.by_old_fingerprint.get(fingerprint, (None, Instant(0)))
            found = entry if self._now() < until else None
        return found

    def barrier_by_serial(self, serial: str) -> DeviceEntry | None:
        """Return the barrier of a serial that has credentials. A serial used twice is the older device's."""
        return self._index.by_serial.get(serial)

    def by_name(self, kind: DeviceKind, serial: str) -> DeviceEntry | None:
        """Return the device that is known by the serial it says, credentials or not. One used twice is the older's."""
        return self._index.by_name.get((kind, serial))

    def disputed(self, kind: DeviceKind, serial: str) -> Sequence[DeviceEntry]:
        """Return the devices of several companies that are known by one serial, none when it is one company's."""
        return self._index.disputed.get((kind, serial), ())

    def called(self) -> list[DeviceEntry]:
        """Return the devices that we call."""
        return [entry for entry in self._index.by_id.values() if entry.call is not None]

    def watch(self, envelopes: Sequence[Envelope]) -> None:
        """Take note of new events; ``run`` reloads when one of them changes devices."""
        if any(envelope.kind in _TELLING for envelope in envelopes):
            self._told.set()

    def on_change(self, told: Callable[[], None]) -> None:
        """Call ``told`` after every reload: who holds connections looks whether they are still what they were."""
        self._changed.append(told)

    async def reload(self) -> None:
        """Read all devices anew; what was acknowledged before the call is seen."""
        async with self._loading:
            known = await self._database.read(service.active_devices, by=self._by)
            # Thousands of devices are milliseconds of work: not on the loop.
            self._index = await asyncio.to_thread(partial(_index_of, known))
        for told in self._changed:
            told()

    async def run(self) -> None:
        """Reload whenever the log tells of changed devices, until cancelled."""
        while True:
            await self._told_or_over()
            self._told.clear()
            try:
                await self.reload()
            except Overloaded as problem:
                log.warning("devices.reload_waits", code=problem.code)
            except Exception:
                log.exception("devices.reload_failed")  # the index before it stays in force
            else:
                continue
            self._told.set()
            await asyncio.sleep(RETRY_S)

    async def _told_or_over(self) -> None:
        """Wait for the log to tell of devices, or for a replaced secret to be over."""
        end = self._index.next_end()
        # Not at once again: the row that is over goes with the next look at the rows, a moment later by their clock.
        wait_s = None if end is None else max((end - self._now()) / SECOND_US, 0) + RETRY_S
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._told.wait()

    def _now(self) -> Instant:
        return self._database.clocks.machine.now()


def _index_of(known: Iterable[service.Known]) -> _Index:
    index = _Index({}, {}, {}, {}, {}, {})
    for one in known:
        entry = _entry(one)
        index.by_id[entry.id] = entry
        if entry.kind.wire.named and entry.serial is not None:
            older = index.by_name.setdefault((entry.kind, entry.serial), entry)
            if older.company != entry.company:
                index.disputed.setdefault((entry.kind, entry.serial), [older]).append(entry)
        if entry.kind is DeviceKind.BARRIER_TCP:
            if entry.serial is None or entry.secret is None:
                continue
            # Rows come by id, which is by age: a second lot cannot take over the serial of a first one.
            if index.by_serial.setdefault(entry.serial, entry) is not entry:
                log.warning("devices.serial_twice", device=str(entry.id), other=str(index.by_serial[entry.serial].id))
        elif one.row.fingerprint is not None:
            index.by_fingerprint[one.row.fingerprint] = entry
            if one.old is not None:
                index.by_old_fingerprint[one.old.fingerprint] = (entry, one.old.until)
    return index


def _entry(one: service.Known) -> DeviceEntry:
    row = one.row
    return DeviceEntry(
        row.id, row.company, row.lot, row.lot_code, row.lane, row.code, row.kind, row.serial,
        AddressRange.parse(row.networks), Heartbeat(row.heartbeat) if row.heartbeat else None, row.zone,
        inputs_from(row.inputs),
        bytes.fromhex(one.secret) if one.secret else None,
        bytes.fromhex(one.old.secret) if one.old is not None and one.old.secret else None,
        None if one.old is None else one.old.until, one.call, _box(one),
    )  # fmt: skip


def _box(one: service.Known) -> str:
    """Return a mark of what a box is known by: its make, serial, address and credentials."""
    row, call = one.row, one.call
    known_by = (row.kind.value, row.serial, row.fingerprint, *((call.endpoint, call.login) if call else ()))
    return sha256("|".join(str(each) for each in known_by).encode()).hexdigest()
