"""What a plate owes at a lot, told to whoever knows it: by a sign, or because it is bound."""

from functools import partial

from openberth.contexts.facility import LotSummary
from openberth.contexts.stays.api.views import DueView, due_view
from openberth.contexts.stays.service.codes import bill_in_advance, debt_of
from openberth.contexts.stays.service.prices import Assessment
from openberth.contexts.tariffs import quote_to_plain
from openberth.contexts.tariffs.api import lines_view
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Urgency
from openberth.infra.http.answers import instant, instant_or_none, money
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant


async def due_of(
    database: Database, *, lot: LotSummary, by: Caller, plate: Plate, is_drivers: bool, language: Language,
    stay: Id | None = None,
) -> DueView:  # fmt: skip
    """Return what a plate or pass owes; ``stay`` is which of several cars with the plate is meant, where that is known.

    Whoever knows a plate may pay for it, and learns no more than its price: a car that is not inside, one that is free
    and one that has paid look alike. Who ``is_drivers`` has shown to be the driver, and is told everything.
    """
    in_advance = partial(bill_in_advance, lot=lot.id, plate=plate, named=stay)
    try:
        bill, assessment = await database.write(in_advance, by=by, urgency=Urgency.LANE)
    except NotFound:
        if plate.is_unlicensed:
            raise
        bill = assessment = None
    if bill is None:  # what was left unpaid before is told to whoever may pay it
        bill = await database.read(partial(debt_of, lot=lot.id, plate=plate), by=by)
    if bill is not None:
        return due_view(bill, language)
    return _nothing_due(lot, assessment if is_drivers else None, database.clocks.business.now(), language)


def _nothing_due(lot: LotSummary, known: Assessment | None, now: Instant, language: Language) -> DueView:
    if known is None:
        nothing = money(Money(0, lot.currency))
        return DueView(id="", number="", due=nothing, paid=nothing, state="nothing_due", quoted_at=instant(now),
                       valid_until=None, lines=[])  # fmt: skip
    return DueView(
        id="", number="", due=money(known.due), paid=money(known.paid), state="nothing_due",
        quoted_at=instant(known.at), valid_until=instant_or_none(known.holds_until),
        lines=lines_view(quote_to_plain(known.quote)["lines"], language),
    )  # fmt: skip
