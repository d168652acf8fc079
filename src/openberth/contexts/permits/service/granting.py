"""Use cases and queries of permits.

A list holds up to 20 000 permits, too much for one unit: what differs is worked out by a reader (``list_changes``) and
written in small parts (``write_part``) under a lease, which ``reactions.apply_list`` does. ``apply_permits`` does the
same in one unit, for short lists.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openberth.contexts import facility, tenancy
from openberth.contexts.permits.model import (
    GrantedPermit,
    ListedPermit,
    Permit,
    PermitChanges,
    PermitHeld,
    PermitKind,
    PermitsApplied,
    diff,
)
from openberth.contexts.permits.store import permits as store
from openberth.infra import leases, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version, stale_refusal
from openberth.infra.permitting import inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_words
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US, SECOND_US, Instant, to_iso

TOLD_MAX = 20  # codes of an entry of the trail
PART_MAX = 40  # changes in one unit: a few milliseconds of the writer
CLAIM_US = 30 * SECOND_US

# Several permits of one plate at one instant are a mistake the list refuses; should it happen, what decides is this.
_RANK = {
    PermitKind.BLOCKED: 0,
    PermitKind.INTERNAL: 1,
    PermitKind.RESIDENT: 2,
    PermitKind.MONTHLY: 3,
    PermitKind.FREE: 4,
}


def permit_of(reader: Reader, *, lot: Id, plate: Id, at: Instant) -> GrantedPermit | None:
    """Return the permit that holds for a plate (its vault id) at an instant; a block wins over every right."""
    held = reader.all(store.HOLDING, lot=lot, plate=plate, at=at)
    return min(held, key=lambda one: (_RANK[one.kind], one.code)) if held else None


def permit(reader: Reader, *, permit: Id) -> GrantedPermit | None:
    """Return a permit, also a retired one: its validity ends when it was retired."""
    return reader.one(store.BY_ID, permit_id=permit)


def permits_of_lot(reader: Reader, *, lot: Id, after: str = "", limit: int = store.PAGE_MAX) -> list[ListedPermit]:
    """Return a page of a lot's active permits by code, beyond the code ``after``; plates are masked."""
    rows = reader.all(store.ACTIVE_OF_LOT, lot=lot, after=after, limit=min(limit, store.PAGE_MAX))
    return [
        ListedPermit(
            row.id, row.code, Plate(vault.open_sealed(reader, row.sealed)).masked if row.sealed else None, row.kind,
            row.valid, row.holder, row.version,
        )
        for row in rows
    ]  # fmt: skip


def list_changes(reader: Reader, *, lot: Id, permits: Sequence[Permit]) -> PermitChanges:
    """Compare a lot's active permits with a list. It opens every plate, about 20 µs each: for readers."""
    existing = []
    for row in _active(reader, lot):
        # An erased plate equals no plate that can be read, so its permit is written anew or retired.
        plate = Plate(vault.open_sealed(reader, row.sealed)) if row.sealed else Plate.unlicensed(row.id.hex)
        existing.append(Permit(row.code, plate, row.kind, row.valid))
    return diff(tuple(existing), tuple(permits))


@needs("permit.write")
def apply_permits(unit: Unit, *, company: Id, lot: Id, permits: Sequence[Permit]) -> PermitChanges:
    """Make a list the lot's permits, all in this unit; the same list again changes nothing.

    For short lists: on SQLite everybody else's writes wait meanwhile. Raises ``Refused("state.changed")`` while another
    list is being applied.
    """
    owner = unit.new_id().hex
    claim(unit, lot=lot, owner=owner)
    changes = list_changes(unit, lot=lot, permits=permits)
    if changes:
        _write(unit, company, lot, changes)
    give_back(unit, lot=lot, owner=owner)
    return changes


@needs("permit.write")
def claim(unit: Unit, *, lot: Id, owner: str) -> None:
    """Take or renew the right to change a lot's list for 30 s of machine time. Raises ``Refused("state.changed")``."""
    unit.lock(("permits", lot))
    if leases.acquire(unit, name=_lease(lot), owner=owner, span_us=CLAIM_US) is None:
        raise stale_refusal()


