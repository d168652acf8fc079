"""Checks of one body by itself: charges, tiers, ladders, caps, free minutes, seasons."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from openberth.contexts.tariffs.document.checks.amounts import money_flaws
from openberth.contexts.tariffs.document.parts import (
    BandPart,
    Body,
    CapPart,
    ChargePart,
    RungPart,
    TierPart,
    UnitRounding,
)
from openberth.contexts.tariffs.document.reading import due_after
from openberth.contexts.tariffs.document.values import is_price, rate_of
from openberth.contexts.tariffs.model import ACROSS_VISITS, CapKind, CycleKind
from openberth.infra.documents import Flaw, Path, flaw

MOST_PERCENT = 1000

# Keys that mean something only beside the others of their way.
_UNUSED = {
    "free": ("unit_minutes", "price", "rounding", "forgive_minutes", "repeat_minutes"),
    "flat": ("unit_minutes", "price"),
    "ladder": ("unit_minutes", "price", "rounding", "forgive_minutes"),
    "price": (),
    "tiers": (),
}


def body_flaws(body: Body, path: Path, currency: str) -> Iterator[Flaw]:
    """Check everything that a body says itself."""
    if body.charge is not None:
        yield from charge_flaws(body.charge, (*path, "charge"), currency)
    for index, band in enumerate(body.bands or ()):
        yield from _band_flaws(band, (*path, "bands", index), currency)
    yield from twice(((*path, "bands", index, "code"), band.code) for index, band in enumerate(body.bands or ()))
    yield from _caps_flaws(body.caps or (), (*path, "caps"), currency)
    if body.free is not None and body.free.once_a_day and body.free.once_within_hours is not None:
        path_of_second = (*path, "free", "once_a_day")
        yield flaw(path_of_second, "tariff.two_ways", first="once_within_hours", second="once_a_day")
    if body.minimum is not None:
        yield from money_flaws(body.minimum, (*path, "minimum"), currency)
        if not Fraction(body.minimum):
            yield flaw((*path, "minimum"), "tariff.amount_zero", key="minimum")
    if body.cycle is not None and body.cycle.hours is not None and body.cycle.kind is not CycleKind.ROLLING:
        yield flaw((*path, "cycle", "hours"), "tariff.key_unused", key="hours", way=body.cycle.kind.value)
    seasons = body.seasons or ()
    yield from twice(((*path, "seasons", index, "code"), season.code) for index, season in enumerate(seasons))


def twice(codes: Iterable[tuple[Path, str]]) -> Iterator[Flaw]:
    """Find codes that stand twice."""
    seen: set[str] = set()
    for path, code in codes:
        if code in seen:
            yield flaw(path, "tariff.code_twice", value=code)
        seen.add(code)


def _band_flaws(band: BandPart, path: Path, currency: str) -> Iterator[Flaw]:
    yield from charge_flaws(band.charge, (*path, "charge"), currency)
    if band.cap is not None:
        yield from money_flaws(band.cap, (*path, "cap"), currency)
        if not Fraction(band.cap):
            yield flaw((*path, "cap"), "tariff.cap_zero")


def _caps_flaws(caps: Sequence[CapPart], path: Path, currency: str) -> Iterator[Flaw]:
    seen: set[tuple[object, ...]] = set()
    for index, cap in enumerate(caps):
        here: Path = (*path, index)
        kind = CapKind.ROLLING if cap.kind is CapKind.ROLLING_24H else cap.kind
        key = (kind, cap.hours or 24, frozenset(cap.bands), cap.across_visits, cap.ends_with_day)
        if key in seen:
            yield flaw((*here, "kind"), "tariff.cap_twice", kind=cap.kind.value)
        seen.add(key)
        if cap.hours is not None and cap.kind is not CapKind.ROLLING:
            yield flaw((*here, "hours"), "tariff.key_unused", key="hours", way=cap.kind.value)
        yield from _cap_spans(cap, here)
        yield from _cap_amounts(cap, here, currency)


def _cap_spans(cap: CapPart, path: Path) -> Iterator[Flaw]:
    """Check what is said of the spans in which a cap holds."""
    if cap.times is not None and cap.kind is CapKind.STAY:
        yield flaw((*path, "times"), "tariff.key_unused", key="times", way=cap.kind.value)
    if cap.across_visits and cap.kind not in ACROSS_VISITS:
        yield flaw((*path, "across_visits"), "tariff.cap_across_visits", kind=cap.kind.value)
    if cap.ends_with_day and cap.kind not in (CapKind.ROLLING, CapKind.ROLLING_24H):
        yield flaw((*path, "ends_with_day"), "tariff.key_unused", key="ends_with_day", way=cap.kind.value)
    ways = [way for way in ("ends_with_day", "across_visits") if getattr(cap, way)]
    if len(ways) > 1:
        yield flaw((*path, ways[0]), "tariff.key_unused", key=ways[0], way=ways[1])
    for key in ("amounts", "times"):
        if ways and getattr(cap, key) is not None:
            yield flaw((*path, key), "tariff.key_unused", key=key, way=ways[0])


def _cap_amounts(cap: CapPart, path: Path, currency: str) -> Iterator[Flaw]:
    if (cap.amount is None) == (cap.amounts is None):
        yield flaw(path, "tariff.cap_amount")
        return
    places: list[Path] = [(*path, "amount")]
    if cap.amounts is not None:
        places = [(*path, "amounts", index) for index in range(len(cap.amounts))]
        if cap.kind is CapKind.STAY and len(cap.amounts) > 1:
            yield flaw(places[1], "tariff.cap_one_span")
    for place, text in zip(places, cap.amounts or [cap.amount or "0"], strict=True):
        yield from money_flaws(text, place, currency)
    if not Fraction((cap.amounts or [cap.amount or "0"])[0]):
        yield flaw(places[0], "tariff.cap_zero")


def charge_flaws(charge: ChargePart, path: Path, currency: str) -> Iterator[Flaw]:
    """Check that a charge says one price for every minute, and how units fit into it."""
    ways = [way for way in ("free", "flat", "tiers", "ladder") if getattr(charge, way)]
    if charge.price is not None and charge.tiers is None:
        ways.append("price")
    if not ways:
        yield flaw(path, "tariff.charge_nothing")
        return
    if len(ways) > 1:
        yield flaw((*path, ways[1]), "tariff.two_ways", first=ways[0], second=ways[1])
        return
    for key in _UNUSED[ways[0]]:
        if getattr(charge, key) is not None:
            yield flaw((*path, key), "tariff.key_unused", key=key, way=ways[0])
    if ways[0] != "free":
        yield from _rounding_flaws(charge.rounding, charge.forgive_minutes, path)
        yield from _steps_flaws(charge, path, currency)


def _rounding_flaws(rounding: UnitRounding | None, forgiven: int | None, path: Path) -> Iterator[Flaw]:
    if rounding is UnitRounding.FORGIVE and forgiven is None:
        yield flaw(path, "document.missing", key="forgive_minutes")
    if forgiven is not None and rounding is not UnitRounding.FORGIVE:
        yield flaw((*path, "forgive_minutes"), "tariff.forgive_unused")


@dataclass(frozen=True, slots=True)
class _Step:
    """A tier or a rung, where it stands, and the minutes it spans; ``end`` None: without end."""

    path: Path
    tier: TierPart
    begin: int
    end: int | None


def _steps_flaws(charge: ChargePart, path: Path, currency: str) -> Iterator[Flaw]:
    parts: list[tuple[Path, TierPart]]
    if charge.ladder is not None:
        parts = [
            (
                (*path, "ladder", index),
                TierPart(
                    up_to_minutes=rung.up_to_minutes, unit_minutes=rung.unit_minutes, price=rung.price, flat=rung.total
                ),
            )
            for index, rung in enumerate(charge.ladder)
        ]
        yield from _rung_flaws(charge.ladder, path)
    elif charge.tiers is not None:
        parts = [((*path, "tiers", index), tier) for index, tier in enumerate(charge.tiers)]
        if charge.price is not None and all(tier.percent is None for tier in charge.tiers):
            yield flaw((*path, "price"), "tariff.price_unused")
    else:
        parts = [(path, TierPart(flat=charge.flat, price=charge.price))]
    ends = list(_end_flaws(parts, charge, path))
    yield from ends
    begin = 0
    for here, tier in parts:
        end = tier.up_to_minutes or charge.repeat_minutes
        if charge.tiers is not None:
            yield from _rounding_flaws(tier.rounding, tier.forgive_minutes, here)
        yield from _tier_flaws(_Step(here, tier, begin, end), charge, currency, sound=not ends)
        begin = end or begin


def _rung_flaws(ladder: Sequence[RungPart], path: Path) -> Iterator[Flaw]:
    """Check that totals rise, and that only the last rung says what each further unit adds."""
    before = "0"
    for index, rung in enumerate(ladder):
        here: Path = (*path, "ladder", index)
        if rung.total is None:
            if rung.price is not None and (index + 1 < len(ladder) or rung.up_to_minutes is not None or not index):
                yield flaw((*here, "price"), "tariff.ladder_price")
            continue
        if Fraction(rung.total) < Fraction(before):
            yield flaw((*here, "total"), "tariff.ladder_falls", total=rung.total, before=before)
        before = rung.total


def _end_flaws(parts: Sequence[tuple[Path, TierPart]], charge: ChargePart, path: Path) -> Iterator[Flaw]:
    """Check that tiers follow each other and reach as far as the charge does."""
    before = 0
    repeat = charge.repeat_minutes
    for here, tier in parts[:-1]:
        if tier.up_to_minutes is None:
            yield flaw(here, "tariff.tier_end")
            continue
        if tier.up_to_minutes <= before:
            yield flaw((*here, "up_to_minutes"), "tariff.tier_order", value=tier.up_to_minutes, before=before)
        before = tier.up_to_minutes
    here, last = parts[-1]
    if last.up_to_minutes is not None:
        if last.up_to_minutes <= before:
            yield flaw((*here, "up_to_minutes"), "tariff.tier_order", value=last.up_to_minutes, before=before)
        elif repeat is None:
            yield flaw((*here, "up_to_minutes"), "tariff.tier_gap", value=last.up_to_minutes)
        elif repeat != last.up_to_minutes:
            yield flaw((*path, "repeat_minutes"), "tariff.repeat_differs", value=repeat, up_to=last.up_to_minutes)
    elif repeat is not None and repeat <= before:
        yield flaw((*path, "repeat_minutes"), "tariff.repeat_short", value=repeat, before=before)


def _tier_flaws(step: _Step, charge: ChargePart, currency: str, *, sound: bool) -> Iterator[Flaw]:
    tier, path = step.tier, step.path
    ways = [way for way in ("price", "flat", "percent") if getattr(tier, way) is not None]
    flat = "flat" if charge.ladder is None else "total"
    if len(ways) != 1:
        code = "tariff.two_ways" if ways else "tariff.tier_price" if charge.ladder is None else "tariff.rung_total"
        yield flaw(path, code, **({"first": ways[0], "second": ways[1].replace("flat", flat)} if ways else {}))
        return
    if tier.flat is not None:
        if tier.unit_minutes is not None:
            yield flaw((*path, "unit_minutes"), "tariff.key_unused", key="unit_minutes", way=flat)
        if step.end is None and UnitRounding.DOWN in (tier.rounding, charge.rounding if not tier.rounding else None):
            yield flaw(path, "tariff.flat_down")
        return
    if tier.percent is not None:
        yield from _percent_flaws(tier.percent, charge, path, currency)
    unit = tier.unit_minutes or charge.unit_minutes
    if unit is None:
        yield flaw(path, "document.missing", key="unit_minutes")
        return
    if due_after(tier, charge, unit) >= unit:
        yield flaw(path, "tariff.forgive_long", unit=unit)
    if sound and step.end is not None and (step.end - step.begin) % unit:
        yield flaw(path, "tariff.tier_units", minutes=step.end - step.begin, unit=unit)


def _percent_flaws(percent: str, charge: ChargePart, path: Path, currency: str) -> Iterator[Flaw]:
    if charge.price is None:
        yield flaw((*path, "percent"), "tariff.percent_base")
    elif Fraction(percent) > MOST_PERCENT:
        yield flaw((*path, "percent"), "document.range", value=percent, low=0, high=MOST_PERCENT)
    elif not is_price(rate_of(charge.price, currency).percent(Fraction(percent))):
        yield flaw((*path, "percent"), "tariff.percent_price")
