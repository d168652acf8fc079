"""Devices that call and are nobody's: they open nothing, wait for a person, and are approved into a lot or refused.

A device that nobody knows has no company. Whoever acts for everything sees all that wait; others see those that call
from an address which networks of devices of their own admit, and where no other company is. Networks wider than /8
(IPv6: /16) name no place and do not count. Of others a network counts where the address is a private one, so that a
network which two companies use tells neither of the other; at a public address it has to be narrow, or a device of
theirs heard there: nobody hides the devices of others by writing wide networks into a lot file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from openberth.contexts import tenancy
from openberth.contexts.facility.model import Collector, Device, DeviceKind, Heartbeat, Lot
from openberth.contexts.facility.service.lots import apply_lot, layout_of
from openberth.contexts.facility.store import layout
from openberth.contexts.facility.store import waiting as store
from openberth.contexts.facility.store.waiting import WaitingDevice
from openberth.infra.database import Reader, Unit
from openberth.infra.http.limits import AddressRange
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, Instant

__all__ = ["Caller", "WaitingDevice", "approve", "note_callers", "purge_waiting", "refuse", "waiting_devices"]

PER_ADDRESS_MAX = 8
QUIET_US = 7 * DAY_US  # who has not called for so long is forgotten, refused or not
_WIDEST = {4: 8, 6: 16}
_NARROW = {4: 24, 6: 56}
_ALL = ("waiting_devices", Id(int=0))
_CODE = re.compile(r"[a-z0-9-]{1,40}\Z")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called in the name of no device: how often, and when last (machine time).

    ``shared``: the address is a broker's, which all devices behind it share.
    """

    kind: DeviceKind
    serial: str
    address: str
    times: int
    last_at: Instant
    shared: bool = False


@by_construction
def note_callers(unit: Unit, *, callers: Sequence[Caller]) -> None:
    """Let callers wait for a person; of one address and overall only so many, the quietest makes room."""
    unit.lock(_ALL)
    for one in callers:
        known = unit.run(
            store.TOUCH, of_kind=one.kind, of_serial=one.serial, from_address=one.address, seen_at=one.last_at,
            more=one.times,
        )  # fmt: skip
        if known or _is_ours(unit, one):
            continue
        crowded = not one.shared and unit.all(store.COUNT_FROM, from_address=one.address)[0] >= PER_ADDRESS_MAX
        if crowded or not _room(unit):
            continue
        unit.run(
            store.INSERT, id=unit.new_id(), kind=one.kind, serial=one.serial, address=one.address,
            first_seen_at=one.last_at, last_seen_at=one.last_at, times=one.times, refused_at=None, refused_by=None,
            reason=None,
        )  # fmt: skip


def _is_ours(unit: Unit, one: Caller) -> bool:
    """Tell whether a device stands there that only has no credentials yet, or shows old ones."""
    if not one.serial:
        return False
    known = store.NETWORKS_OF_COLLECTOR if one.kind.wire.collector else store.NETWORKS_OF_SERIAL
    found = unit.all(known, of_kind=one.kind, of_serial=one.serial)
    return any(AddressRange.parse(networks).admits(one.address) for networks in found)


def _room(unit: Unit) -> bool:
    if unit.all(store.COUNT)[0] < store.WAITING_MAX:
        return True
    quietest = unit.one(store.QUIETEST)
    return quietest is not None and unit.run(store.DELETE, waiting=quietest) == 1


@by_construction
def purge_waiting(unit: Unit) -> int:
    """Forget some who have not called for a week; call again while it returns ``PURGE_MAX``."""
    quiet = unit.all(store.QUIET, seen_before=unit.machine_now - QUIET_US)
    for one in quiet:
        unit.run(store.DELETE, waiting=one)
    return len(quiet)


def waiting_devices(reader: Reader) -> list[WaitingDevice]:
    """Return who waits for the caller's decision, the last that called first."""
    found = reader.all(store.WAITING)
    if reader.caller.scope.is_everything or not found:
        return found
    owners = _Owners(reader)
    return [one for one in found if owners.alone_at(one.address)]


class _Owners:
    """Whose networks lie where: those in the caller's scope, and all."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        of_all = reader.all(store.NETWORKS_OF_ALL)
        self._ours = _ranges(reader.all(store.NETWORKS), _WIDEST)
        self._all = _ranges(of_all, _WIDEST)
        self._narrow = _ranges(of_all, _NARROW)

    def alone_at(self, address: str) -> set[Id]:
        """Return the caller's companies that have devices there, none when others have some there, too."""
        ours = {company for company, networks in self._ours if networks.admits(address)}
        rows = self._all if ip_address(address).is_private else self._narrow
        everybody = {company for company, networks in rows if networks.admits(address)}
        if ours and everybody <= ours:
            everybody |= set(self._reader.all(store.HEARD_FROM, heard_from=address))
        return ours if everybody <= ours else set()


