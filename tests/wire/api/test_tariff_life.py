"""The life of tariffs over HTTP: a first tariff makes its calendar, drafts, differences, warnings and alarms."""

import asyncio
from typing import Any

import httpx2
from sqlalchemy import select

from openberth.contexts.tariffs import reactions
from openberth.contexts.tariffs.reactions import JOB_CALENDARS, CalendarKeeper
from openberth.infra.database.schema import job
from openberth.infra.database.statement import Query
from openberth.infra.jobs import Job, JobRunner
from openberth.kernel.authority import system
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, later, to_iso
from openberth.providers.days import LibraryDays
from tests.wire.api.house import ROOT, House

_JOBS = Query(select(job.c.due_at).where(job.c.kind == JOB_CALENDARS), int)

BY_DAY = """
tariff: openberth/1
code: {code}
company: demo
name: {{zh: 按日, en: By day}}
currency: CNY
calendar: {calendar}
bands:
  - {{code: work, days: [workday], charge: {{unit_minutes: 60, price: "{price}"}}}}
  - {{code: rest, days: [weekend], charge: {{unit_minutes: 60, price: "3.00"}}}}
"""


def by_day(price: str = "5.00", code: str = "days", calendar: str = "cn") -> str:
    return BY_DAY.format(price=price, code=code, calendar=calendar)


def publish(house: House, text: str, code: str = "days", **query: str) -> Any:
    answer = house.operator.put(f"/v1/tariffs/{code}", content=text.encode(), params=query)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def code_of(answer: httpx2.Response) -> str:
    return str(answer.json()["code"])


def test_the_first_tariff_that_needs_a_calendar_makes_it(empty_house: House) -> None:
    house = empty_house
    published = publish(house, by_day())
    assert (published["new"], published["state"], published["warnings"]) == (True, "in_force", [])
    (calendar,) = house.get("/v1/calendars")["items"]
    assert (calendar["code"], calendar["first"], calendar["last"]) == ("cn", "2025-01-01", "2026-12-31")
    days = {day["date"]: day for day in house.get("/v1/calendars/cn", year=2026)["items"]}
    assert len(days) == 365
    assert days["2026-10-01"]["kind"] == "holiday"
    assert (days["2026-10-01"]["name_zh"], days["2026-10-01"]["name_en"]) == ("国庆节", "National Day")
    assert days["2026-10-10"]["kind"] == "workday"  # a Saturday on which people work
    # 2026-03-02 is a Monday, 03-07 a Saturday: the price speaks of the calendar.
    quote = {"tariff": "days", "entered": "2026-03-07T02:00:00Z", "until": "2026-03-07T02:30:00Z"}
    assert house.post("/v1/quotes", quote).json()["total"] == {"minor": 300, "currency": "CNY"}
    assert house.get("/v1/alarms")["items"] == []


def test_a_calendar_that_ends_soon_warns_whoever_publishes_and_stands_in_the_alarm_list(empty_house: House) -> None:
    house = empty_house
    house.business.advance(268 * DAY_US)  # 2026-11-25
    published = publish(house, by_day())
    (warning,) = published["warnings"]
    assert warning["code"] == "tariff.warns.calendar_ends_refuse"
    assert "cn" in warning["text"]
    (alarm,) = house.get("/v1/alarms")["items"]
    assert (alarm["kind"], alarm["subject"], alarm["params"]["last"]) == ("calendar_ending", "cn", "2026-12-31")
    assert "2026-12-31" in alarm["text"]
    chinese = house.operator.get("/v1/alarms", headers={"accept-language": "zh"}).json()["items"][0]["text"]
    assert chinese.startswith("日历 cn 只排到 2026-12-31")
    table = "date,through,kind,name_zh\n2027-01-01,2027-01-03,holiday,元旦\n"
    answer = house.operator.put("/v1/calendars/cn/days", content=table, headers={"content-type": "text/csv"})
    assert answer.json() == {"company": "demo", "calendar": "cn", "changed": 3}
    whole = "days: openberth/1\ncalendar: cn\ncomplete: [2027]\nlist: [{date: 2027-01-01, kind: holiday}]"
    assert (
        house.operator.put("/v1/calendars/cn/days", content=whole).json()["changed"] == 365 - 1
    )  # the first keeps its name
    assert house.get("/v1/alarms")["items"] == []


def test_mistakes_about_calendars_are_told(house: House) -> None:
    publish(house, by_day())
    put = house.operator.put
    assert code_of(house.operator.get("/v1/calendars/xx")) == "calendar.not_found"
    assert code_of(house.post("/v1/calendars/zz/seed", {}, key="1")) == "calendar.region"
    assert code_of(house.post("/v1/calendars/cn/seed", {"years": [2030]}, key="2")) == "calendar.years"
    wrong = put("/v1/calendars/cn/days", content="days: openberth/1\nlist:\n- {date: 2027-02-30, kind: holiday}")
    assert (wrong.status_code, wrong.json()["errors"][0]["line"]) == (422, 3)
    other = put("/v1/calendars/sg/days", content="days: openberth/1\ncalendar: cn")
    assert code_of(other) == "calendar.differs"
    seeded = house.post("/v1/calendars/sg/seed", {"years": [2026]}, key="3").json()
    assert seeded == {"company": "demo", "calendar": "sg", "changed": 365}
    assert house.post("/v1/calendars/sg/seed", {"years": [2026]}, key="4").json()["changed"] == 0


