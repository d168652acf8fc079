"""The life of a tariff: which version holds when, what state the others are in, what differs, what days are said."""

from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from openberth.contexts.tariffs.document import TariffDocument
from openberth.contexts.tariffs.document.days import read_days
from openberth.contexts.tariffs.model import (
    CalendarDay,
    DayKind,
    DifferenceKind,
    Standing,
    VersionState,
    changes_within,
    difference,
    end_of,
    in_force_of,
    states_of,
)
from openberth.infra.catalogue import catalogue
from openberth.infra.documents import DocumentError
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period


def standing(number: int, start: int, until: int | None = None) -> Standing:
    return Standing(Id(int=number), number, Instant(start), None if until is None else Instant(until))


def holding(versions: list[Standing], at: int) -> int | None:
    found = in_force_of(versions, Instant(at))
    return None if found is None else found.number


def test_a_later_version_takes_the_place_of_an_earlier_one() -> None:
    versions = [standing(1, 0), standing(2, 100), standing(3, 50)]
    assert [holding(versions, at) for at in (0, 49, 50, 99, 100)] == [1, 1, 3, 3, 2]
    assert states_of(versions, Instant(60)) == {
        1: VersionState.SUPERSEDED, 2: VersionState.SCHEDULED, 3: VersionState.IN_FORCE,
    }  # fmt: skip


def test_a_scheduled_version_can_be_put_right_before_it_begins() -> None:
    versions = [standing(1, 0), standing(2, 100), standing(3, 100)]
    assert holding(versions, 100) == 3
    assert states_of(versions, Instant(10))[2] is VersionState.SUPERSEDED


def test_an_event_price_lies_over_the_others_and_goes_by_itself() -> None:
    versions = [standing(1, 0), standing(2, 100, 200), standing(3, 150)]
    assert [holding(versions, at) for at in (99, 100, 150, 199, 200)] == [1, 2, 2, 2, 3]
    assert states_of(versions, Instant(120)) == {
        1: VersionState.OVERLAID, 2: VersionState.IN_FORCE, 3: VersionState.SCHEDULED,
    }  # fmt: skip
    assert states_of(versions, Instant(160))[3] is VersionState.OVERLAID
    assert states_of(versions, Instant(250)) == {
        1: VersionState.SUPERSEDED, 2: VersionState.ENDED, 3: VersionState.IN_FORCE,
    }  # fmt: skip


def test_of_overlapping_event_prices_the_last_published_holds() -> None:
    versions = [standing(1, 0), standing(2, 100, 200), standing(3, 120, 130), standing(4, 90, 300)]
    assert [holding(versions[:3], at) for at in (110, 120, 129, 130)] == [2, 3, 3, 2]
    assert [holding(versions, at) for at in (95, 125, 299, 300)] == [4, 4, 4, 1]
    assert states_of(versions, Instant(50))[2] is VersionState.SUPERSEDED


def test_changes_within_a_stay_are_told_in_order() -> None:
    versions = [standing(1, 0), standing(2, 100, 200), standing(3, 150)]
    found = changes_within(versions, Period(Instant(50), None))
    assert [(moment, one.number if one else None) for moment, one in found] == [(50, 1), (100, 2), (200, 3)]
    assert changes_within(versions, Period(Instant(110), Instant(140))) == [(110, versions[1])]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(1, 10)), min_size=1, max_size=7),
    st.integers(0, 40),
)
def test_exactly_the_version_that_holds_is_in_force(spans: list[tuple[int, int | None]], now: int) -> None:
    versions = [standing(0, 0)] + [
        standing(number, start, None if length is None else start + length)
        for number, (start, length) in enumerate(spans, start=1)
    ]
    states = states_of(versions, Instant(now))
    assert [number for number, state in states.items() if state is VersionState.IN_FORCE] == [holding(versions, now)]
    for number, state in states.items():
        ever = any(holding(versions, at) == number for at in range(now, 60))
        if state in (VersionState.ENDED, VersionState.SUPERSEDED):
            assert not ever, (number, state)
        if state is VersionState.IN_FORCE:
            assert ever


# -- differences ---------------------------------------------------------------------------------------------------

BEFORE = {
    "code": "mall", "free": {"minutes": 15}, "caps": [{"kind": "rolling_24h", "amount": "40.00"}],
    "bands": [{"code": "day", "hours": "08:00-20:00", "charge": {"price": "5.00"}}, {"code": "night", "days": ["all"]}],
}  # fmt: skip
AFTER = {
    "code": "mall", "caps": [{"kind": "rolling_24h", "amount": "50.00"}, {"kind": "stay", "amount": "9.00"}],
    "bands": [
        {"code": "night", "days": ["all", "sat"]}, {"code": "day", "hours": "08:00-20:00", "charge": {"price": "6.00"}},
    ],
    "minimum": "1.00",
}  # fmt: skip


