"""A tariff told in words: what holds when, what it costs, and everything the document left to its default."""

from collections.abc import Iterator
from dataclasses import dataclass

from openberth.contexts.tariffs.model import (
    Band,
    BandsBy,
    BeyondCalendar,
    Cap,
    CapKind,
    Choose,
    Condition,
    Counting,
    CycleKind,
    Free,
    FreeCounts,
    FreeMode,
    FreePer,
    Plan,
    Tariff,
    VehicleClass,
    calendar_words,
)
from openberth.contexts.tariffs.telling import phrases
from openberth.contexts.tariffs.words import percent_text
from openberth.infra.catalogue import Language, text


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of a summary; what belongs to a line stands one level below it."""

    level: int
    text: str


def sayings(tariff: Tariff, language: Language) -> list[Saying]:
    """Return everything a tariff says, defaults too, in the words of a language."""
    return [Saying(level, words) for level, words in _Teller(tariff, language).tell()]


class _Teller:
    """Tells one tariff in one language as (level, words)."""

    def __init__(self, tariff: Tariff, language: Language) -> None:
        self._tariff = tariff
        self._language: Language = language

    def tell(self) -> Iterator[tuple[int, str]]:
        """Tell all of it."""
        tariff = self._tariff
        name = phrases.name(tariff.name_zh, tariff.name_en, tariff.code, self._language)
        yield 0, self._say("title", name=name, code=tariff.code, company=tariff.company_code, currency=tariff.currency)
        yield from self._plans(tariff.plans, tariff.choose, 0)
        for each in tariff.classes:
            yield from self._class(each)
        yield 0, self._say("generally")
        for words in self._general():
            yield 1, words

    def _say(self, code: str, /, **params: object) -> str:
        return text(f"tariff.says.{code}", self._language, **params)

    def _span(self, minutes: int) -> str:
        return phrases.span(minutes, self._language)

    def _class(self, one: VehicleClass) -> Iterator[tuple[int, str]]:
        name = phrases.name(one.name_zh, one.name_en, one.code, self._language)
        yield 0, self._say("class", name=name, vehicles=phrases.vehicles(one.match, self._language))
        yield from self._plans(one.plans, one.choose, 0)

    def _plans(self, plans: tuple[Plan, ...], choose: Choose, level: int) -> Iterator[tuple[int, str]]:
        if len(plans) > 1:
            yield level + 1, self._say(f"choose_{choose.value}", count=len(plans))
        for plan in plans:
            below = level + 1
            if len(plans) > 1:
                name = phrases.name(plan.name_zh, plan.name_en, plan.code, self._language)
                yield below, self._say("plan", name=name)
                below += 1
            yield from self._plan(plan, below)

    def _plan(self, plan: Plan, level: int) -> Iterator[tuple[int, str]]:
        for words in (*self._condition(plan.condition), *self._free(plan.free)):
            yield level, words
        for band in plan.bands:
            yield from self._band(plan, band, level)
        for words in self._limits(plan):
            yield level, words

    def _limits(self, plan: Plan) -> Iterator[str]:
        if plan.bands_by is BandsBy.ENTRY and len(plan.bands) > 1:
            yield self._say("bands_by_entry")
        for cap in plan.caps:
            yield self._cap(plan, cap)
        if plan.minimum is not None:
            yield self._say("minimum", amount=plan.minimum.amount_text)
        if plan.cycle is not None:
            code = "cycle_day" if plan.cycle.kind is CycleKind.DAY else "cycle_rolling"
            yield self._say(f"{code}_free_again" if plan.cycle.free_again else code, hours=plan.cycle.hours)

    def _condition(self, condition: Condition) -> Iterator[str]:
        for code, span in (("enter", condition.enter), ("leave", condition.leave)):
            if span is not None:
                yield self._say(f"when_{code}", hours=phrases.hours(*span))
        if condition.days:
            yield self._say("when_days", days=phrases.days(condition.days, self._language))
        if condition.same_day:
            yield self._say("when_same_day")
        if condition.min_stay_minutes:
            yield self._say("when_min_stay", span=self._span(condition.min_stay_minutes))
        if condition.max_stay_minutes is not None:
            yield self._say("when_max_stay", span=self._span(condition.max_stay_minutes))

    def _free(self, free: Free) -> Iterator[str]:
        if not free.minutes:
            return
        yield self._say("free_threshold" if free.mode is FreeMode.THRESHOLD else "free_deduct",
                        span=self._span(free.minutes))  # fmt: skip
        if free.per is not FreePer.STAY:
            yield self._say(f"free_per_{free.per.value}")
        if free.counts is FreeCounts.CHARGEABLE:
            yield self._say("free_counts_chargeable")
        if free.once_within_hours is not None:
            yield self._say("free_once", hours=free.once_within_hours)
        if free.once_a_day:
            yield self._say("free_once_a_day")

    def _band(self, plan: Plan, band: Band, level: int) -> Iterator[tuple[int, str]]:
        when = phrases.when(band.days, band.start, band.end, self._language)
        if band.seasons:
            known = {season.code: phrases.season(season, self._language) for season in plan.seasons}
            seasons = phrases.listed([known.get(code, code) for code in band.seasons], self._language)
            when = phrases.listed([when, seasons], self._language)
        prices = phrases.prices(band, self._language)
        if len(prices) == 1:
            yield level, phrases.defined(when, prices[0], self._language)
        else:
            yield level, phrases.defined(when, "", self._language).rstrip()
            for price in prices:
                yield level + 1, price
        if band.counting is not Counting.WINDOW and band.tiers and len(plan.bands) > 1:
            yield level + 1, self._say(f"counting_{band.counting.value}")

    def _cap(self, plan: Plan, cap: Cap) -> str:
        rolling = cap.kind in (CapKind.ROLLING, CapKind.ROLLING_24H)
        amount = phrases.amounts(cap, self._language)
        kind = f"cap_{cap.kind.value}"
        if rolling:
            kind = "cap_rolling_visits" if cap.across_visits else "cap_rolling"
        words = self._say(kind, amount=amount, hours=cap.hours)
        if cap.ends_with_day:
            words = self._say("cap_ends_with_day", cap=words)
        if cap.times is not None:
            words = self._say("cap_times", cap=words, times=cap.times)
        if cap.across_visits:
            words = self._say("cap_across_visits", cap=words)
        if not cap.bands:
            return words
        named = {band.code: phrases.name(band.name_zh, band.name_en, band.code, self._language) for band in plan.bands}
        bands = phrases.listed([named.get(code, code) for code in cap.bands], self._language)
        return self._say("cap_bands", cap=words, bands=bands)

    def _general(self) -> Iterator[str]:
        tariff = self._tariff
        yield self._say("zone", zone=tariff.zone) if tariff.zone else self._say("zone_of_lot")
        if tariff.day_starts:
            yield self._say("day_starts", clock=phrases.clock(tariff.day_starts))
        yield self._say(f"seconds_{tariff.seconds.value}")
        yield self._say("grace", span=self._span(tariff.grace_after_payment_minutes))
        yield self._say(f"price_change_{tariff.price_change.value}")
        if tariff.reentry_minutes:
            yield self._say("reentry", span=self._span(tariff.reentry_minutes))
        if tariff.round_total is not None:
            yield self._say(f"round_{tariff.round_total.rule.value}", to=tariff.round_total.to.amount_text)
        if tariff.tax is not None:
            percent = percent_text(tariff.tax.millionths)
            yield self._say("tax_included" if tariff.tax.included else "tax_added", percent=percent)
        if calendar_words(tariff):
            beyond = "refuse" if tariff.beyond_calendar is BeyondCalendar.REFUSE else "weekday"
            yield self._say(f"calendar_{beyond}", calendar=tariff.calendar)
