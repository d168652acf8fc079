"""What a decision rests on, kept with its passage as it was in that instant: what the camera told, the facts that were
decided by, the permit, and the price. Words, ids and numbers only; what is false or missing is left out.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from openberth.contexts import payments, tariffs
from openberth.contexts.stays.model.decisions import EntryFacts, ExitFacts, InnerFacts
from openberth.contexts.stays.service.prices import Assessment, versions_of
from openberth.contexts.stays.service.seen import Seen
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

Facts = EntryFacts | ExitFacts | InnerFacts


def basis_of(
    seen: Seen, facts: Facts | None = None, *, permit: Id | None = None, permit_until: Instant | None = None,
    price: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what a decision about a car rests on."""
    return _without_nothing(
        told=dict(seen.told), plate=_text(seen.plate_id), permit=_text(permit), permit_until=permit_until, price=price,
        facts=None if facts is None else _without_nothing(**_plain(facts)),
    )  # fmt: skip


def price_of(assessment: Assessment, bill: payments.Bill | None) -> dict[str, Any]:
    """Return what a car at an exit was found to owe. The lines stand in the bill; without one they are kept here."""
    lines = [] if bill is not None else tariffs.quote_to_plain(assessment.quote)["lines"]
    return _without_nothing(
        entered_at=assessment.quote.entered, carried_minor=bill.carried.minor if bill and bill.carried else None,
        currency=assessment.price.currency, price_minor=assessment.price.minor, paid_minor=assessment.paid.minor,
        due_minor=assessment.due.minor, versions=versions_of(assessment), lines=lines,
    )  # fmt: skip


def _plain(facts: Facts) -> dict[str, Any]:
    return {each.name: getattr(facts, each.name) for each in fields(facts)}


def _text(identifier: Id | None) -> str | None:
    return None if identifier is None else str(identifier)


def _without_nothing(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}
