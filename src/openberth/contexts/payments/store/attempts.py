"""Statements of attempts."""

from typing import Any

from sqlalchemy import bindparam, or_, select, update

from openberth.contexts.payments.model import LIVE, Attempt, PayPlace
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store.tables import LONG_URL_MAX, URL_MAX, attempt
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.money import Money


def read_attempt(*columns: Any) -> Attempt:
    """Return the attempt of a row."""
    row = dict(zip(attempt.c.keys(), columns, strict=True))
    return Attempt(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], bill=row["bill_id"], channel=row["channel"],
        number=row["number"], amount=Money(row["amount_minor"], row["currency"]), state=row["state"],
        created_at=row["created_at"], expires_at=row["expires_at"], pay_url=row["long_pay_url"] or row["pay_url"],
        channel_order=row["channel_order"], ended_at=row["ended_at"], reason=row["reason"],
        account=row["account_id"], scene=row["scene"] or "code", payer=row["payer_id"], version=row["version"],
        place=row["place"] or PayPlace.PREPAY,
    )  # fmt: skip


def attempt_row(found: Attempt) -> dict[str, Any]:
    """Return the columns of an attempt."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "bill_id": found.bill,
        "channel": found.channel, "number": found.number, "amount_minor": found.amount.minor,
        "currency": found.amount.currency, "state": found.state, "created_at": found.created_at,
        "expires_at": found.expires_at, **url_columns(found.pay_url), "channel_order": found.channel_order,
        "ended_at": found.ended_at, "reason": found.reason,
        "version": found.version, "account_id": found.account, "scene": found.scene,
        "payer_id": found.payer, "place": found.place,
    }  # fmt: skip


def url_columns(url: str | None) -> dict[str, str | None]:
    """Return the columns of an address: a short one stands where it always stood, a long one beside it.

    Raises ``ValueError`` for one that no column holds.
    """
    if url is not None and len(url) > LONG_URL_MAX:
        raise ValueError("the address to pay at is too long")
    is_long = url is not None and len(url) > URL_MAX
    return {"pay_url": None if is_long else url, "long_pay_url": url if is_long else None}


INSERT_ATTEMPT = insert_into(attempt)
ATTEMPT = Query(select(attempt).where(attempt.c.id == bindparam("attempt_id")), read_attempt)
ATTEMPT_BY_NUMBER = Query(
    select(attempt).where(attempt.c.channel == bindparam("channel"), attempt.c.number == bindparam("number")),
    read_attempt,
)
LIVE_ATTEMPTS = Query(
    select(attempt)
    .where(attempt.c.bill_id == bindparam("bill_id"), or_(*(attempt.c.state == state for state in sorted(LIVE))))
    .order_by(attempt.c.id)
    .limit(PAGE_MAX),
    read_attempt,
)
ATTEMPTS_OF_BILL = Query(
    select(attempt).where(attempt.c.bill_id == bindparam("bill_id")).order_by(attempt.c.id).limit(PAGE_MAX),
    read_attempt,
)
UPDATE_ATTEMPT = Write(
    update(attempt)
    .where(attempt.c.id == bindparam("attempt_id"), attempt.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        pay_url=bindparam("new_pay_url"),
        long_pay_url=bindparam("new_long_pay_url"),
        channel_order=bindparam("new_channel_order"),
        ended_at=bindparam("new_ended_at"),
        reason=bindparam("new_reason"),
        version=attempt.c.version + 1,
    )
)
