"""The life of tariffs on real databases: versions, event prices, drafts, calendars and the alarms about them."""

import threading
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from openberth.contexts import tariffs
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.document.days import read_days
from openberth.contexts.tariffs.model import CalendarDay, DayKind, VersionState, in_force_of, states_of
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.time import DAY_US, HOUR_US, Instant, later
from tests.service.acting import COMPANY, OTHER_COMPANY, events, of_company, read, write

PLAIN = """
tariff: openberth/1
code: {code}
company: demo
name: {{zh: 测试, en: Test}}
currency: {currency}
charge: {{unit_minutes: 60, price: "{price}"}}
"""
BY_DAY = """
tariff: openberth/1
code: days
company: demo
name: {zh: 按日, en: By day}
currency: CNY
calendar: cn
bands:
  - {code: work, days: [workday], charge: {unit_minutes: 60, price: "5.00"}}
  - {code: rest, days: [weekend], charge: {unit_minutes: 60, price: "3.00"}}
"""


def plain(price: str, code: str = "t", currency: str = "CNY") -> tariffs.Tariff:
    return read_tariff(PLAIN.format(price=price, code=code, currency=currency), name="t")


def publish(
    db: Database, tariff: tariffs.Tariff, start: Instant | None = None, until: Instant | None = None
) -> tariffs.TariffVersion:
    return write(db, tariffs.publish, company=COMPANY, tariff=tariff, valid_from=start, valid_until=until)[0]


def in_force(db: Database, at: Instant) -> int | None:
    found = read(db, tariffs.in_force, company=COMPANY, code="t", at=at)
    return None if found is None else found.number


def weekdays(first: date, days: int) -> Mapping[date, CalendarDay]:
    spanned = [first + timedelta(days=number) for number in range(days)]
    return {day: CalendarDay(DayKind.WORKDAY if day.weekday() < 5 else DayKind.WEEKEND) for day in spanned}


# -- versions ------------------------------------------------------------------------------------------------------


def test_an_event_price_lies_over_the_others_and_they_come_back(db: Database, business: ManualClock) -> None:
    now = business.now()
    at = [later(now, hours * HOUR_US) for hours in range(10)]
    publish(db, plain("1.00"))
    publish(db, plain("9.00"), at[2], at[6])
    publish(db, plain("2.00"), at[4])
    publish(db, plain("8.00"), at[3], at[5])
    assert [in_force(db, moment) for moment in at[:7]] == [1, 1, 2, 4, 4, 2, 3]
    standings = read(db, tariffs.standings, company=COMPANY, code="t")
    assert states_of(standings, at[4]) == {
        1: VersionState.SUPERSEDED, 2: VersionState.OVERLAID, 3: VersionState.OVERLAID, 4: VersionState.IN_FORCE,
    }  # fmt: skip
    assert states_of(standings, at[6])[2] is VersionState.ENDED
    told = events(db, "tariffs.published", "tariffs.event_price_published")
    assert [event.kind.removeprefix("tariffs.") for event in told] == [
        "published", "event_price_published", "published", "event_price_published",
    ]  # fmt: skip
    assert told[1].body["valid_until"] == at[6]


def test_the_statement_and_the_model_agree_on_what_holds(db: Database, business: ManualClock) -> None:
    now = business.now()
    at = [later(now, hours * HOUR_US) for hours in range(12)]
    publish(db, plain("1.00"))
    for number, (start, until) in enumerate([(3, None), (1, 5), (2, 9), (6, None), (6, 7), (4, None)], start=2):
        publish(db, plain(f"{number}.00"), at[start], None if until is None else at[until])
    standings = read(db, tariffs.standings, company=COMPANY, code="t")
    for moment in at:
        holds = in_force_of(standings, moment)
        assert holds is not None
        assert in_force(db, moment) == holds.number


def test_what_holds_already_is_not_published_again(db: Database, business: ManualClock) -> None:
    publish(db, plain("1.00"))
    version, new = write(db, tariffs.publish, company=COMPANY, tariff=plain("1.00"))
    assert (version.number, new) == (1, False)
    publish(db, plain("9.00"), None, later(business.now(), HOUR_US))
    assert (
        write(db, tariffs.publish, company=COMPANY, tariff=plain("1.00"))[1] is False
    )  # the event price ends by itself


