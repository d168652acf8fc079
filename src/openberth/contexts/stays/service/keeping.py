"""What stays hold about people: the visits of their cars, and the pictures of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from openberth.contexts import facility, payments, permits, tenancy
from openberth.contexts.payments import BillState
from openberth.contexts.stays.model.entities import OpenStay, Stay
from openberth.contexts.stays.store import keeping as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.kernel.ids import Id, lowest_at, unix_ms_of
from openberth.kernel.time import DAY_US, Instant, to_iso

JOB_FORGET = "stays.forget_pictures"


class StayKeeper:
    """Takes part in showing and forgetting people, by the plates that are theirs."""

    name = "stays"

    def plates(self, reader: Reader, *, person: Id) -> Sequence[Id]:
        """Return nothing: a stay does not tell whose car it is."""
        return ()

    def locks(self, reader: Reader, *, about: tenancy.About) -> Sequence[tuple[str, Id]]:
        """Return the locks of all lots, so that none of the cars comes in meanwhile."""
        return [("lot", each.id) for each in facility.lots(reader)] if about.plates else ()

    def held(self, reader: Reader, *, about: tenancy.About, in_clear: bool) -> Sequence[Mapping[str, Any]]:
        """Return the visits of somebody's cars, newest first, with what was paid."""
        return [
            {
                "id": str(each.id), "lot": str(each.lot_id),
                "plate": tenancy.plate_shown(reader, plate, in_clear=in_clear), "entered_at": to_iso(each.entered_at),
                "left_at": to_iso(each.left_at) if isinstance(each, Stay) else None,
                "bills": [
                    {
                        "number": bill.number, "state": bill.state.value, "due_minor": bill.due.minor,
                        "paid_minor": bill.paid.minor, "currency": bill.due.currency,
                    }
                    for bill in payments.bills_of(reader, subject=each.id)
                ],
            }
            for plate in about.plates
            for each in _visits(reader, about, plate)
        ]  # fmt: skip

    def hindrances(self, reader: Reader, *, about: tenancy.About) -> Sequence[tenancy.Hindrance]:
        """Return cars that are inside, and bills that are open."""
        found = []
        for plate in about.plates:
            for each in _visits(reader, about, plate):
                if isinstance(each, OpenStay):
                    found.append(tenancy.Hindrance("car_inside", each.id))
                found += [
                    tenancy.Hindrance("bill_open", bill.id)
                    for bill in payments.bills_of(reader, subject=each.id)
                    if bill.state is BillState.OPEN
                ]
        return found

    def forget(self, unit: Unit, *, about: tenancy.About) -> Mapping[str, int]:
        """Have the pictures of somebody's cars deleted: a job does it, for they lie outside the database."""
        for plate in about.plates:
            after = _begins_after(unit, about, plate)
            body = {"plate": str(plate), "after": None if after is None else str(after)}
            jobs.schedule(unit, kind=JOB_FORGET, body=body, unique_key=plate.hex)
        return {}

    def needed_until(self, reader: Reader, *, plate: Id) -> Instant | None:
        """Return until when the law wants to know which car was billed; tomorrow while it is inside."""
        needed: list[Instant] = []
        for each in _stays(reader, plate):
            if isinstance(each, OpenStay):
                needed.append(Instant(reader.machine_now + DAY_US))
            elif payments.bills_of(reader, subject=each.id):
                until = tenancy.PLATE_OF_PAID_STAY.until(Instant(unix_ms_of(each.id) * 1_000))
                if until is not None and until > reader.machine_now:
                    needed.append(until)
        return max(needed, default=None)


def _visits(reader: Reader, about: tenancy.About, plate: Id) -> list[OpenStay | Stay]:
    """Return the visits of a plate that were somebody's own."""
    since = about.since.get(plate)
    return [
        each for each in _stays(reader, plate) if since is None or isinstance(each, OpenStay) or each.left_at >= since
    ]


def _begins_after(reader: Reader, about: tenancy.About, plate: Id) -> Id | None:
    """Return the passage after which a car was somebody's own, None for all of its time."""
    if plate not in about.since:
        return None
    entries = [each.entry_passage_id for each in _visits(reader, about, plate)]
    first = min(entries, default=lowest_at(reader.machine_now // 1_000))
    return Id(int=first.int - 1)


def _stays(reader: Reader, plate: Id) -> list[OpenStay | Stay]:
    return [*reader.all(store.OPEN_OF_PLATE, plate=plate), *reader.all(store.CLOSED_OF_PLATE, plate=plate)]


# Everybody below who holds something about people, in the order of an export.
KEEPERS: tuple[tenancy.Keeper, ...] = (payments.PrepaidKeeper(), permits.PermitKeeper(), StayKeeper())
