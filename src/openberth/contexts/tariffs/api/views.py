"""What the routes of prices answer, and how it is made of what the engine returns."""

from collections.abc import Mapping, Sequence
from typing import Any

from openberth.contexts.tariffs.curve import Curve
from openberth.contexts.tariffs.document import money_to_plain
from openberth.contexts.tariffs.model import Quote, ReliefKind, Tariff
from openberth.contexts.tariffs.telling import Warned, sayings
from openberth.infra.catalogue import Language, text
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.kernel.time import MINUTE_US


class LineView(View):
    """One line of a price, in words and as a code with parameters."""

    code: str
    params: Mapping[str, str | int | bool | None]
    text: str
    minutes: int
    amount: MoneyView


class ReliefUseView(View):
    """What a relief was worth."""

    id: str
    kind: ReliefKind
    value: MoneyView


class VisitView(View):
    """What an earlier visit cost."""

    entered: When
    until: When
    total: MoneyView


class QuoteView(View):
    """A price explained line by line; the lines add up to ``total``.

    ``number`` is that of the version, null for a draft. Wall-clock hours of the tariff were read in ``zone``.
    ``visits`` are the earlier ones that were asked about.
    """

    tariff: str
    number: int | None
    zone: str
    total: MoneyView
    before_relief: MoneyView
    entered: When
    until: When
    next_change_at: When | None
    minutes: int
    charged_minutes: int
    free_minutes: int
    outside_minutes: int
    lines: list[LineView]
    reliefs: list[ReliefUseView]
    visits: list[VisitView]


class PointView(View):
    """A step of a price: from ``at`` on, in minute ``minutes`` of the stay, it costs ``total``."""

    at: When
    minutes: int
    total: MoneyView


class CurveView(View):
    """The fee against the length of a stay, step by step.

    It holds until ``until``, which is earlier than asked for when there were too many steps (``complete`` is false).
    """

    tariff: str
    number: int | None
    zone: str
    currency: str
    entered: When
    until: When
    complete: bool
    points: list[PointView]


class SayingView(View):
    """A line of a summary; what belongs to a line stands one level below it."""

    level: int
    text: str


class WarningView(View):
    """Something that the author of a sound tariff should know."""

    code: str
    params: Mapping[str, str | int | bool | None]
    text: str


class CheckView(View):
    """What a tariff file without mistakes says, in words."""

    tariff: str
    company: str
    currency: str
    zone: str | None
    summary: list[SayingView]
    warnings: list[WarningView]


def lines_view(lines: list[Mapping[str, Any]], language: Language) -> list[LineView]:
    """Return the lines of a stored quote (``quote_to_plain``) as they leave, in words."""
    return [
        LineView(
            code=line["code"], params=line["params"], text=text(line["code"], language, **line["params"]),
            minutes=line["minutes"], amount=MoneyView(**line["amount"]),
        )
        for line in lines
    ]  # fmt: skip


def quote_view(
    quote: Quote, tariff: str, number: int | None, zone: str, language: Language, visits: Sequence[Quote] = ()
) -> QuoteView:
    """Return a price as it leaves, with those of the visits before."""
    lines: list[Mapping[str, Any]] = [
        {
            "code": line.code, "params": dict(line.params), "minutes": line.minutes,
            "amount": money_to_plain(line.amount),
        }
        for line in quote.lines
    ]  # fmt: skip
    return QuoteView(
        tariff=tariff, number=number, zone=zone, total=money(quote.total), before_relief=money(quote.before_relief),
        entered=instant(quote.entered), until=instant(quote.until),
        next_change_at=instant_or_none(quote.next_change_at), minutes=quote.minutes,
        charged_minutes=quote.charged_minutes, free_minutes=quote.free_minutes, outside_minutes=quote.outside_minutes,
        lines=lines_view(lines, language),
        reliefs=[ReliefUseView(id=use.id, kind=use.kind, value=money(use.value)) for use in quote.reliefs],
        visits=[
            VisitView(entered=instant(each.entered), until=instant(each.until), total=money(each.total))
            for each in visits
        ],
    )  # fmt: skip


def curve_view(curve: Curve, tariff: Tariff, number: int | None, zone: str) -> CurveView:
    """Return the steps of a price as they leave."""
    points = [
        PointView(at=instant(each.at), minutes=-(-(each.at - curve.entered) // MINUTE_US), total=money(each.total))
        for each in curve.points
    ]
    return CurveView(
        tariff=tariff.code, number=number, zone=zone, currency=tariff.currency, entered=instant(curve.entered),
        until=instant(curve.until), complete=curve.complete, points=points,
    )  # fmt: skip


def check_view(tariff: Tariff, warnings: list[Warned], language: Language) -> CheckView:
    """Return what a tariff says."""
    return CheckView(
        tariff=tariff.code, company=tariff.company_code, currency=tariff.currency, zone=tariff.zone,
        summary=[SayingView(level=each.level, text=each.text) for each in sayings(tariff, language)],
        warnings=warnings_view(warnings, language),
    )  # fmt: skip


def warnings_view(warnings: list[Warned], language: Language) -> list[WarningView]:
    """Return warnings in words."""
    return [
        WarningView(code=each.code, params=each.params, text=text(each.code, language, **each.params))
        for each in warnings
    ]
