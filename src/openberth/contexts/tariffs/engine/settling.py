"""What is still owed for a stay after payments: grace, difference, surplus."""

from collections.abc import Iterable, Sequence

from openberth.contexts.tariffs.engine.quoting import Quoting
from openberth.contexts.tariffs.model import NotComputable, Payment, Segment, Settlement, Terms
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, later

MAX_GRACES = 3  # payments of one stay that open a grace; after that every begun unit is asked for at once


def settlement(
    segments: Sequence[Segment],
    payments: Iterable[Payment],
    terms: Terms,
    *,
    now: Instant,
    grace_minutes: int,
    max_graces: int = MAX_GRACES,
) -> Settlement:
    """Tell what is owed at ``now`` for a stay with payments.

    A payment that covers the price of its moment (or of the moment it was asked at) opens a grace of
    ``grace_minutes``, or of its own: the price of that moment holds until the grace ends, half-open. Afterwards the
    difference is due. At most ``max_graces`` payments open one. Money counts whatever its stamp says: a payment
    stamped outside the stay is taken at the stay's nearest end. One that is told of when the price it was asked for no
    longer stands, and covers what is asked by then, too, may have been made by then: its grace begins then.
    """
    quoting, currency = Quoting(segments, terms), terms.currency
    current = quoting.quote(now)
    paid, graces = 0, 0
    held, grace_until = current, None
    for payment in sorted(payments, key=lambda one: one.at):
        if payment.amount.currency != currency:
            raise NotComputable("currency", expected=currency, found=payment.amount.currency)
        paid += payment.amount.minor
        if payment.amount.minor <= 0 or graces == max_graces:
            continue
        came = max(min(payment.at, current.until), current.entered)
        asked = came if payment.priced_at is None else max(min(payment.priced_at, came), current.entered)
        priced = quoting.quote(asked)
        if payment.told_at is not None:
            told = max(min(payment.told_at, current.until), current.entered)
            by_then = quoting.quote(told)
            if paid >= by_then.total.minor:
                came, priced = told, by_then
        if paid >= priced.total.minor:
            graces += 1
            minutes = grace_minutes if payment.grace_minutes is None else payment.grace_minutes
            held, grace_until = priced, later(max(came, priced.until), minutes * MINUTE_US)
    if grace_until is None or now >= grace_until:
        held, grace_until = current, None
    owed = held.total.minor - paid
    holds_until = current.next_change_at
    if owed <= 0:
        holds_until = quoting.first_above(paid, grace_until or now)
    due, surplus = Money(max(owed, 0), currency), Money(max(-owed, 0), currency)
    return Settlement(held, Money(paid, currency), due, surplus, grace_until, graces, holds_until)
