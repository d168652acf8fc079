"""What reliefs take off a stay, by trying every selection (ADR 0006, "Reliefs, precisely")."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from openberth.contexts.tariffs.model import AgainstCaps, NotComputable, Relief, ReliefKind, ReliefRules, Segment, Terms
from openberth.kernel.money import Rounding, rounded
from openberth.kernel.time import Instant
from tests.property.tariffs.reckoning import (
    Counters,
    Lowering,
    Relieved,
    Stay,
    counted_minutes,
    taken_apart,
    total_of,
    without_reliefs,
)

Uses = tuple[tuple[str, int], ...]
MINUTE_KINDS = (ReliefKind.MINUTES, ReliefKind.UNTIL, ReliefKind.PERIOD)
MONEY_KINDS = (ReliefKind.AMOUNT, ReliefKind.PERCENT)


def relieved_price(segments: Sequence[Segment], terms: Terms, now: Instant) -> tuple[int, Uses]:
    """The lowest total that the rules allow, and what each relief of that selection is worth."""
    stay = taken_apart(segments, terms, now)
    before = total_of(stay)
    rules = terms.policy.reliefs
    best: tuple[int, int, tuple[int, ...]] | None = None
    uses: Uses = ()
    known: dict[tuple[str, ...], int] = {}
    for size in range(rules.at_most + 1):
        for chosen in combinations(range(len(terms.reliefs)), size):
            selection = [terms.reliefs[n] for n in chosen]
            if not allowed(selection, rules, before):
                continue
            total, found = applied(stay, segments, now, selection, before, known)
            if best is None or (total, size, chosen) < best:
                best, uses = (total, size, chosen), found
    assert best is not None
    return best[0], uses


def allowed(selection: list[Relief], rules: ReliefRules, before: int) -> bool:
    for one in selection:
        if one.kind not in rules.order or (one.from_total is not None and before < one.from_total.minor):
            return False
    for one, other in combinations(selection, 2):
        if rules.one_per_group and one.group and one.group == other.group:
            return False
        pairs = ((one.kind, other.kind), (other.kind, one.kind))
        if rules.together is not None and not any(pair in rules.together for pair in pairs):
            return False
    return True


def on_units(relief: Relief) -> bool:
    return relief.kind in MINUTE_KINDS or (relief.kind in MONEY_KINDS and relief.caps is AgainstCaps.BEFORE)


def applied(
    stay: Stay, segments: Sequence[Segment], now: Instant, selection: list[Relief], before: int,
    known: dict[tuple[str, ...], int],
) -> tuple[int, Uses]:  # fmt: skip
    rules = stay.terms.policy.reliefs
    ordered = sorted(selection, key=lambda one: rules.order.index(one.kind))
    units = [one for one in ordered if on_units(one)]
    floor = min(before, 0 if rules.minimum_pay is None else rules.minimum_pay.minor)
    total, last = before, before
    uses: list[tuple[str, int]] = []

    def take(relief: Relief, value: int) -> None:
        nonlocal total
        value = max(0, min(value, total - floor))
        if relief.most is not None:
            value = min(value, relief.most.minor)
        total -= value
        if value:
            uses.append((relief.id, value))

    for count, relief in enumerate(units, start=1):
        key = tuple(one.id for one in units[:count])
        if key not in known:
            known[key] = total_of(stay, relieved_by(stay, units[:count]))
        take(relief, last - known[key])
        last = known[key]
    for relief in ordered:
        if not on_units(relief):
            take(relief, worth(relief, total, segments, stay.terms, now))
    return total, tuple(uses)


def worth(relief: Relief, total: int, segments: Sequence[Segment], terms: Terms, now: Instant) -> int:
    """What a relief on the total takes of it."""
    if relief.kind is ReliefKind.AMOUNT:
        assert relief.amount is not None
        return relief.amount.minor
    if relief.kind is ReliefKind.PERCENT:
        return rounded(total * relief.percent / 100, Rounding.HALF_UP)
    if relief.kind is ReliefKind.TARIFF:
        assert relief.tariff is not None
        rule = next((one.tariff.seconds for one in segments if one.tariff), relief.tariff.seconds)
        same_minutes = replace(relief.tariff, seconds=rule)
        other = [replace(one, tariff=same_minutes) if one.tariff else one for one in segments]
        try:
            return total - total_of(taken_apart(other, without_reliefs(terms), now))
        except NotComputable:
            return 0
    return total


def relieved_by(stay: Stay, units: list[Relief]) -> Relieved:
    """Which minutes are relieved and how units are lowered by reliefs on units, in their order."""
    minutes: dict[AgainstCaps, set[int]] = {AgainstCaps.BEFORE: set(), AgainstCaps.AFTER: set()}
    left = {relief.id: relief.minutes for relief in units}
    whose = sorted((minute, number) for number, own in enumerate(stay.owns) for minute in counted_minutes(own))
    counters = [Counters(own) for own in stay.owns]
    for minute, number in whose:
        unit = counters[number].next_unit(minute)
        for relief in units:
            if takes(relief, stay.begins(minute), left[relief.id], unit.tier.price.minor):
                minutes[relief.caps].add(minute)
                left[relief.id] -= 1
                break
        else:
            counters[number].count(minute, unit)
    money = [one for one in units if one.kind in MONEY_KINDS]

    def lowering() -> Lowering:
        purses = {one.id: Fraction(0 if one.amount is None else one.amount.minor) for one in money}

        def lower(price: Fraction) -> Fraction:
            for one in money:
                if one.kind is ReliefKind.PERCENT:
                    price -= price * one.percent / 100
                else:
                    taken = min(price, purses[one.id])
                    purses[one.id] -= taken
                    price -= taken
            return price

        return lower

    return Relieved(frozenset(minutes[AgainstCaps.BEFORE]), frozenset(minutes[AgainstCaps.AFTER]), lowering)


def takes(relief: Relief, begins: int, left: int, price: Fraction) -> bool:
    """Tell whether a relief takes a counted minute."""
    if relief.kind is ReliefKind.UNTIL:
        assert relief.until is not None
        return begins < relief.until
    if relief.kind is ReliefKind.PERIOD:
        assert relief.period is not None
        return relief.period.contains(Instant(begins))
    return relief.kind is ReliefKind.MINUTES and left > 0 and price > 0