@inner
def carry_lot(unit: Unit, move: tenancy.LotMove) -> None:
    """Refuse to move a lot while a list of its permits is being applied. Raises ``Refused("state.changed")``."""
    mover = unit.new_id().hex
    if leases.acquire(unit, name=_lease(move.lot), owner=mover, span_us=CLAIM_US) is None:
        raise stale_refusal()
    leases.release(unit, name=_lease(move.lot), owner=mover)


@needs("permit.write")
def give_back(unit: Unit, *, lot: Id, owner: str) -> None:
    """Give the right to change a lot's list back."""
    leases.release(unit, name=_lease(lot), owner=owner)


def parts(changes: PermitChanges) -> Iterator[PermitChanges]:
    """Cut changes into parts of which each fits a small unit. Retiring comes first: it frees plates for others."""
    for start in range(0, len(changes.retired), PART_MAX):
        yield PermitChanges((), (), changes.retired[start : start + PART_MAX])
    for start in range(0, len(changes.changed), PART_MAX):
        yield PermitChanges((), changes.changed[start : start + PART_MAX], ())
    for start in range(0, len(changes.added), PART_MAX):
        yield PermitChanges(changes.added[start : start + PART_MAX], (), ())


@needs("permit.write")
def write_part(unit: Unit, *, company: Id, lot: Id, owner: str, part: PermitChanges) -> None:
    """Write one part of a list's changes, with its event.

    Raises ``Refused("state.changed")`` without the claim, or when the lot has come to another company meanwhile.
    """
    claim(unit, lot=lot, owner=owner)
    if not _is_of(unit, lot, company):
        raise stale_refusal()
    _write(unit, company, lot, part)


@needs("plate.unmask")
def unmask(unit: Unit, *, company: Id, lot: Id, code: str, reason: str) -> str | None:
    """Return the plate of a permit in clear, also of a retired one; None when it was erased.

    Raises ``NotFound("permit.not_found")``, and as ``tenancy.unmask_plate``.
    """
    found = unit.one(store.PLATE_OF_CODE, lot=lot, permit_code=code)
    if found is None:
        raise NotFound("permit.not_found", permit=code)
    return tenancy.unmask_plate(
        unit, plate=found[1], subject_kind="permit", subject=found[0], company=company, lot=lot, reason=reason
    )


def _write(unit: Unit, company: Id, lot: Id, changes: PermitChanges) -> None:
    for gone in changes.retired:
        unit.run(store.RETIRE, lot=lot, permit_code=gone.code, now=unit.now)
    for wanted in changes.changed:
        _replace(unit, lot, wanted, vault.keep(unit, VaultKind.PLATE, wanted.plate.key))
    for wanted in changes.added:
        plate = vault.keep(unit, VaultKind.PLATE, wanted.plate.key)
        inserted = unit.run(
            store.INSERT, id=unit.new_id(), company_id=company, lot_id=lot, code=wanted.code, plate_id=plate,
            kind=wanted.kind, valid_from=wanted.valid.start, valid_until=wanted.valid.end, retired_at=None, version=1,
            holder_id=None,
        )  # fmt: skip
        if inserted != 1:  # a retired one comes back
            _replace(unit, lot, wanted, plate)
    unit.append(
        PermitsApplied(len(changes.added), len(changes.changed), len(changes.retired)), company=company, lot=lot,
        key=lot,
    )  # fmt: skip
    is_now = {"added": _codes(changes.added), "changed": _codes(changes.changed)}
    deed = tenancy.Deed(
        "permits.configured", "lot", str(lot), company, lot, before={"retired": _codes(changes.retired)}, after=is_now
    )
    tenancy.record(unit, deed)


def _codes(permits: Sequence[Permit]) -> list[str]:
    """Return the codes of some permits for the trail, and how many more there are; a plate as a code is masked."""
    codes = [masked_words(each.code) for each in permits[:TOLD_MAX]]
    return codes if len(permits) <= TOLD_MAX else [*codes, f"+{len(permits) - TOLD_MAX}"]


