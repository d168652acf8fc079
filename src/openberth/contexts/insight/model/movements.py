"""What an event of the log says about money, as one movement that is added to the rollups.

A movement has a place (company and lot, of the envelope), a day, a currency, and of the rest what makes sense for it:

| what | from | tariff | method, channel | operator |
| --- | --- | --- | --- | --- |
| billed, withdrawn | ``bill_issued``, ``bill_withdrawn`` | the bill's | | |
| received, surplus | ``receipt_recorded`` | the bill's | how it came | who took it |
| put in | ``receipt_recorded`` of a bill that fills a prepaid account | | how it came | who took it |
| refunded, returned, paid out | ``refund_made`` | the bill's | how it went back | who asked for it |
| written off | ``bill_written_off`` | the bill's | | who let it go |

What goes by itself (a channel tells, a debt lapses, surplus goes back) has no operator. ``refunded`` was paid on a bill
and given back, ``returned`` is surplus that was sent back, ``paid out`` went from a prepaid account to who had filled
it. What fills such an account is no income and billed nowhere; what it pays is received, by the method ``prepaid``.
``relieved`` waits for merchants. Bills over nothing are not counted. Methods are words: a new one needs nothing here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from openberth.contexts import payments
from openberth.contexts.payments.model import (
    BillIssued,
    BillWithdrawn,
    BillWrittenOff,
    ReceiptRecorded,
    RefundCause,
    RefundMade,
)
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, as_datetime


class Measure(StrEnum):
    """What is added up, each in minor units and as a count."""

    BILLED = "billed"
    WITHDRAWN = "withdrawn"
    RECEIVED = "received"
    SURPLUS = "surplus"
    RELIEVED = "relieved"
    REFUNDED = "refunded"
    RETURNED = "returned"
    WRITTEN_OFF = "written_off"
    PUT_IN = "put_in"
    PAID_OUT = "paid_out"


MEASURES = tuple(Measure)
NOBODY = ""
NOTHING = Id(int=0)  # no contract, no tariff: a key of a row has no nulls


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money of one event. ``amounts`` are minor units; each is counted once beside."""

    at: Instant
    currency: str
    amounts: Mapping[Measure, int]
    tariff: Id = NOTHING
    method: str = NOBODY
    channel: Id = NOTHING
    operator: str = NOBODY


@dataclass(frozen=True, slots=True)
class Key:
    """Which rollup row: everything but the generation. ``period`` is a month as 202611 or a day as 20261130."""

    lot: Id
    period: int
    company: Id
    span: int
    currency: str
    method: str
    channel: Id
    tariff: Id
    operator: str


def movement_of(envelope: Envelope) -> Movement | None:
    """Return what an event moves, None for nothing."""
    read = _READERS.get(envelope.kind)
    found = None if read is None else read(envelope)
    return found if found is not None and any(found.amounts.values()) else None


def keys_of(envelope: Envelope, movement: Movement, zone: str) -> tuple[Key, Key]:
    """Return the rows of the day and of the month that a movement is added to, in the zone of its lot."""
    assert envelope.company is not None, "money belongs to a company"
    assert envelope.lot is not None, "money belongs to a lot"
    moment = as_datetime(movement.at, ZoneInfo(zone))
    month = moment.year * 100 + moment.month
    day, whole = (
        Key(
            envelope.lot, period, envelope.company, span_of(envelope.recorded_at), movement.currency, movement.method,
            movement.channel, movement.tariff, movement.operator,
        )
        for period in (month * 100 + moment.day, month)
    )  # fmt: skip
    return day, whole


def span_of(recorded_at: Instant) -> int:
    """Return the month of the log that an event lies in, e.g. 202611, by machine time and in UTC.

    Logs lose whole spans first; their rows are then copied by a rebuild, for nobody can count them anew.
    """
    moment = as_datetime(recorded_at)
    return moment.year * 100 + moment.month


def _issued(envelope: Envelope) -> Movement | None:
    body = envelope.body
    if body["subject_kind"] == payments.PREPAID:
        return None
    return Movement(
        at=envelope.occurred_at, currency=body["currency"], amounts={Measure.BILLED: body["due_minor"]},
        tariff=_id(body["tariff_version"]),
    )  # fmt: skip


def _withdrawn(envelope: Envelope) -> Movement | None:
    body = envelope.body
    if body["subject_kind"] == payments.PREPAID:
        return None
    return Movement(
        at=Instant(body["at"]), currency=body["currency"], amounts={Measure.WITHDRAWN: body["left_minor"]},
        tariff=_id(body["tariff_version"]),
    )  # fmt: skip


def _written_off(envelope: Envelope) -> Movement:
    body = envelope.body
    return Movement(
        at=Instant(body["at"]), currency=body["currency"], amounts={Measure.WRITTEN_OFF: body["left_minor"]},
        tariff=_id(body["tariff_version"]), operator=envelope.actor.hand or NOBODY,
    )  # fmt: skip


def _received(envelope: Envelope) -> Movement:
    body = envelope.body
    amount, surplus = body["amount_minor"], body["surplus_minor"]
    amounts = {Measure.RECEIVED: amount, Measure.SURPLUS: surplus}
    if body["subject_kind"] == payments.PREPAID:  # what nobody owed was put in nowhere
        amounts |= {Measure.RECEIVED: surplus, Measure.PUT_IN: amount - surplus}
    return Movement(
        at=envelope.occurred_at, currency=body["currency"], amounts=amounts,
        tariff=_id(body["tariff_version"]), method=body["method"], channel=_id(body["account"]),
        operator=envelope.actor.hand or NOBODY,
    )  # fmt: skip


def _refund_made(envelope: Envelope) -> Movement:
    body = envelope.body
    return Movement(
        at=Instant(body["at"]), currency=body["currency"], amounts={_BACK[body["cause"]]: body["amount_minor"]},
        tariff=_id(body["tariff_version"]), method=body["method"], channel=_id(body["account"]),
        operator=body["asked_by"] or NOBODY,
    )  # fmt: skip


def _id(text: str | None) -> Id:
    return NOTHING if text is None else Id(text)


_BACK: Mapping[str, Measure] = {
    RefundCause.SURPLUS.value: Measure.RETURNED,
    RefundCause.BY_HAND.value: Measure.REFUNDED,
    RefundCause.PAY_OUT.value: Measure.PAID_OUT,
}
_READERS: Mapping[str, Callable[[Envelope], Movement | None]] = {
    BillIssued.KIND: _issued,
    BillWithdrawn.KIND: _withdrawn,
    BillWrittenOff.KIND: _written_off,
    ReceiptRecorded.KIND: _received,
    RefundMade.KIND: _refund_made,
}
KINDS = frozenset(_READERS)
