"""Quotes as data: how bills keep them and the API answers them."""

from collections.abc import Iterable, Mapping
from typing import Any

from openberth.contexts.tariffs.model import CapUse, Quote
from openberth.kernel.errors import Param
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, to_iso


def money_to_plain(money: Money) -> dict[str, Param]:
    """Return money as the API writes it."""
    return {"minor": money.minor, "currency": money.currency}


def cap_uses_to_plain(uses: Iterable[CapUse]) -> list[dict[str, Any]]:
    """Return what visits have used up of caps as JSON-able data."""
    return [
        {
            "tariff": use.tariff,
            "cap": use.cap,
            "begins": int(use.begins),
            "ends": int(use.ends),
            "used": money_to_plain(use.used),
        }
        for use in uses
    ]


def cap_uses_from_plain(plain: Iterable[Mapping[str, Any]]) -> list[CapUse]:
    """Return what ``cap_uses_to_plain`` wrote."""
    return [
        CapUse(
            one["tariff"], one["cap"], Instant(one["begins"]), Instant(one["ends"]),
            Money(one["used"]["minor"], one["used"]["currency"]),
        )
        for one in plain
    ]  # fmt: skip


def quote_to_plain(quote: Quote) -> dict[str, Any]:
    """Return a quote as JSON-able data."""
    change = quote.next_change_at
    return {
        "total": money_to_plain(quote.total),
        "entered": to_iso(quote.entered),
        "until": to_iso(quote.until),
        "next_change_at": None if change is None else to_iso(change),
        "minutes": quote.minutes,
        "charged_minutes": quote.charged_minutes,
        "free_minutes": quote.free_minutes,
        "outside_minutes": quote.outside_minutes,
        "before_relief": money_to_plain(quote.before_relief),
        "reliefs": [
            {"id": use.id, "kind": use.kind.value, "value": money_to_plain(use.value)} for use in quote.reliefs
        ],
        "lines": [
            {
                "code": line.code,
                "params": dict(line.params),
                "minutes": line.minutes,
                "amount": money_to_plain(line.amount),
            }
            for line in quote.lines
        ],
    }
