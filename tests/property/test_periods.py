"""Laws of half-open periods, checked against the set of instants they hold."""

from hypothesis import given
from hypothesis import strategies as st

from openberth.kernel.time import Instant, Period, as_datetime, from_iso, instant_of, to_iso

END = 12  # beyond every bound that is drawn: an open period reaches it
small = st.integers(0, 10).map(Instant)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(small)
    if draw(st.booleans()):
        return Period(start)
    return Period(start, Instant(start + draw(st.integers(0, 10 - start))))


def held(period: Period | None) -> set[int]:
    return set() if period is None else {moment for moment in range(END) if period.contains(Instant(moment))}


@given(periods(), periods())
def test_overlap_means_a_common_instant(one: Period, other: Period) -> None:
    assert one.overlaps(other) == bool(held(one) & held(other))
    assert one.overlaps(other) == other.overlaps(one)


@given(periods(), small, small)
def test_a_clip_holds_what_both_hold(period: Period, low: Instant, high: Instant) -> None:
    part = period.clipped(low, high)
    assert held(part) == held(period) & set(range(low, high))
    assert part is None or not part.is_empty


@given(periods())
def test_length_counts_instants(period: Period) -> None:
    assert period.is_empty == (not held(period))
    if period.length_us is not None:
        assert period.length_us == len(held(period))


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999).map(Instant))
def test_an_instant_survives_text_and_datetime(instant: Instant) -> None:
    assert from_iso(to_iso(instant)) == instant
    assert instant_of(as_datetime(instant)) == instant
    assert len(to_iso(instant)) == 27
