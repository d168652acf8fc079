"""What a channel owes us and pays out to the bank, and which lots the money is of.

A contract may take money for many lots and pays out one sum; every row of the ledger is a lot's. So a payout is shared
out by what each lot is owed, to the minor unit.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from openberth.contexts.payments.model.channels import ChannelAccount
from openberth.contexts.payments.model.ledger import Account, AccountCode, Transfer
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

REFERENCE_MAX = 64
_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,63}")

Place = tuple[Id, Id]  # a company and its lot


class PayoutState(StrEnum):
    """Whether a payout counts."""

    BOOKED = "booked"
    WITHDRAWN = "withdrawn"  # a person had written down what was not so


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payout is a lot's; negative where the channel had taken back more than it held for the lot."""

    id: Id
    company: Id
    lot: Id
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Money that a channel paid out to the bank on a day, by the bank's reference.

    ``excess`` is what it is more than we know the channel to owe; then ``reason`` says why. Of a withdrawn one
    ``reason`` says what was wrong with it.
    """

    id: Id
    account: Id
    company: Id | None
    lot: Id | None
    amount: Money
    excess: Money
    day: date
    reference: str
    state: PayoutState
    reason: str | None
    recorded_at: Instant
    recorded_by: str
    withdrawn_at: Instant | None = None
    withdrawn_by: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Owed:
    """What a channel owes by a contract, lot by lot; ``newest`` is the newest payout that is counted in it."""

    currency: str
    places: Mapping[Place, int]
    newest: Id | None

    @property
    def total(self) -> Money:
        """What it owes altogether; negative: it took back more than it had."""
        return Money(sum(self.places.values()), self.currency)


def checked_reference(text: str) -> str:
    """Return a bank's reference as it is kept. Raises ``Malformed("payout.reference")``."""
    kept = text.strip()
    if _REFERENCE.fullmatch(kept) is None:
        raise Malformed("payout.reference", longest=REFERENCE_MAX)
    return kept


def shares_of(amount: Money, owed: Owed) -> dict[Place, int]:
    """Share a payout out over the lots, in minor units, all together exactly the amount.

    A lot of which the channel took back more than it had (refunds after the last payout) is settled first: the channel
    kept that part of what it paid out. The rest goes to the others by what they are owed, what cannot be divided to
    those with the largest remainders. Raises ``Refused("payout.nothing_owed")`` where no lot is owed anything.
    """
    shares = {place: minor for place, minor in owed.places.items() if minor < 0}
    waiting = {place: minor for place, minor in sorted(owed.places.items()) if minor > 0}
    whole = sum(waiting.values())
    if not whole:
        raise Refused("payout.nothing_owed")
    left = amount.minor - sum(shares.values())
    exact = {place: divmod(left * minor, whole) for place, minor in waiting.items()}
    missing = left - sum(floor for floor, _ in exact.values())
    by_remainder = sorted(exact, key=lambda place: (-exact[place][1], place))
    for place in waiting:
        shares[place] = exact[place][0]
    for place in by_remainder[:missing]:
        shares[place] += 1
    return {place: minor for place, minor in shares.items() if minor}


def record(
    account: ChannelAccount, owed: Owed, *, key: Id, amount: Money, day: date, today: date, reference: str,
    reason: str | None, now: Instant, by: str,
) -> Payout:  # fmt: skip
    """Decide whether a payout can be written down.

    More than we know the channel to owe takes a reason: money of other shops under the same contract, say. Raises
    ``Malformed``: ``payout.not_positive``, ``payout.reference``, ``payout.day``; ``Refused``: ``payout.currency``,
    ``payout.too_much`` with what is owed.
    """
    if amount.minor <= 0:
        raise Malformed("payout.not_positive")
    if amount.currency != owed.currency:
        raise Refused("payout.currency", currency=owed.currency)
    if day > today:
        raise Malformed("payout.day", today=today.isoformat())
    excess = max(Money(0, owed.currency), amount - max(Money(0, owed.currency), owed.total))
    if excess and reason is None:
        raise Refused("payout.too_much", owed=owed.total.amount_text)
    return Payout(
        id=key, account=account.id, company=account.node.company, lot=account.node.lot, amount=amount, excess=excess,
        day=day, reference=checked_reference(reference), state=PayoutState.BOOKED, reason=reason, recorded_at=now,
        recorded_by=by,
    )  # fmt: skip


def withdraw(payout: Payout, *, reason: str, now: Instant, by: str) -> Payout:
    """Take back what was written down. Raises ``Refused("payout.withdrawn")``."""
    if payout.state is PayoutState.WITHDRAWN:
        raise Refused("payout.withdrawn")
    return replace(payout, state=PayoutState.WITHDRAWN, reason=reason, withdrawn_at=now, withdrawn_by=by)


def kept(subject: Id, account: Id, fee: Money) -> Iterator[Transfer]:
    """Yield what a channel's fee for a receipt or a refund books: the channel owes us so much less, or more."""
    taken, clearing = Account(AccountCode.CHANNEL_FEE, account), Account(AccountCode.CLEARING, account)
    yield from _moved("channel.fee", subject, taken, clearing, fee)


def paid_out(share: Share, account: Id) -> Iterator[Transfer]:
    """Yield what a share of a payout books: the money lies at the bank."""
    bank, clearing = Account(AccountCode.BANK), Account(AccountCode.CLEARING, account)
    yield from _moved("payout.booked", share.id, bank, clearing, share.amount)


def taken_back(share: Share, account: Id) -> Iterator[Transfer]:
    """Yield what withdrawing a payout books for a share of it."""
    bank, clearing = Account(AccountCode.BANK), Account(AccountCode.CLEARING, account)
    yield from _moved("payout.withdrawn", share.id, clearing, bank, share.amount)


def _moved(deed: str, subject: Id, debit: Account, credit: Account, amount: Money) -> Iterator[Transfer]:
    """Move an amount, a negative one the other way."""
    if amount.minor > 0:
        yield Transfer(deed, subject, debit, credit, amount)
    elif amount.minor < 0:
        yield Transfer(deed, subject, credit, debit, -amount)
