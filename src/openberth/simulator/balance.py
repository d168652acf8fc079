"""Both books side by side: one figure a line, for people to read. The comparison of single cars is elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openberth.simulator.accounts import held_by
from openberth.simulator.api import BooksView, Operator
from openberth.simulator.books import Books, Fate
from openberth.simulator.comparison import Opening, methods_of
from openberth.simulator.plan import LotPlan
from openberth.simulator.till import HandedOver


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one lot in both books; amounts are minor units of ``currency``, counts have none."""

    lot: str
    what: str
    ours: int
    theirs: int
    currency: str | None = None

    @property
    def agrees(self) -> bool:
        """Tell whether both books say the same."""
        return self.ours == self.theirs


async def side_by_side(
    books: Books, plans: list[LotPlan], opening: Opening, api: Operator, shifts: Mapping[str, Sequence[HandedOver]]
) -> list[Line]:
    """Return what both books say of every lot since the opening.

    Cars that left, cars inside, money by method, what is left in prepaid accounts, cash at the hand-overs of shifts.
    """
    lines: list[Line] = []
    for lot in plans:
        before, after = opening.lots[lot.code], await api.books(lot.code)
        visits = list(books.of_lot(lot))
        received = books.received(lot)
        left = sum(visit.fate is Fate.LEFT for visit in visits)
        inside = sum(visit.fate is Fate.INSIDE for visit in visits)
        lines.append(Line(lot.code, "left", left, after.stays_closed - before.stays_closed))
        lines.append(Line(lot.code, "inside", inside, after.stays_open - before.stays_open))
        for method in methods_of(received, after, before):
            theirs = _received(after, method) - _received(before, method)
            lines.append(Line(lot.code, method, received.get(method, 0), theirs, lot.currency))
        accounts = [account for account in books.accounts if account.lot is lot]
        if accounts:
            ours = sum(books.holds(account) for account in accounts)
            lines.append(Line(lot.code, "accounts", ours, sum((await held_by(api, accounts)).values()), lot.currency))
        if shifts.get(lot.code):
            counted = sum(shift.counted for shift in shifts[lot.code])
            expected = sum(shift.expected for shift in shifts[lot.code])
            lines.append(Line(lot.code, "till", counted, expected, lot.currency))
    return lines


def _received(view: BooksView, method: str) -> int:
    return view.received[method].minor if method in view.received else 0