def test_what_is_scheduled_already_is_not_published_again(db: Database, business: ManualClock) -> None:
    tomorrow = later(business.now(), DAY_US)
    publish(db, plain("1.00"))
    assert publish(db, plain("2.00"), tomorrow).number == 2
    again = write(db, tariffs.publish, company=COMPANY, tariff=plain("2.00"), valid_from=tomorrow)
    assert (again[0].number, again[1]) == (2, False)
    # The same text from another instant on, where something else holds, is a version of its own.
    assert publish(db, plain("2.00"), later(business.now(), HOUR_US)).number == 3
    assert publish(db, plain("1.00"), later(tomorrow, DAY_US)).number == 4


def test_publishing_refuses_what_would_price_cars_otherwise_than_they_were_told(
    db: Database, business: ManualClock
) -> None:
    now = business.now()
    with pytest.raises(Refused) as told:
        publish(db, plain("9.00"), None, later(now, HOUR_US))
    assert told.value.code == "tariff.event_first"
    publish(db, plain("1.00"))
    for tariff, start, until, code in (
        (plain("2.00"), later(now, -1), None, "tariff.valid_from_past"),
        (plain("2.00"), later(now, HOUR_US), later(now, HOUR_US), "tariff.valid_until_order"),
        (plain("2.00"), None, now, "tariff.valid_until_order"),
        (plain("2.00", currency="EUR"), None, None, "tariff.currency_fixed"),
    ):
        with pytest.raises(Refused) as told:
            publish(db, tariff, start, until)
        assert told.value.code == code


