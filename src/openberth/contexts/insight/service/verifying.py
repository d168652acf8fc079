"""Proving that the rollups say what the ledger says, lot by lot, by company and currency, amounts and counts.

What has happened and is not counted yet is added from the log, so that a service at work is no difference. The check
lives here and not with the ledger's own: payments stands below and does not know of rollups.
"""

from collections import Counter
from dataclasses import dataclass

from openberth.contexts import payments
from openberth.contexts.insight.model.movements import KINDS, MEASURES, Measure
from openberth.contexts.insight.service import feeding
from openberth.contexts.insight.store.asking import sums_by
from openberth.infra.database import Reader
from openberth.infra.database import log as event_log
from openberth.infra.outbox import standing
from openberth.kernel.ids import Id

MONTHS, DAYS = (0, 999_999), (1_000_000, 99_999_999)
GROUPS_MAX = 10_000
# What the ledger books for each measure, by deeds. Refunds of all kinds are booked alike when they are made, and money
# that comes, whatever for.
_DEEDS: dict[str, tuple[str, ...]] = {
    Measure.BILLED: ("bill.issued",),
    Measure.WITHDRAWN: ("bill.withdrawn",),
    Measure.WRITTEN_OFF: ("bill.written_off",),
    "came": ("receipt.applied", "receipt.surplus"),
    Measure.SURPLUS: ("receipt.surplus",),
    "back": ("refund.done", "refund.done_after_all"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of a lot for which ledger and rollups differ, in minor units."""

    what: str
    lot: Id
    company: Id
    currency: str
    ledger: int
    rollups: int


def verify_lot(reader: Reader, *, lot: Id) -> list[Difference]:
    """Compare the rollups of one lot with the ledger, and its days with its months."""
    months, days = (_counted(reader, lot, *periods) for periods in (MONTHS, DAYS))
    waiting = _waiting(reader, lot)
    booked = Counter[tuple[str, Id, str]]()
    for company, currency, deed, minor in payments.booked_of_lot(reader, lot=lot):
        for what, deeds in _DEEDS.items():
            if deed in deeds:
                booked[what, company, currency] += minor
    found = []
    for what, company, currency in sorted({*booked, *months, *days, *waiting}, key=str):
        key = (what, company, currency)
        for name, counted in ((what, months), (f"{what}_by_day", days)):
            if counted[key] + waiting[key] != booked[key]:
                found.append(Difference(name, lot, company, currency, booked[key], counted[key] + waiting[key]))
    return found


def _counted(reader: Reader, lot: Id, first: int, last: int) -> Counter[tuple[str, Id, str]]:
    query = sums_by(("company_id",), ("lot_id",))
    generation = feeding.serving(reader)
    rows = reader.all(query, generation=generation, first=first, last=last, limit=GROUPS_MAX, only_lot_id=lot)
    found = Counter[tuple[str, Id, str]]()
    for (company,), currency, sums in rows:
        assert isinstance(company, Id)
        _spread(found, company, currency, sums)
    return found


def _waiting(reader: Reader, lot: Id) -> Counter[tuple[str, Id, str]]:
    """Return what has happened and is not counted yet."""
    position = standing.standing_of(reader, name=feeding.CONSUMER).position
    events = event_log.unread_of_lot(reader, lot=lot, position=position, kinds=KINDS)
    found = Counter[tuple[str, Id, str]]()
    for (company, currency), sums in feeding.added_up(events).items():
        _spread(found, company, currency, tuple(sums))
    return found


def _spread(found: Counter[tuple[str, Id, str]], company: Id, currency: str, sums: tuple[int, ...]) -> None:
    minor: dict[str, int] = dict(zip(MEASURES, sums, strict=False))
    minor["came"] = minor[Measure.RECEIVED] + minor[Measure.PUT_IN]
    minor["back"] = minor[Measure.REFUNDED] + minor[Measure.RETURNED] + minor[Measure.PAID_OUT]
    for what, amount in minor.items():
        if what in _DEEDS and amount:
            found[what, company, currency] += amount
