"""Use cases and queries of reconciliation: a day of a contract is read, compared, decided upon and closed."""

from collections.abc import Sequence
from datetime import date, timedelta

from openberth.contexts.payments.model import DayClosed, DifferenceDecided, DifferenceFound
from openberth.contexts.payments.model.channels import ChannelAccount
from openberth.contexts.payments.model.reconciling import (
    Confirmed,
    DayState,
    DifferenceKind,
    DifferenceState,
    Found,
    Ours,
    RowKind,
    check_open,
    missed,
)
from openberth.contexts.payments.service import payouts
from openberth.contexts.payments.store import reconciling as store
from openberth.contexts.payments.store.reconciling import Day, Difference
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import DAY_US, HOUR_US

CONFIRM_PAGE = 200
DIFFERENCES_MAX = 1_000
REFUND_DAYS = 3  # a bank may take so long: only then is a refund missed
_BEIJING_US = 8 * HOUR_US
_EPOCH = date(1970, 1, 1)


def ours_between(reader: Reader, *, account: Id, first: date, last: date) -> list[Ours]:
    """Return the receipts and refunds of a contract from the days between two, both included (Beijing time)."""
    after, until = _bounds(first, last)
    found: list[Ours] = []
    for query in (store.PAYMENTS_BETWEEN, store.REFUNDS_BETWEEN):
        at = after
        while page := reader.all(query, account=account, after=at, until=until):
            found += page
            at = page[-1].id
    return found


def last_day(reader: Reader, *, account: Id) -> date | None:
    """Return the newest day of a contract whose statement was read."""
    return reader.all(store.LAST_DAY, account=account)[0]


@by_construction
def confirm(unit: Unit, *, account: ChannelAccount, day: date, page: Sequence[Confirmed]) -> None:
    """Write down whom of ours a statement confirms, and book what the channel keeps of each; again changes nothing."""
    for one in page:
        added = unit.run(
            store.INSERT_CONFIRMED, subject_id=one.subject, account_id=account.id, company_id=account.node.company,
            lot_id=account.node.lot, day=day.isoformat(), fee_minor=one.fee.minor,
        )  # fmt: skip
        if added:
            payouts.book_fee(unit, account=account.id, confirmed=one)


@by_construction
def finish_day(
    unit: Unit, *, account: ChannelAccount, day: date, found: Sequence[Found], row_count: int, paid: Money,
    refunded: Money, fee: Money,
) -> None:  # fmt: skip
    """Write down what differs and the sums of a day: it has been read. A day without differences is closed at once.

    What was missed of earlier days (``SHORT``) is written down, too; a ``SHORT`` one that this statement confirms after
    all is gone.
    """
    unit.lock(("reconciliation", account.id))
    company = account.node.company
    every = [*found, *_missed(unit, account.id, day)]
    for one in every:
        _write_difference(unit, account, day, one)
    _let_go(unit, account.id)
    done = not every
    added = unit.run(
        store.INSERT_DAY, id=unit.new_id(), account_id=account.id, company_id=company, lot_id=account.node.lot,
        day=day.isoformat(), state=DayState.CLOSED if done else DayState.OPEN, row_count=row_count,
        paid_minor=paid.minor, refunded_minor=refunded.minor, fee_minor=fee.minor,
        unbooked_fee_minor=fee.minor - unit.all(store.FEES_OF_DAY, account=account.id, on_day=day.isoformat())[0],
        currency=paid.currency, read_at=unit.machine_now,
        closed_at=unit.machine_now if done else None, closed_by="reconciliation" if done else None, version=1,
    )  # fmt: skip
    if added and done:
        unit.append(DayClosed(account.id, day.isoformat(), "-"), company=company, lot=account.node.lot, key=account.id)


@needs("reconciliation.write")
def decide(unit: Unit, *, difference: Id, reason: str) -> Difference:
    """Say what a difference was. Raises ``NotFound``, ``Refused("reconciliation.decided")``, ``Malformed``."""
    words = checked_reason(reason)
    found = difference_by_id(unit, difference=difference)
    unit.lock(("reconciliation", found.account))
    found = difference_by_id(unit, difference=difference)
    if found.state is not DifferenceState.OPEN:
        raise Refused("reconciliation.decided")
    unit.save(
        store.DECIDE, difference_id=found.id, seen=found.version, new_state=DifferenceState.DECIDED, new_reason=words,
        by=unit.caller.actor.name, now=unit.machine_now,
    )  # fmt: skip
    told = DifferenceDecided(found.id, found.account, found.day.isoformat(), found.kind.value, words)
    unit.append(told, company=found.company, lot=found.lot, key=found.account)
    return difference_by_id(unit, difference=difference)