def test_two_who_publish_at_once_get_two_versions(db: Database) -> None:
    publish(db, plain("1.00"))
    prices = [f"{number}.00" for number in range(2, 8)]
    threads = [threading.Thread(target=publish, args=(db, plain(price))) for price in prices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(db, service.versions_of, company=COMPANY, code="t")
    assert [version.number for version in found] == [7, 6, 5, 4, 3, 2, 1]


# -- drafts --------------------------------------------------------------------------------------------------------


def test_a_draft_is_saved_changed_published_and_gone(db: Database) -> None:
    publish(db, plain("1.00"))
    text = PLAIN.format(price="2.00", code="t", currency="CNY") + "# why: rents went up\n"
    save: dict[str, Any] = {"company": COMPANY, "tariff": read_tariff(text, name="t")}
    first, new = write(db, service.save_draft, **save, text=text, expected=0)
    assert (first.version, first.based_on, new) == (1, 1, True)
    assert write(db, service.save_draft, **save, text=text, expected=1) == (first, False)
    second, new = write(db, service.save_draft, **save, text=text + "# really\n", expected=1)
    assert (second.version, new) == (2, False)
    with pytest.raises(Refused) as told:
        write(db, service.save_draft, **save, text=text, expected=1)
    assert told.value.code == "draft.changed"
    assert in_force(db, Instant(2**60)) == 1  # a draft prices nothing
    found = read(db, service.draft, company=COMPANY, code="t")
    assert found is not None
    assert found.text.endswith("# really\n")
    version, _ = write(db, service.publish_draft, company=COMPANY, code="t", expected=2)
    assert (version.number, version.tariff) == (2, save["tariff"])
    assert read(db, service.draft, company=COMPANY, code="t") is None
    with pytest.raises(NotFound):
        write(db, service.publish_draft, company=COMPANY, code="t")
    kinds = [event.kind for event in events(db, "tariffs.draft_saved", "tariffs.draft_dropped")]
    assert kinds == ["tariffs.draft_saved"] * 2 + ["tariffs.draft_dropped"]


def test_a_draft_may_be_given_up_and_belongs_to_its_company(db: Database) -> None:
    text = PLAIN.format(price="2.00", code="t", currency="CNY")
    write(db, service.save_draft, company=COMPANY, tariff=plain("2.00"), text=text)
    assert read(db, service.drafts, by=of_company(OTHER_COMPANY), company=COMPANY) == []
    with pytest.raises(NotFound):
        write(db, service.drop_draft, by=of_company(OTHER_COMPANY), company=COMPANY, code="t")
    write(db, service.drop_draft, company=COMPANY, code="t", expected=1)
    assert read(db, service.drafts, company=COMPANY) == []


# -- calendars and alarms ------------------------------------------------------------------------------------------


def test_seeding_leaves_alone_what_a_person_said(db: Database) -> None:
    days = weekdays(date(2026, 3, 1), 31)
    seed: dict[str, Any] = {"company": COMPANY, "code": "cn", "days": days, "source": "library"}
    assert write(db, service.seed, **seed) == 31
    assert write(db, service.seed, **seed) == 0
    before = read(db, service.calendar, company=COMPANY, code="cn")
    assert (before.ends, len(before.days)) == (date(2026, 4, 1), 31)
    assert read(db, service.calendar, company=COMPANY, code="cn") is before  # read once
    _, edit = read_days("days: openberth/1\nlist: [{date: 2026-03-10, kind: holiday, words: [fair]}]", name="d")
    assert write(db, service.set_days, company=COMPANY, code="cn", edit=edit) == 1
    after = read(db, service.calendar, company=COMPANY, code="cn")
    assert after is not before  # a new value: engines compare calendars by identity
    assert after.days[date(2026, 3, 10)] == CalendarDay(DayKind.HOLIDAY, words=("fair",))
    assert write(db, service.seed, **seed) == 0
    assert read(db, service.calendar, company=COMPANY, code="cn") is after
    (told, set_by_hand) = events(db, "tariffs.calendar_changed")
    assert (told.body["days"], told.body["source"], set_by_hand.body["source"]) == (31, "library", "person")
    assert read(db, service.calendars, by=of_company(OTHER_COMPANY), company=COMPANY) == []


def test_a_calendar_that_is_missing_or_ends_soon_raises_an_alarm_that_goes_by_itself(
    db: Database, business: ManualClock
) -> None:
    publish(db, read_tariff(BY_DAY, name="days"))
    began = business.now()
    (missing,) = read(db, alarms.standing)
    assert (missing.kind, missing.subject, missing.since) == ("calendar_missing", "cn", began)
    assert missing.params["tariffs"] == "days"
    first = date(2026, 1, 1)
    write(db, service.seed, company=COMPANY, code="cn", days=weekdays(first, 365), source="library")
    assert read(db, alarms.standing) == []
    business.advance(8 * 31 * DAY_US)  # from 2026-03-02 on: less than 60 days of the year are left
    assert read(db, alarms.standing) == []  # nobody has looked yet
    write(db, service.tell_alarms, company=COMPANY)
    (ending,) = read(db, alarms.standing)
    assert (ending.kind, ending.params["last"]) == ("calendar_ending", "2026-12-31")
    since = ending.since
    business.advance(DAY_US)
    write(db, service.tell_alarms, company=COMPANY)
    assert read(db, alarms.standing)[0].since == since
    assert read(db, alarms.standing, by=of_company(OTHER_COMPANY)) == []
    write(db, service.seed, company=COMPANY, code="cn", days=weekdays(date(2027, 1, 1), 365), source="library")
    assert read(db, alarms.standing) == []


def test_a_tariff_that_needs_no_calendar_any_more_clears_its_alarm(db: Database, business: ManualClock) -> None:
    publish(db, read_tariff(BY_DAY, name="days"))
    assert len(read(db, alarms.standing)) == 1
    publish(db, plain("1.00", code="days"))
    assert read(db, alarms.standing) == []


def test_days_are_read_for_tariffs_that_speak_of_them_alone(db: Database) -> None:
    write(db, service.seed, company=COMPANY, code="cn", days=weekdays(date(2026, 3, 1), 31), source="library")
    by_day = read_tariff(BY_DAY, name="days")
    assert read(db, service.calendars_for, company=COMPANY, wanted=[plain("1.00")]) == {}
    found = read(db, service.calendars_for, company=COMPANY, wanted=[plain("1.00"), by_day])
    assert list(found) == ["cn"]
    assert found["cn"] is read(db, service.calendar, company=COMPANY, code="cn")