def _replace(unit: Unit, lot: Id, wanted: Permit, plate: Id) -> None:
    unit.save(
        store.REPLACE, lot=lot, permit_code=wanted.code, new_plate=plate, new_kind=wanted.kind,
        new_from=wanted.valid.start, new_until=wanted.valid.end,
    )  # fmt: skip


def _active(reader: Reader, lot: Id) -> Iterator[store.PermitRow]:
    after = ""
    while page := reader.all(store.ACTIVE_OF_LOT, lot=lot, after=after, limit=store.PAGE_MAX):
        yield from page
        after = page[-1].code


def _is_of(reader: Reader, lot: Id, company: Id) -> bool:
    """Tell whether a lot still is a company's; for whoever acts there it is gone once it went to another one."""
    try:
        return facility.lot_by_id(reader, lot=lot).company == company
    except NotFound:
        return False


def _lease(lot: Id) -> str:
    return f"permits.{lot.hex}"


# -- whose permit it is ------------------------------------------------------------------------------------------------


@needs("permit.write")
def set_holder(unit: Unit, *, company: Id, lot: Id, code: str, holder: Id | None, expected: int | None = None) -> None:
    """Say who holds a permit, None for nobody; the same again changes nothing.

    ``expected`` is the version of the permit that was read; None takes whatever is there. Raises ``NotFound``
    (``permit.not_found``, ``person.not_found``) and ``Refused("state.changed")``.
    """
    found = unit.one(store.HELD_NOW, lot=lot, permit_code=code)
    if found is None:
        raise NotFound("permit.not_found", permit=code)
    key, before, version = found
    if holder is not None:
        tenancy.check_person(unit, person=holder)
    if holder == before:
        return
    check_version(version, expected)
    unit.save(store.SET_HOLDER, permit_id=key, seen=version, new_holder=holder)
    unit.append(PermitHeld(key, holder), company=company, lot=lot, key=key)


class PermitKeeper:
    """What permits hold about people: their rights to park, and so which plates are theirs."""

    name = "permits"

    def plates(self, reader: Reader, *, person: Id) -> Sequence[Id]:
        """Return the plates of the permits that somebody holds."""
        return [each.plate for each in reader.all(store.OF_HOLDER, holder=person)]

    def locks(self, reader: Reader, *, about: tenancy.About) -> Sequence[tuple[str, Id]]:
        """Return the locks of the lists in which the permits stand."""
        return [("permits", each.lot) for each in reader.all(store.OF_HOLDER, holder=about.person.id)]

    def held(self, reader: Reader, *, about: tenancy.About, in_clear: bool) -> Sequence[Mapping[str, Any]]:
        """Return somebody's permits."""
        return [
            {
                "id": str(each.id), "lot": str(each.lot), "code": each.code, "kind": each.kind.value,
                "plate": tenancy.plate_shown(reader, each.plate, in_clear=in_clear),
                "valid_from": to_iso(each.valid_from),
                "valid_until": None if each.valid_until is None else to_iso(each.valid_until),
                "retired_at": None if each.retired_at is None else to_iso(each.retired_at),
            }
            for each in reader.all(store.OF_HOLDER, holder=about.person.id)
        ]  # fmt: skip

    def hindrances(self, reader: Reader, *, about: tenancy.About) -> Sequence[tenancy.Hindrance]:
        """Return nothing: a right to park ends with its holder."""
        return ()

    def forget(self, unit: Unit, *, about: tenancy.About) -> Mapping[str, int]:
        """Retire somebody's permits."""
        ended = unit.run(store.LET_GO_OF_HOLDER, holder=about.person.id, now=unit.now)
        unit.run(store.NO_HOLDER, holder=about.person.id)
        return {"permits": ended}

    def needed_until(self, reader: Reader, *, plate: Id) -> Instant | None:
        """Return tomorrow while somebody else's permit is for the plate."""
        found = reader.all(store.ACTIVE_OF_PLATE, plate=plate)
        return Instant(reader.machine_now + DAY_US) if found else None