@needs("reconciliation.write")
def close_day(unit: Unit, *, day: Id) -> Day:
    """Close a day whose differences are all decided. Raises ``Refused``: ``reconciliation.open_differences``,
    ``reconciliation.day_closed``; ``NotFound("reconciliation.day_not_found")``.
    """
    found = day_by_id(unit, day=day)
    unit.lock(("reconciliation", found.account))
    found = day_by_id(unit, day=day)
    check_open(found.state, found.day)
    waiting = unit.all(store.OPEN_OF_DAY, account=found.account, on_day=found.day.isoformat())[0]
    if waiting:
        raise Refused("reconciliation.open_differences", count=waiting)
    unit.save(
        store.CLOSE_DAY, day_id=found.id, seen=found.version, now=unit.machine_now, by=unit.caller.actor.name
    )  # fmt: skip
    told = DayClosed(found.account, found.day.isoformat(), unit.caller.actor.name)
    unit.append(told, company=found.company, lot=found.lot, key=found.account)
    return day_by_id(unit, day=day)


def day_by_id(reader: Reader, *, day: Id) -> Day:
    """Return a day that was read. Raises ``NotFound("reconciliation.day_not_found")``."""
    found = reader.one(store.DAY_BY_ID, day_id=day)
    if found is None:
        raise NotFound("reconciliation.day_not_found")
    return found


def days(
    reader: Reader, *, before: Id, limit: int, account: Id | None = None, state: DayState | None = None
) -> list[Day]:  # fmt: skip
    """Return a page of the days of the caller's contracts, those that were read last first; of one contract, or in one
    state, where asked.
    """
    narrowed = {"account": account, "wanted": state}
    given = {name: value for name, value in narrowed.items() if value is not None}
    query = store.DAYS[account is not None, state is not None]
    return reader.all(query, before=before, limit=limit, **given)


def open_differences(reader: Reader) -> dict[tuple[Id, str], int]:
    """Return how many differences nobody has decided, by contract and day."""
    return {(account, day): count for account, day, count in reader.all(store.OPEN_BY_DAY)}


def differences_of(reader: Reader, *, day: Day) -> list[Difference]:
    """Return what differs on a day, at most 1 000."""
    return reader.all(store.DIFFERENCES_OF_DAY, account=day.account, on_day=day.day.isoformat(), limit=DIFFERENCES_MAX)


def difference_by_id(reader: Reader, *, difference: Id) -> Difference:
    """Return a difference. Raises ``NotFound("reconciliation.difference_not_found")``."""
    found = reader.one(store.DIFFERENCE, difference_id=difference)
    if found is None:
        raise NotFound("reconciliation.difference_not_found")
    return found


def _missed(reader: Reader, account: Id, day: date) -> list[Found]:
    """Return the payments of the day before and the refunds of three days before that no statement confirms."""
    found: list[Found] = []
    for kind, back in ((RowKind.PAYMENT, 1), (RowKind.REFUND, REFUND_DAYS)):
        then = day - timedelta(days=back)
        of_kind = [one for one in ours_between(reader, account=account, first=then, last=then) if one.kind is kind]
        after, until = _bounds(then, then)
        confirmed = frozenset(reader.all(store.CONFIRMED_BETWEEN, after=after, until=until))
        found += missed(of_kind, confirmed)
    return found


def _write_difference(unit: Unit, account: ChannelAccount, day: date, one: Found) -> None:
    amount = one.theirs or one.ours
    assert amount is not None, "a difference has at least one side"
    key = unit.new_id()
    added = unit.run(
        store.INSERT_DIFFERENCE, id=key, account_id=account.id, company_id=account.node.company,
        lot_id=account.node.lot, day=day.isoformat(), kind=one.kind, row_kind=one.row, number=one.number[:64],
        transaction=one.transaction[:100],
        theirs_minor=None if one.theirs is None else one.theirs.minor,
        ours_minor=None if one.ours is None else one.ours.minor, currency=amount.currency, subject_id=one.subject,
        state=DifferenceState.OPEN, reason=None, decided_by=None, decided_at=None, found_at=unit.machine_now, version=1,
    )  # fmt: skip
    if added:
        told = DifferenceFound(key, account.id, day.isoformat(), one.kind.value, amount.minor, amount.currency)
        unit.append(told, company=account.node.company, lot=account.node.lot, key=account.id)


def _let_go(unit: Unit, account: Id) -> None:
    """End differences that went by themselves: what was missed is confirmed now."""
    for one in unit.all(store.OPEN_DIFFERENCES, account=account, limit=DIFFERENCES_MAX):
        if one.kind is not DifferenceKind.SHORT or one.subject is None:
            continue
        just = Id(int=one.subject.int - 1), Id(int=one.subject.int + 1)
        if unit.all(store.CONFIRMED_BETWEEN, after=just[0], until=just[1]):
            unit.save(
                store.DECIDE, difference_id=one.id, seen=one.version, new_state=DifferenceState.GONE, new_reason=None,
                by=None, now=unit.machine_now,
            )  # fmt: skip


def _bounds(first: date, last: date) -> tuple[Id, Id]:
    """Return ids around everything that was made on days of Beijing time, both outside."""
    begins = ((first - _EPOCH).days * DAY_US - _BEIJING_US) // 1_000
    ends = (((last - _EPOCH).days + 1) * DAY_US - _BEIJING_US) // 1_000
    return Id(int=lowest_at(begins).int - 1), lowest_at(ends)
