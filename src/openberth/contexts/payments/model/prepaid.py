"""Prepaid accounts: money held for a person, from which what their cars owe is paid without a phone (ADR 0008).

``balance`` can be spent; ``held`` is kept for something that is not billed yet. Both are never less than nothing, so an
account never pays what it does not have. What is put in is put in by a bill of its own, so it is counted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from openberth.contexts.payments.model.events import PrepaidMoved
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

SUBJECT = "prepaid"  # what a bill is for that puts money in
CODE_MAX = 40
PLATES_MAX = 20


class PrepaidState(StrEnum):
    """What an account may do. What lies in a closed one can still be paid out."""

    ACTIVE = "active"
    PAUSED = "paused"  # pays nothing; money can be put in
    CLOSED = "closed"


class Spending(StrEnum):
    """Where an account pays."""

    LOT = "lot"  # at its own lot
    COMPANY = "company"  # at every lot of its company


class HoldState(StrEnum):
    """What became of money that was held."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"


class Movement(StrEnum):
    """Why money of an account moved."""

    TOP_UP = "top_up"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    RETURN = "return"  # what it had paid came back
    PAY_OUT = "pay_out"
    PUT_BACK = "put_back"  # what was to be paid out stays


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaidAccount:
    """An account. ``code`` is what people call it, unique in its company; ``lot`` keeps its books.

    ``holder`` is the person whose it is, None for nobody's that is known. ``pays_by_itself``: what a car of its plates
    owes at an exit is paid from it. Instants are business time.
    """

    id: Id
    company: Id
    lot: Id
    code: str
    holder: Id | None
    spending: Spending
    pays_by_itself: bool
    state: PrepaidState
    balance: Money
    held: Money
    opened_at: Instant
    version: int = 1

    def __post_init__(self) -> None:
        if self.balance.minor < 0 or self.held.minor < 0:
            raise ValueError("an account never has less than nothing")

    def pays_at(self, lot: Id) -> bool:
        """Tell whether it pays at a lot of its company now."""
        return self.state is PrepaidState.ACTIVE and (self.spending is Spending.COMPANY or lot == self.lot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Money of an account that is kept for a subject, until ``lapses_at`` (machine time).

    ``captured`` is the part that paid; the rest went back.
    """

    id: Id
    company: Id
    lot: Id
    account: Id
    subject_kind: str
    subject_id: Id
    amount: Money
    captured: Money
    state: HoldState
    made_at: Instant
    lapses_at: Instant
    version: int = 1


def check_code(code: str) -> str:
    """Return the code of an account as it is kept. Raises ``Malformed("prepaid.code")``."""
    kept = code.strip()
    if not 1 <= len(kept) <= CODE_MAX or not kept.isprintable():
        raise Malformed("prepaid.code", most=CODE_MAX)
    return kept


def check_plates(plates: Sequence[str]) -> None:
    """Refuse more plates than one account may have. Raises ``Malformed("prepaid.plates")``."""
    if len(plates) > PLATES_MAX or len(set(plates)) != len(plates):
        raise Malformed("prepaid.plates", most=PLATES_MAX)


def check_top_up(account: PrepaidAccount, amount: Money, *, most_minor: int) -> None:
    """Refuse to put an amount in. ``most_minor`` is what an account may hold at most.

    Raises ``Malformed("prepaid.amount")``; ``Refused``: ``prepaid.closed``, ``prepaid.currency``,
    ``prepaid.too_much`` with what may be put in.
    """
    if account.state is PrepaidState.CLOSED:
        raise Refused("prepaid.closed", account=account.code)
    if amount.currency != account.balance.currency:
        raise Refused("prepaid.currency", currency=account.balance.currency)
    if amount.minor <= 0:
        raise Malformed("prepaid.amount")
    room = max(most_minor - account.balance.minor - account.held.minor, 0)
    if amount.minor > room:
        raise Refused("prepaid.too_much", room=Money(room, amount.currency).amount_text)


def topped_up(account: PrepaidAccount, amount: Money, *, bill: Id) -> tuple[PrepaidAccount, Event]:
    """Put money in that came for a bill, also into an account that was closed meanwhile: it came."""
    return _moved(account, Movement.TOP_UP, bill, balance=amount.minor)


def held(account: PrepaidAccount, amount: Money, *, hold: Id) -> tuple[PrepaidAccount, Event]:
    """Keep money for something. Raises ``Refused("prepaid.too_little")`` with what is there."""
    if amount.minor <= 0:
        raise ValueError("a hold is more than nothing")
    _enough(account, amount)
    return _moved(account, Movement.HOLD, hold, balance=-amount.minor, held=amount.minor)


def captured(
    account: PrepaidAccount, hold: Hold, amount: Money
) -> tuple[PrepaidAccount, Hold, tuple[Event, ...]]:  # fmt: skip
    """Pay with a part of what is held, or all; the rest goes back to the account.

    Raises ``Refused``: ``prepaid.hold_ended``, ``prepaid.hold_too_small``.
    """
    if hold.state is not HoldState.HELD:
        raise Refused("prepaid.hold_ended")
    if not 0 < amount.minor <= hold.amount.minor:
        raise Refused("prepaid.hold_too_small", held=hold.amount.amount_text)
    after, told = _moved(account, Movement.CAPTURE, hold.id, held=-amount.minor)
    events = [told]
    if rest := hold.amount.minor - amount.minor:
        after, told = _moved(after, Movement.RELEASE, hold.id, balance=rest, held=-rest)
        events.append(told)
    return after, replace(hold, state=HoldState.CAPTURED, captured=amount), tuple(events)


def released(account: PrepaidAccount, hold: Hold) -> tuple[PrepaidAccount, Hold, tuple[Event, ...]]:
    """Let what is held go back to the account; one that has ended changes nothing."""
    if hold.state is not HoldState.HELD:
        return account, hold, ()
    minor = hold.amount.minor
    after, told = _moved(account, Movement.RELEASE, hold.id, balance=minor, held=-minor)
    return after, replace(hold, state=HoldState.RELEASED), (told,)


def returned(account: PrepaidAccount, amount: Money, *, refund: Id) -> tuple[PrepaidAccount, Event]:
    """Put back what the account had paid."""
    return _moved(account, Movement.RETURN, refund, balance=amount.minor)


def paid_out(account: PrepaidAccount, amount: Money, *, refund: Id) -> tuple[PrepaidAccount, Event]:
    """Take money out that goes back to who put it in. Raises ``Refused("prepaid.too_little")``."""
    _enough(account, amount)
    return _moved(account, Movement.PAY_OUT, refund, balance=-amount.minor)


def put_back(account: PrepaidAccount, amount: Money, *, refund: Id) -> tuple[PrepaidAccount, Event]:
    """Put back what was taken out and will never arrive."""
    return _moved(account, Movement.PUT_BACK, refund, balance=amount.minor)


def _enough(account: PrepaidAccount, amount: Money) -> None:
    if amount.currency != account.balance.currency:
        raise Refused("prepaid.currency", currency=account.balance.currency)
    if amount > account.balance:
        raise Refused("prepaid.too_little", balance=account.balance.amount_text)


def _moved(
    account: PrepaidAccount, why: Movement, subject: Id, *, balance: int = 0, held: int = 0
) -> tuple[PrepaidAccount, Event]:
    currency = account.balance.currency
    after = replace(
        account,
        balance=Money(account.balance.minor + balance, currency),
        held=Money(account.held.minor + held, currency),
    )
    told = PrepaidMoved(account.id, why.value, subject, balance, after.balance.minor, after.held.minor, currency)
    return after, told
