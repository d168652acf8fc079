"""What Alipay tells by itself: a form, proved by its signature and by whom it names.

Alipay tells of a refund with the word of a payment: ``TRADE_SUCCESS`` again after a part, ``TRADE_CLOSED`` after all of
it. Who reads only that word counts money twice.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from openberth.contexts.payments.ports import NothingNew, Notice, PaidNotice, RefundNotice
from openberth.kernel.errors import Malformed, Unknown
from openberth.providers.alipay.amounts import beijing, yuan
from openberth.providers.alipay.signing import NAME, Trust

NOTICE_BYTES = 64 * 1024
FIELDS_MAX = 200
TRADE = "trade_status_sync"
PAID = frozenset(("TRADE_SUCCESS", "TRADE_FINISHED"))


def read(body: bytes, trust: Trust, *, app_id: str, seller_id: str) -> Notice:
    """Prove and read a notification.

    Raises ``Unknown``: ``channel.bad_signature``, ``channel.not_ours``; ``Malformed("channel.bad_notice")``.
    """
    fields = _fields(body)
    trust.prove_notice(fields)
    if fields.get("app_id") != app_id:
        raise Unknown("channel.not_ours", channel=NAME)
    if fields.get("notify_type") != TRADE:
        return NothingNew()
    if fields.get("seller_id") != seller_id:
        raise Unknown("channel.not_ours", channel=NAME)
    if _is_of_a_refund(fields):
        number = fields.get("out_biz_no", "")
        return RefundNotice(number=number) if number else NothingNew()
    if fields.get("trade_status") not in PAID:
        return NothingNew()  # waiting, or closed without any money
    return _paid(fields)


def _fields(body: bytes) -> Mapping[str, str]:
    if len(body) > NOTICE_BYTES:
        raise _bad()
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError as error:
        raise _bad() from error
    fields = dict(pairs)
    if len(fields) != len(pairs):  # which of the two would be the signed one?
        raise _bad()
    return fields


def _is_of_a_refund(fields: Mapping[str, str]) -> bool:
    if fields.get("gmt_refund") or fields.get("out_biz_no"):
        return True
    try:
        return yuan(fields.get("refund_fee") or "0").minor != 0
    except ValueError as error:
        raise _bad() from error


def _paid(fields: Mapping[str, str]) -> PaidNotice:
    number, transaction = fields.get("out_trade_no", ""), fields.get("trade_no", "")
    try:
        paid, paid_at = yuan(fields["total_amount"]), beijing(fields["gmt_payment"])
    except (KeyError, ValueError) as error:
        raise _bad() from error
    if not 1 <= len(number) <= 64 or not 1 <= len(transaction) <= 64 or paid.minor <= 0:
        raise _bad()
    return PaidNotice(number=number, transaction=transaction, paid=paid, paid_at=paid_at)


def _bad() -> Malformed:
    return Malformed("channel.bad_notice", channel=NAME)
