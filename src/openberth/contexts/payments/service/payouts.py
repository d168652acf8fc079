"""Use cases and queries of what channels owe us, keep and pay out."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

from openberth.contexts.payments.model import PayoutRecorded, PayoutWithdrawn
from openberth.contexts.payments.model import payouts as model
from openberth.contexts.payments.model.channels import CURRENCY
from openberth.contexts.payments.model.payouts import Owed, Payout, Place, Share
from openberth.contexts.payments.model.reconciling import Confirmed
from openberth.contexts.payments.service import channels, ledger
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import payouts as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import BEIJING, as_datetime


def owed_by(reader: Reader, *, account: Id) -> Owed:
    """Return what a channel owes by a contract, lot by lot: what it took, less fees, refunds and payouts.

    Adds up every row of the contract: ask it by ``report``. Raises ``NotFound("channel.not_found")``.
    """
    channels.account_by_id(reader, account=account)
    found: Counter[Place] = Counter()
    newest = reader.one(store.NEWEST, account=account)
    for company, lot, currency, minor in clearing_of(reader, account=account):
        if currency == CURRENCY:
            found[company, lot] += minor
    return Owed(CURRENCY, {place: minor for place, minor in sorted(found.items()) if minor}, newest)


def clearing_of(reader: Reader, *, account: Id) -> Iterator[tuple[Id, Id, str, int]]:
    """Yield what the ledger has of a contract: company, lot, currency and a sum, negative for what went out."""
    for query, sign in ((store.CLEARING_DEBITS, 1), (store.CLEARING_CREDITS, -1)):
        for company, lot, currency, minor in reader.all(query, account=account):
            yield company, lot, currency, sign * minor


@needs("payout.write")
def record_payout(
    unit: Unit, *, account: Id, owed: Owed, amount: Money, day: date, reference: str, reason: str | None
) -> Payout:
    """Write down that a channel paid out, by what it owed just before (``owed_by``).

    Raises ``NotFound("channel.not_found")``, ``Refused("payout.meanwhile")`` when another payout came between,
    ``Refused("payout.known")`` for a reference that is written down already, and as the rules ``record`` and
    ``shares_of`` do.
    """
    found = channels.account_by_id(unit, account=account)
    unit.lock(("payouts", account))
    if unit.one(store.NEWEST, account=account) != owed.newest:
        raise Refused("payout.meanwhile")
    made = model.record(
        found, owed, key=unit.new_id(), amount=amount, day=day, today=_today(unit), reference=reference,
        reason=None if reason is None else checked_reason(reason), now=unit.machine_now, by=unit.caller.actor.name,
    )  # fmt: skip
    added = unit.run(
        store.INSERT, id=made.id, account_id=account, company_id=made.company, lot_id=made.lot,
        amount_minor=made.amount.minor, excess_minor=made.excess.minor, currency=made.amount.currency,
        day=day.isoformat(), reference=made.reference, open_reference=made.reference, state=made.state,
        reason=made.reason, recorded_at=made.recorded_at, recorded_by=made.recorded_by, withdrawn_at=None,
        withdrawn_by=None, version=1,
    )  # fmt: skip
    if not added:
        raise Refused("payout.known", reference=made.reference)
    for (company, lot), minor in model.shares_of(amount, owed).items():
        share = Share(unit.new_id(), company, lot, Money(minor, amount.currency))
        unit.run(
            store.INSERT_SHARE, id=share.id, company_id=company, lot_id=lot, payout_id=made.id, amount_minor=minor,
            currency=amount.currency,
        )  # fmt: skip
        ledger.book(unit, company=company, lot=lot, transfers=model.paid_out(share, account))
    told = PayoutRecorded(made.id, account, amount.minor, amount.currency, day.isoformat(), made.reference, made.reason)
    unit.append(told, company=made.company, lot=made.lot, key=account)
    return made


@needs("payout.write")
def withdraw_payout(unit: Unit, *, payout: Id, reason: str) -> Payout:
    """Take back what was written down by mistake: the books are as if the channel still owed it.

    Raises ``NotFound("payout.not_found")``, ``Refused("payout.withdrawn")``.
    """
    before = payout_by_id(unit, payout=payout)
    unit.lock(("payouts", before.account))
    before = payout_by_id(unit, payout=payout)
    words, by = checked_reason(reason), unit.caller.actor.name
    after = model.withdraw(before, reason=words, now=unit.machine_now, by=by)
    unit.save(
        store.WITHDRAW, payout=after.id, seen=before.version, new_state=after.state, new_reason=words,
        now=after.withdrawn_at, by=by,
    )  # fmt: skip
    for share in shares(unit, payout=payout):
        ledger.book(unit, company=share.company, lot=share.lot, transfers=model.taken_back(share, before.account))
    told = PayoutWithdrawn(after.id, after.account, after.amount.minor, after.amount.currency, words)
    unit.append(told, company=after.company, lot=after.lot, key=after.account)
    return payout_by_id(unit, payout=payout)


@inner
def book_fee(unit: Unit, *, account: Id, confirmed: Confirmed) -> None:
    """Book what a channel keeps of a receipt, or gives back with a refund; called when a statement confirms it first.

    It belongs to the lot under which the receipt itself was booked.
    """
    place = unit.one(store.BOOKED_AT, subject=confirmed.subject)
    if place is not None:
        transfers = model.kept(confirmed.subject, account, confirmed.fee)
        ledger.book(unit, company=place[0], lot=place[1], transfers=transfers)


def payout_by_id(reader: Reader, *, payout: Id) -> Payout:
    """Return a payout. Raises ``NotFound("payout.not_found")``."""
    found = reader.one(store.PAYOUT, payout=payout)
    if found is None:
        raise NotFound("payout.not_found")
    return found


def payouts_of(reader: Reader, *, account: Id, before: Id, limit: int) -> list[Payout]:
    """Return a page of the payouts of a contract, those written down last first."""
    channels.account_by_id(reader, account=account)
    return reader.all(store.OF_ACCOUNT, account=account, before=before, limit=min(limit, PAGE_MAX))


def shares(reader: Reader, *, payout: Id) -> list[Share]:
    """Return what of a payout is whose."""
    return reader.all(store.SHARES, payout=payout)


def _today(unit: Unit) -> date:
    moment: datetime = as_datetime(unit.machine_now)
    return moment.astimezone(BEIJING).date()