def _ranges(rows: Sequence[tuple[Id, Sequence[str]]], widest: Mapping[int, int]) -> list[tuple[Id, AddressRange]]:
    """Return the networks of companies that are no wider than bits of a prefix, by IP version."""
    found = []
    for company, texts in rows:
        kept = [text for text in texts if (net := ip_network(text)).prefixlen >= widest[net.version]]
        found.append((company, AddressRange.parse(kept)))
    return found


@needs("lot.write")
def approve(unit: Unit, *, waiting: Id, lot: Id, lane: str | None, code: str) -> Id:
    """Make a caller a device of a lane, heard from the address it called from; returns the device.

    A collector of sensors stands at no lane. It proves itself once it has credentials. Raises ``Malformed``
    (``device.code``, ``device.lane``), ``NotFound`` (``device.not_waiting``, ``lot.not_found``,
    ``lane.not_found``) and ``Refused`` (``device.code_taken``, ``device.second_barrier``, ``device.serial_taken``,
    ``device.serial_elsewhere``).
    """
    one = _named(unit, waiting)
    existing = layout_of(unit, lot=lot)
    wanted = _with(existing, one, lane, code)
    row = unit.one(layout.LOT_BY_ID, lot=lot)
    assert row is not None, "its layout was read"
    unit.run(store.DELETE, waiting=waiting)
    apply_lot(unit, company=row.company_id, lot=wanted, is_meant=lambda now: now == existing)
    if one.kind.wire.collector:
        return next(each.id for each in unit.all(layout.COLLECTORS, lot=lot) if each.code == code)
    made = unit.one(layout.DEVICE_BY_CODE, lot=lot, device_code=code)
    assert made is not None, "it was added"
    return made.id


@needs("lot.write")
def refuse(unit: Unit, *, waiting: Id, reason: str) -> None:
    """Show a caller no more, however often it calls, until it has been quiet for a week.

    Raises ``NotFound("device.not_waiting")``, ``Refused("reason.missing")`` and ``Refused("reason.too_long")``.
    """
    said = checked_reason(reason)
    one = _named(unit, waiting)
    actor = unit.caller.actor
    by = f"{actor.kind.value}:{actor.name}"[:100]
    if unit.run(store.REFUSE, waiting=waiting, now=unit.machine_now, by=by, why=said) != 1:
        raise NotFound("device.not_waiting")
    told = {"kind": one.kind.value, "serial": one.serial, "address": one.address}
    owners = _Owners(unit).alone_at(one.address)
    company = owners.pop() if len(owners) == 1 else unit.caller.scope.company
    tenancy.record(unit, tenancy.Deed("device.refused", "device", str(waiting), company, reason=said, before=told))


def _with(lot: Lot, one: WaitingDevice, lane: str | None, code: str) -> Lot:
    if not one.kind.wire.collector:
        if lane is None:
            raise Malformed("device.lane")
        return with_device(lot, _device(one, lane, code))
    if not _CODE.match(code):
        raise Malformed("device.code")
    if any(each.code == code for each in lot.collectors):
        raise Refused("device.code_taken", device=code)
    if one.serial and any((each.kind, each.serial) == (one.kind, one.serial) for each in lot.collectors):
        raise Refused("device.serial_taken", serial=one.serial)
    made = Collector(code, one.kind, (ip_network(ip_address(one.address)),), one.serial or None)
    return replace(lot, collectors=(*lot.collectors, made))


def with_device(lot: Lot, device: Device) -> Lot:
    """Return a lot with one device more, as its file would have to be. Raises as ``approve`` does."""
    if device.lane not in {each.code for each in lot.lanes}:
        raise NotFound("lane.not_found", lane=device.lane)
    if any(each.code == device.code for each in lot.devices):
        raise Refused("device.code_taken", device=device.code)
    if device.kind is DeviceKind.BARRIER_TCP and lot.devices_of(device.lane, DeviceKind.BARRIER_TCP):
        raise Refused("device.second_barrier", lane=device.lane)
    if device.serial and any((each.kind, each.serial) == (device.kind, device.serial) for each in lot.devices):
        raise Refused("device.serial_taken", serial=device.serial)
    return replace(lot, devices=(*lot.devices, device))


def _named(unit: Unit, waiting: Id) -> WaitingDevice:
    unit.lock(_ALL)
    one = unit.one(store.ONE, waiting=waiting)
    if one is None or not (unit.caller.scope.is_everything or _Owners(unit).alone_at(one.address)):
        raise NotFound("device.not_waiting")
    return one


def _device(one: WaitingDevice, lane: str, code: str) -> Device:
    if not _CODE.match(code):
        raise Malformed("device.code")
    heartbeat = Heartbeat.COMET if one.kind.wire.held else None
    return Device(code, one.kind, lane, (ip_network(ip_address(one.address)),), one.serial or None, heartbeat)
