"""Which tariff and which version of it price a car: rules of the lot, price changes, coming back, free minutes once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts import facility, payments, tariffs
from openberth.contexts.facility.model import PermitWord, PlateColour, Pricing, TariffRule, VehicleRule
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Stay
from openberth.contexts.stays.recognition import PlateColour as SeenColour
from openberth.contexts.stays.service.course import CONTINUED_MAX
from openberth.contexts.tariffs.document import read_tariff
from openberth.infra.database import Database
from openberth.infra.database import sqlite as sqlite_module
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.kernel.time import HOUR_US, MINUTE_US, Instant, Period, later
from tests.service.acting import COMPANY, lot_file, read, write
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.service.stays.test_plans import SMALL

GREEN_CAR = "粤BD12345"
BUS = "粤B54321"
TARIFF = """
tariff: openberth/1
code: {code}
company: demo
name: {{zh: 测试, en: Test}}
currency: CNY
charge: {{unit_minutes: 60, price: "{price}"}}
grace_after_payment_minutes: 0
{more}
"""


def publish(
    street: Street, code: str, price: str, more: str = "", start: Instant | None = None, until: Instant | None = None
) -> tariffs.TariffVersion:
    tariff = read_tariff(TARIFF.format(code=code, price=price, more=more), name=code)
    published, _ = write(
        street.db, tariffs.publish, company=COMPANY, tariff=tariff, valid_from=start, valid_until=until
    )
    return published


def apply(street: Street, *, lot: Sequence[TariffRule] = (), **areas: Sequence[TariffRule]) -> None:
    file = lot_file("mall")
    wanted = replace(
        file, pricing=Pricing(tuple(lot)),
        areas=tuple(replace(area, tariffs=tuple(areas.get(area.code, ()))) for area in file.areas),
    )  # fmt: skip
    write(street.db, facility.apply_lot, company=COMPANY, lot=wanted)


def due_after(street: Street, minutes: int, plate: str = CAR, entry: str = "in-1", **seen: Any) -> int:
    """Let a car in and out again after so many minutes, and return what it owes at the exit."""
    street.arrive(entry, plate, **seen)
    street.pass_minutes(minutes)
    out = entry.replace("in", "out")
    street.arrive(out, plate, **seen)
    standing = street.standing(out)
    due = street.bill_at(out).left.minor if standing.bill_id else 0
    if due:
        street.pay_cash(out)
    street.pass_minutes(1)
    return due


def pass_midnight(street: Street) -> None:
    """Let time pass until half past midnight in Shanghai."""
    day_us = 24 * HOUR_US
    of_day = (street.business.now() + 8 * HOUR_US) % day_us
    street.pass_minutes((day_us - of_day) // MINUTE_US + 30)


def closed(street: Street) -> list[Stay]:
    return street.closed()


# -- who pays by what ----------------------------------------------------------------------------------------------


def test_vehicles_are_told_apart_by_their_plates(street: Street) -> None:
    publish(street, "mall", "5.00")
    publish(street, "green", "1.00")
    publish(street, "large", "9.00")
    apply(street, lot=[
        TariffRule("green", VehicleRule(new_energy=True)),
        TariffRule("large", VehicleRule(colours=(PlateColour.YELLOW,), sizes=("large",))),
    ])  # fmt: skip
    assert due_after(street, 50) == 500
    assert due_after(street, 50, GREEN_CAR, colour=SeenColour.GREEN) == 100
    assert due_after(street, 50, BUS, colour=SeenColour.YELLOW) == 900
    assert due_after(street, 50, OTHER_CAR, colour=SeenColour.UNKNOWN) == 500  # unknown is not yellow
    assert {stay.colour for stay in closed(street)} == {"blue", "green", "yellow", None}


def test_rules_are_looked_at_from_the_area_outwards(street: Street) -> None:
    publish(street, "mall", "5.00")
    publish(street, "vip", "20.00")
    publish(street, "lot-green", "1.00")
    publish(street, "roof-green", "2.00")
    green = VehicleRule(new_energy=True)
    apply(street, lot=[TariffRule("lot-green", green)], roof=[TariffRule("roof-green", green)])
    assert due_after(street, 50, GREEN_CAR, entry="in-1") == 100
    assert due_after(street, 50, GREEN_CAR, entry="in-2") == 200
    assert due_after(street, 50, OTHER_CAR, entry="in-2") == 500
    # The inner area has a tariff of its own, which holds for every car there, whatever the lot says outside.
    street.arrive("in-1", GREEN_CAR)
    street.pass_minutes(10)
    street.arrive("vip-in", GREEN_CAR)
    street.pass_minutes(10)
    street.arrive("vip-out", GREEN_CAR)
    street.pass_minutes(10)
    street.arrive("out-1", GREEN_CAR)
    bill = street.bill_at("out-1")
    assert bill.left.minor == 100 + 2000
    assert [one["tariff"] for one in bill.quote["versions"]] == ["lot-green", "vip"]


def test_a_permit_is_free_unless_a_rule_prices_its_kind(street: Street) -> None:
    publish(street, "mall", "5.00")
    publish(street, "card", "2.00")
    street.permit(CAR, PermitKind.MONTHLY)
    assert due_after(street, 50) == 0
    apply(street, lot=[TariffRule("card", permits=(PermitWord.MONTHLY,))])
    assert due_after(street, 50) == 200
    assert due_after(street, 50, OTHER_CAR) == 500  # the rule means cars with that permit alone
    street.permit(CAR, PermitKind.RESIDENT)
    assert due_after(street, 50) == 0


def test_a_priced_permit_that_ends_leaves_the_car_like_any_other(street: Street) -> None:
    publish(street, "mall", "5.00")
    publish(street, "card", "2.00")
    apply(street, lot=[TariffRule("card", permits=(PermitWord.MONTHLY,))])
    now = street.business.now()
    street.permit(CAR, PermitKind.MONTHLY, Period(Instant(0), later(now, HOUR_US)))
    assert due_after(street, 90) == 200 + 500


def test_a_blocked_car_that_was_let_in_by_hand_pays(street: Street) -> None:
    publish(street, "mall", "5.00")
    street.permit(CAR, PermitKind.BLOCKED)
    street.arrive("in-1", CAR)
    street.open_by_hand("in-1")
    street.pass_minutes(50)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor == 500


# -- which version -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "due"), [("entry", 2 * 500), ("change", 500 + 700), ("exit", 2 * 700)])
def test_a_price_that_changes_during_a_stay(street: Street, mode: str, due: int) -> None:
    old = publish(street, "mall", "5.00", f"price_change: {mode}")
    street.arrive("in-1", CAR)
    street.pass_minutes(60)
    new = publish(street, "mall", "7.00", f"price_change: {mode}")
    street.pass_minutes(60)
    street.arrive("out-1", CAR)
    bill = street.bill_at("out-1")
    assert bill.left.minor == due
    used = {"entry": [old], "change": [old, new], "exit": [new]}[mode]
    assert [one["id"] for one in bill.quote["versions"]] == [str(version.id) for version in used]
    assert bill.tariff_version == used[-1].id
    kept = read(street.db, tariffs.version, version=used[-1].id)
    assert kept is not None
    assert kept.tariff == used[-1].tariff


def test_an_event_price_holds_for_cars_that_come_during_it(street: Street) -> None:
    publish(street, "mall", "5.00")
    now = street.business.now()
    publish(street, "mall", "30.00", start=later(now, HOUR_US), until=later(now, 3 * HOUR_US))
    assert due_after(street, 30) == 500
    street.pass_minutes(60)
    assert due_after(street, 30) == 3000
    street.pass_minutes(120)
    assert due_after(street, 30) == 500


def test_a_price_asked_for_stands_no_longer_than_the_version_of_the_exit(street: Street) -> None:
    publish(street, "mall", "5.00", "price_change: exit")
    change = later(street.business.now(), 30 * MINUTE_US)
    publish(street, "mall", "7.00", "price_change: exit", start=change)
    street.arrive("in-1", CAR)
    street.pass_minutes(10)
    _, assessment = street.bill_in_advance(CAR)
    assert (assessment.due.minor, assessment.holds_until) == (500, change)


# -- coming back ---------------------------------------------------------------------------------------------------


def test_coming_back_soon_goes_on_with_the_stay(street: Street) -> None:
    publish(street, "mall", "5.00", "reentry_minutes: 20")
    assert due_after(street, 30) == 500
    street.pass_minutes(8)
    street.arrive("in-1", CAR)
    street.pass_minutes(20)
    street.arrive("out-1", CAR)
    assert street.standing("out-1").bill_id is None  # 30 + 20 minutes are one hour, and that is paid
    first, second = sorted(closed(street), key=lambda stay: stay.entered_at)
    assert (second.continues_id, second.price_minor, second.paid_minor) == (first.id, 0, 0)
    street.pass_minutes(5)
    street.arrive("in-2", CAR)  # the stay before goes on from another: all three are one
    street.pass_minutes(30)
    street.arrive("out-2", CAR)
    bill = street.bill_at("out-2")
    assert bill.left.minor == 500  # 80 minutes are two hours, one of which is paid
    outside = [line for line in bill.quote["lines"] if line["params"].get("right") == "outside"]
    assert [line["minutes"] for line in outside] == [9 + 5]
    street.pay_cash("out-2")
    third = max(closed(street), key=lambda stay: stay.entered_at)
    assert (third.continues_id, third.price_minor, third.paid_minor) == (second.id, 500, 500)


def test_coming_back_late_or_without_such_a_tariff_begins_anew(street: Street) -> None:
    publish(street, "mall", "5.00", "reentry_minutes: 20")
    assert due_after(street, 30) == 500
    street.pass_minutes(20)  # and one at the exit
    assert due_after(street, 20) == 500
    publish(street, "mall", "5.00")
    assert due_after(street, 20) == 500
    assert [stay.continues_id for stay in closed(street)] == [None] * 3


def test_time_that_was_priced_together_stays_together_when_the_minutes_to_come_back_change(street: Street) -> None:
    publish(street, "mall", "5.00", "reentry_minutes: 60")
    assert due_after(street, 20) == 500
    street.pass_minutes(20)
    street.arrive("in-1", CAR)
    street.pass_minutes(10)
    street.arrive("out-1", CAR)
    assert street.standing("out-1").bill_id is None  # 30 minutes of the hour that is paid
    publish(street, "mall", "5.00", "reentry_minutes: 10")
    street.pass_minutes(5)
    street.arrive("in-1", CAR)
    street.pass_minutes(10)
    street.arrive("out-1", CAR)
    assert street.standing("out-1").bill_id is None  # 40 minutes, although 20 minutes away were too long by now


def test_a_row_of_visits_ends_where_it_is_as_long_as_it_may_be(street: Street) -> None:
    publish(street, "mall", "5.00", "reentry_minutes: 60")
    dues = []
    for _ in range(CONTINUED_MAX + 3):
        street.arrive("in-1", CAR)
        street.pass_minutes(1)
        street.arrive("out-1", CAR)
        waits = street.standing("out-1").bill_id is not None
        dues.append(waits)
        if waits:
            street.pay_cash("out-1")
        street.pass_minutes(1)
    assert [index for index, waits in enumerate(dues) if waits] == [0, CONTINUED_MAX + 1]  # a second row begins


def test_a_debt_of_the_stay_before_is_not_asked_for_twice(street: Street) -> None:
    publish(street, "mall", "5.00", "reentry_minutes: 20")
    street.arrive("in-1", CAR)
    street.pass_minutes(30)
    street.arrive("out-1", CAR)
    debt = street.bill_at("out-1")
    street.open_by_hand("out-1")
    street.pass_minutes(5)
    street.arrive("in-1", CAR)
    street.pass_minutes(40)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor == 500  # 70 minutes cost 10.00, of which 5.00 are the debt
    street.pay_cash("out-1")
    write(street.db, payments.take_cash, bill=debt.id, tendered=debt.left)
    street.react()
    assert [(stay.price_minor, stay.paid_minor) for stay in closed(street)] == [(500, 500)] * 2
    assert street.case_kinds() == []


def test_free_minutes_that_are_given_once_a_day_are_given_once(street: Street) -> None:
    publish(street, "mall", "5.00", "free: {minutes: 30, once_within_hours: 24}")
    assert due_after(street, 20) == 0
    assert closed(street)[0].free_used is True
    assert due_after(street, 20) == 500
    street.pass_minutes(24 * 60)
    assert due_after(street, 20) == 0


def test_free_minutes_that_are_given_once_a_day_are_given_again_after_midnight(street: Street) -> None:
    publish(street, "mall", "5.00", "free: {minutes: 30, once_a_day: true}")
    assert (due_after(street, 20), due_after(street, 20)) == (0, 500)
    pass_midnight(street)
    assert (due_after(street, 20), due_after(street, 20)) == (0, 500)


# -- caps across visits --------------------------------------------------------------------------------------------


def test_all_visits_of_a_day_cost_at_most_the_cap(street: Street) -> None:
    publish(street, "mall", "5.00", 'caps: [{kind: day, amount: "12.00", across_visits: true}]')
    assert [due_after(street, 30) for _ in range(4)] == [500, 500, 200, 0]
    assert due_after(street, 30, OTHER_CAR) == 500  # another car has its own
    pass_midnight(street)
    assert due_after(street, 30) == 500


def test_twenty_four_hours_begin_with_the_first_visit(street: Street) -> None:
    publish(street, "mall", "5.00", 'caps: [{kind: rolling_24h, amount: "12.00", across_visits: true}]')
    assert due_after(street, 100) == 1000
    street.pass_minutes(23 * 60 + 40 - 101)
    assert due_after(street, 61) == 200 + 500  # the second hour begins after the 24 hours, which begin anew with it
    assert [due_after(street, 30) for _ in range(3)] == [500, 200, 0]


def test_a_visit_under_a_permit_does_not_forget_what_was_used_up(street: Street) -> None:
    publish(street, "mall", "5.00", 'caps: [{kind: day, amount: "7.00", across_visits: true}]')
    publish(street, "green", "1.00")
    assert due_after(street, 30) == 500
    apply(street, lot=[TariffRule("green")])
    assert due_after(street, 30) == 100
    apply(street)
    assert due_after(street, 30) == 200


def test_a_visit_that_goes_on_from_another_uses_a_cap_up_once(street: Street) -> None:
    publish(street, "mall", "5.00", 'reentry_minutes: 20\ncaps: [{kind: day, amount: "12.00", across_visits: true}]')
    assert due_after(street, 30) == 500
    assert due_after(street, 60) == 500  # 91 minutes in all cost 10.00
    street.pass_minutes(30)
    assert due_after(street, 30) == 200


# -- what it costs -------------------------------------------------------------------------------------------------


def test_no_statement_of_pricing_scans(street: Street, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(db, SqliteDatabase):
        pytest.skip("query plans are looked at on SQLite")
    more = "price_change: change\nreentry_minutes: 20\nfree: {minutes: 5, once_within_hours: 24}\n"
    more += 'caps: [{kind: day, amount: "50.00", across_visits: true}]'
    publish(street, "mall", "5.00", more)
    publish(street, "green", "5.00", "price_change: exit\nfree: {minutes: 5, once_within_hours: 24}")
    apply(street, lot=[TariffRule("green", VehicleRule(new_energy=True))])
    assert due_after(street, 30)
    seen: dict[str, list[Any]] = {}
    run = sqlite_module._Session.execute

    def noted(self: Any, sql: str, params: Sequence[Any]) -> Any:
        seen.setdefault(sql, list(params))
        return run(self, sql, params)

    monkeypatch.setattr(sqlite_module._Session, "execute", noted)
    street.arrive("in-1", CAR)
    street.pass_minutes(70)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor > 0
    due_after(street, 30, GREEN_CAR)
    monkeypatch.undo()
    looked_at = " ".join(seen)
    assert all(name in looked_at for name in ("tariff_version", "FROM stay", "FROM segment", "FROM area"))
    scans = []
    for sql, params in seen.items():
        plan = db._writing.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        steps = [row[3] for row in plan if row[3].startswith("SCAN")]
        scans += [f"{step}: {sql[:120]}" for step in steps if not any(name in step for name in SMALL)]
    assert [one for one in scans if " event" not in one[:12]] == []