def test_a_difference_names_the_place_and_both_values() -> None:
    found = {one.place: (one.kind, one.before, one.after) for one in difference(BEFORE, AFTER)}
    assert found == {
        "free": (DifferenceKind.REMOVED, {"minutes": 15}, None),
        "caps[rolling_24h].amount": (DifferenceKind.CHANGED, "40.00", "50.00"),
        "caps[stay]": (DifferenceKind.ADDED, None, {"kind": "stay", "amount": "9.00"}),
        "bands[day].charge.price": (DifferenceKind.CHANGED, "5.00", "6.00"),
        "bands[night].days": (DifferenceKind.CHANGED, ["all"], ["all", "sat"]),
        "minimum": (DifferenceKind.ADDED, None, "1.00"),
    }


def test_equal_documents_do_not_differ() -> None:
    assert difference(BEFORE, dict(BEFORE)) == []


def test_every_key_of_a_tariff_file_has_a_word() -> None:
    missing = {f"tariff.part.{key}" for key in _keys(TariffDocument)} - catalogue().codes()
    assert missing == set()


def _keys(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        keys |= {key for inner in _models(field.annotation) for key in _keys(inner)}
    return keys


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]


# -- days ----------------------------------------------------------------------------------------------------------

FILE = """
days: openberth/1
calendar: cn
complete: [2027]
list:
  - {date: 2027-01-01, through: 2027-01-03, kind: holiday, name: {zh: 元旦, en: New Year's Day}}
  - {date: 2027-01-10, kind: workday}
  - {date: 2027-01-02, words: [fair]}
"""


def test_a_days_file_says_what_its_years_are() -> None:
    named, edit = read_days(FILE, name="days.yaml")
    days = edit.applied({})
    assert named == "cn"
    assert len(days) == 365
    assert days[date(2027, 1, 2)] == CalendarDay(DayKind.HOLIDAY, "元旦", "New Year's Day", ("fair",))
    assert days[date(2027, 1, 10)].kind is DayKind.WORKDAY  # a Sunday on which people work
    assert days[date(2027, 1, 9)].kind is DayKind.WEEKEND
    assert end_of(days) == date(2028, 1, 1)


def test_what_a_days_file_does_not_say_stays() -> None:
    known = {date(2027, 5, 1): CalendarDay(DayKind.HOLIDAY, "劳动节", "Labour Day", ("match",))}
    _, edit = read_days("days: openberth/1\nlist: [{date: 2027-05-01, words: []}]", name="days.yaml")
    assert edit.applied(known) == {date(2027, 5, 1): CalendarDay(DayKind.HOLIDAY, "劳动节", "Labour Day")}
    _, edit = read_days("days: openberth/1\nlist: [{date: 2027-05-01, kind: workday}]", name="days.yaml")
    assert edit.applied(known) == {date(2027, 5, 1): CalendarDay(DayKind.WORKDAY, words=("match",))}


def test_a_table_says_the_same_as_a_file() -> None:
    table = "date,through,kind,name_zh,words\n2027-01-01,2027-01-03,holiday,元旦,\n\n2027-01-09,,,,fair night\n"
    _, edit = read_days(table, name="days.csv", table=True)
    days = edit.applied({})
    assert days[date(2027, 1, 3)] == CalendarDay(DayKind.HOLIDAY, "元旦", "元旦")
    assert days[date(2027, 1, 9)] == CalendarDay(DayKind.WEEKEND, words=("fair", "night"))
    assert len(days) == 4


@pytest.mark.parametrize(
    ("text", "table", "line", "code"),
    [
        ("date,kind\n2027-01-01,holiday\n2027-01-02,festive\n", True, 3, "document.choice"),
        ("day,kind\n2027-01-01,holiday\n", True, 1, "days.header"),
        ("date,kind\n2027-01-01,holiday,more\n", True, 2, "days.cells"),
        ("days: openberth/1\nlist:\n- date: 2027-01-02\n  through: 2027-01-01", False, 4, "days.order"),
        ("days: openberth/1\nlist:\n- date: 2027-01-02\n  through: 2030-01-01", False, 4, "days.span"),
        ("days: openberth/1\nlist:\n- {date: 2027-01-02, words: [holiday]}", False, 3, "days.word"),
        ("days: openberth/1\ncomplete: [27]", False, 2, "document.range"),
    ],
)
def test_a_mistake_has_its_line(text: str, table: bool, line: int, code: str) -> None:
    with pytest.raises(DocumentError) as told:
        read_days(text, name="days", table=table)
    (mistake,) = told.value.mistakes
    assert (mistake.line, mistake.code) == (line, code)