def test_a_region_that_no_library_knows_warns_and_does_not_refuse(house: House) -> None:
    published = publish(house, by_day(calendar="my-town"))
    assert [one["code"] for one in published["warnings"]] == ["tariff.warns.no_calendar_refuse"]
    assert [(one["kind"], one["subject"]) for one in house.get("/v1/alarms")["items"]] == [
        ("calendar_missing", "my-town")
    ]


def test_the_daily_look_takes_over_days_and_raises_alarms(house: House) -> None:
    publish(house, by_day())
    keeper = CalendarKeeper(house.database, LibraryDays())
    asyncio.run(keeper.start())
    asyncio.run(keeper.start())  # several processes plan one look
    jobs = JobRunner(house.database, owner="test")
    keeper.register(jobs)
    look = keeper._look
    house.business.advance(268 * DAY_US)
    asyncio.run(look(Job(Id(int=1), JOB_CALENDARS, {}, 1, None)))
    assert [one["kind"] for one in house.get("/v1/alarms")["items"]] == ["calendar_ending"]
    planned = house.database.read_now(lambda reader: reader.all(_JOBS), by=system("test"))
    assert len(planned) == 2  # the one that start planned, and the next
    assert all(due % DAY_US == reactions.MORNING_US for due in planned)


def test_a_draft_goes_its_way(house: House) -> None:
    first, second = by_day("5.00"), by_day("6.00") + "# rents went up\n"
    publish(house, first)
    draft = "/v1/tariffs/days/draft"
    assert code_of(house.operator.get(draft)) == "draft.not_found"
    saved = house.operator.put(draft, content=second.encode(), params={"version": 0})
    assert (saved.status_code, saved.json()["version"], saved.json()["based_on"]) == (201, 1, 1)
    assert house.get(draft)["text"] == second
    late = house.operator.put(draft, content=first.encode(), params={"version": 0})
    assert (late.status_code, code_of(late)) == (409, "draft.changed")
    told = house.get("/v1/tariffs/days/difference", to="draft")
    assert (told["from_version"], told["to_version"]) == (1, "draft")
    assert [one["text"] for one in told["differences"]] == ["band[work] › charge › price: 5.00 → 6.00"]
    assert [(one["code"], one["version"], one["based_on"]) for one in house.get("/v1/tariff-drafts")["items"]] == [
        ("days", 1, 1)
    ]
    published = house.post(draft + "/publish", {"version": 1}, key="a")
    assert (published.json()["number"], published.json()["new"]) == (2, True)
    assert house.post(draft + "/publish", {"version": 1}, key="a").json() == published.json()
    assert code_of(house.operator.get(draft)) == "draft.not_found"
    found = house.get("/v1/tariffs/days")
    assert [(one["number"], one["state"]) for one in found["versions"]] == [(2, "in_force"), (1, "superseded")]
    first = house.get("/v1/tariffs/days/versions/1")
    assert first["document"]["bands"][0]["charge"]["price"] == "5.00"
    assert "charge: {unit_minutes: 60, price: '5.00'" in first["text"]
    difference = house.operator.get("/v1/tariffs/days/difference", headers={"accept-language": "zh"}).json()
    assert [one["text"] for one in difference["differences"]] == ["时段[work] › 收费 › 单价：由 5.00 改为 6.00"]


def test_an_event_price_shows_when_it_ends(house: House) -> None:
    publish(house, by_day())
    now = house.business.now()
    until = to_iso(later(now, HOUR_US))
    published = publish(house, by_day("9.00"), valid_until=until)
    assert (published["state"], published["valid_until"]) == ("in_force", until)
    states = [one["state"] for one in house.get("/v1/tariffs/days")["versions"]]
    assert states == ["in_force", "overlaid"]
    house.pass_minutes(60)
    assert [one["state"] for one in house.get("/v1/tariffs/days")["versions"]] == ["ended", "in_force"]
    which = house.operator.get("/v1/tariffs/days/difference", params={"from": "x"})
    assert (which.status_code, code_of(which)) == (422, "tariff.which")


def test_a_lot_file_that_names_tariffs_is_checked_against_them(house: House) -> None:
    text = (ROOT / "lots" / "mall.yaml").read_text("utf-8")
    line = 1 + text.splitlines().index(next(each for each in text.splitlines() if each.startswith("tariff:")))
    with_rule = text.replace("\nrules:", "\ntariffs: [{tariff: green, vehicles: {new_energy: true}}]\nrules:", 1)
    applied = house.operator.put("/v1/lots/mall", content=with_rule.encode())
    (warning,) = applied.json()["warnings"]
    assert (warning["line"], warning["path"], warning["code"]) == (
        line + 1, "tariffs[0].tariff", "lot.tariff_unpublished",
    )  # fmt: skip
    publish(house, by_day(code="green").replace("currency: CNY", "currency: EUR"), "green")
    refused = house.operator.put("/v1/lots/mall", content=with_rule.encode())
    assert (refused.status_code, refused.json()["errors"][0]["line"]) == (422, line + 1)
    assert "EUR" in refused.json()["errors"][0]["text"]
