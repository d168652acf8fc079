"""A past month priced anew: every stay that ended in it, once, at the moment it was asked to pay for."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts import stays, tariffs
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.what_if import WhatIf, WhatIfState
from openberth.contexts.stays.service import what_if as service
from openberth.contexts.stays.store import what_if as store
from openberth.infra.database import Database
from openberth.infra.jobs import Job, NotYet
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import DAY_US, from_iso
from tests.service.acting import COMPANY, ROOT, plan_of, read, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

MALL = (ROOT / "tariffs" / "mall.yaml").read_text(encoding="utf-8")


def draft(old: str = 'price: "2.50"', new: str = 'price: "5.00"') -> tariffs.Tariff:
    text = MALL.replace(old, new)
    assert text != MALL
    return tariffs.read_tariff(text, name="draft")


def stay(street: Street, plate: str, minutes: int) -> None:
    """Let a car in, and out after it paid at the exit."""
    street.arrive("in-1", plate)
    street.pass_minutes(minutes)
    street.arrive("out-1", plate)
    if street.standing("out-1").bill_id is not None and street.standing("out-1").waiting:
        street.pay_cash("out-1")
    street.pass_minutes(1)


def answered(street: Street, asked: WhatIf) -> WhatIf:
    """Do the work as the job does, run after run."""
    job = Job(asked.id, service.JOB_WHAT_IF, {"what_if": str(asked.id)}, 1, None)
    for _ in range(20):
        with contextlib.suppress(NotYet):
            asyncio.run(stays.Repricing(street.db).work(job))
            break
    return read(street.db, service.what_if, what_if=asked.id)


def ask(street: Street, tariff: tariffs.Tariff, month: str = "2026-03", **more: Any) -> WhatIf:
    return write(street.db, service.ask, lot=street.lot, month=month, tariff=tariff, **more)


def test_a_month_with_a_dearer_draft(street: Street) -> None:
    stay(street, CAR, 61)  # three half hours: 7.50
    stay(street, OTHER_CAR, 10)  # free
    stay(street, THIRD_CAR, 600)  # the cap: 40.00
    done = answered(street, ask(street, draft()))
    figures = done.figures
    assert (done.state, done.total, figures.stays, figures.with_draft) == (WhatIfState.DONE, 3, 3, 3)
    assert (figures.then_minor, figures.paid_minor, figures.draft_minor) == (4750, 4750, 5500)
    assert [(each.stays, each.then_minor, each.draft_minor) for each in figures.buckets if each.stays] == [
        (1, 0, 0), (1, 750, 1500), (1, 4000, 4000),
    ]  # fmt: skip
    assert done.ended_at == street.machine.now()
    assert figures.refused == {}


def test_the_same_tariff_changes_nothing(street: Street) -> None:
    """What is priced anew as it was comes to what was billed: also when the car paid on the way and then walked."""
    stay(street, CAR, 61)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(55)
    street.pay_in_advance(OTHER_CAR)
    street.pass_minutes(10)  # another half hour has begun, but the way out is free
    street.arrive("out-1", OTHER_CAR)
    street.pass_minutes(1)
    done = answered(street, ask(street, tariffs.read_tariff(MALL, name="same")))
    assert done.figures.then_minor == 750 + 500
    assert done.figures.draft_minor == done.figures.then_minor


def test_a_cap_across_visits_counts_the_visits_before_as_the_draft_prices_them(street: Street) -> None:
    for _ in range(3):
        stay(street, CAR, 61)  # three half hours: 7.50
    stay(street, OTHER_CAR, 61)
    capped = draft("caps: [", 'caps: [{kind: day, amount: "10.00", across_visits: true}, ')
    figures = answered(street, ask(street, capped)).figures
    assert (figures.then_minor, figures.draft_minor) == (4 * 750, 1000 + 750)


def test_inner_areas_and_permits_keep_what_is_theirs(street: Street) -> None:
    street.permit(CAR, PermitKind.FREE)
    stay(street, CAR, 300)  # a free car: no minute under the tariff
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(60)
    street.arrive("vip-in", OTHER_CAR)
    street.pass_minutes(60)  # under the tariff of the inner area: 12.00
    street.arrive("vip-out", OTHER_CAR)
    street.pass_minutes(1)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")
    done = answered(street, ask(street, draft()))
    figures = done.figures
    assert (figures.stays, figures.with_draft) == (2, 1)
    outer = 3 * 250  # 61 minutes outside
    assert (figures.then_minor, figures.draft_minor) == (outer + 1200, 2 * outer + 1200)
    vip = replace(draft(), code="vip")
    inner = answered(street, ask(street, vip)).figures
    assert (inner.with_draft, inner.draft_minor) == (1, outer + 2 * 500)
    named = answered(street, ask(street, draft(), replaces="vip")).figures
    assert named.draft_minor == inner.draft_minor


def test_a_stay_without_a_price_is_told_and_counted_apart(street: Street) -> None:
    stay(street, CAR, 61)
    only_long = [replace(plan, condition=replace(plan.condition, min_stay_minutes=600)) for plan in draft().plans]
    impossible = replace(draft(), plans=tuple(only_long))
    done = answered(street, ask(street, impossible))
    assert (done.figures.stays, done.figures.refused, done.figures.refused_minor) == (0, {"no_plan": 1}, 750)


def test_stays_of_other_months_stay_out(street: Street) -> None:
    stay(street, CAR, 61)
    street.pass_minutes(31 * 24 * 60)
    stay(street, OTHER_CAR, 61)  # in April
    assert answered(street, ask(street, draft())).figures.stays == 1
    april = answered(street, ask(street, draft(), month="2026-04"))
    assert (april.figures.stays, april.figures.then_minor) == (1, 750)


def test_months_are_those_of_the_lot() -> None:
    march = service.month_of("2026-03", "Asia/Shanghai")
    assert (march.start, march.end) == (from_iso("2026-02-28T16:00:00Z"), from_iso("2026-03-31T16:00:00Z"))
    december = service.month_of("2026-12", "Europe/Berlin")
    assert december.end == from_iso("2026-12-31T23:00:00Z")
    for wrong in ("2026-13", "2026", "1999-01", "2026-1"):
        with pytest.raises(Malformed):
            service.month_of(wrong, "UTC")


def test_many_stays_are_done_in_pages_and_once(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    for minutes in (20, 20, 20, 40, 40):
        stay(street, CAR, minutes)
    monkeypatch.setattr(store, "PAGE", 2)
    monkeypatch.setattr(store.STAYS_THAT_ENDED, "clause", store.STAYS_THAT_ENDED.clause.limit(2))
    monkeypatch.setattr(store.STAYS_THAT_ENDED, "_variants", {})
    asked = ask(street, draft())
    first = read(street.db, service.next_page, what_if=asked.id)
    assert first is not None
    found = service.priced(first)
    assert write(street.db, service.go_on, page=first, found=found)
    assert not write(street.db, service.go_on, page=first, found=found)  # somebody else was first
    half = read(street.db, service.what_if, what_if=asked.id)
    assert (half.state, half.total, half.figures.looked_at) == (WhatIfState.RUNNING, 5, 2)
    done = answered(street, asked)
    assert (done.state, done.figures.stays, done.figures.then_minor) == (WhatIfState.DONE, 5, 3 * 250 + 2 * 500)
    assert done.figures.draft_minor == 2 * done.figures.then_minor


def test_questions_are_bounded(street: Street) -> None:
    with pytest.raises(Refused, match=r"what_if\.currency"):
        ask(street, replace(draft(), currency="HKD"))
    with pytest.raises(Malformed, match=r"what_if\.month"):
        ask(street, draft(), month="2026-04")  # it has not begun
    first, second = ask(street, draft()), ask(street, draft())
    with pytest.raises(Refused, match=r"what_if\.busy"):
        ask(street, draft())
    for asked in (first, second):
        answered(street, asked)
    for _ in range(store.KEPT + 1):
        answered(street, ask(street, draft()))
    kept = read(street.db, service.what_ifs, lot=street.lot, before=BEYOND_ALL, limit=200)
    assert len(kept) == store.KEPT
    with pytest.raises(NotFound):
        read(street.db, service.what_if, what_if=first.id)


def test_a_defect_ends_a_question_after_some_tries(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    stay(street, CAR, 61)
    asked = ask(street, draft())
    monkeypatch.setattr(service, "priced", lambda page: [][1])
    work = stays.Repricing(street.db).work
    for attempt in (1, 2, 3):
        with pytest.raises(IndexError):
            asyncio.run(work(Job(asked.id, service.JOB_WHAT_IF, {"what_if": str(asked.id)}, attempt, None)))
        state = read(street.db, service.what_if, what_if=asked.id).state
        assert state is (WhatIfState.FAILED if attempt == 3 else WhatIfState.WAITING)


def test_pages_follow_an_index(street: Street, db: Database) -> None:
    span = {"lot": street.lot, "after_at": 0, "until_at": DAY_US, "after_id": Id(int=0)}
    for query in (store.STAYS_THAT_ENDED, store.COUNT_ENDED):
        plan = plan_of(db, query, span)
        assert "ix_stay_left" in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan


def test_publishing_meanwhile_changes_nothing(street: Street) -> None:
    """Other tariffs are those in force at the entry, whatever was published since."""
    street.arrive("in-1", CAR)
    street.pass_minutes(30)
    street.arrive("vip-in", CAR)
    street.pass_minutes(60)
    street.arrive("vip-out", CAR)
    street.pass_minutes(1)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    dearer = tariffs.read_tariff(
        (ROOT / "tariffs" / "vip.yaml").read_text(encoding="utf-8").replace('"6.00"', '"60.00"'), name="vip"
    )
    write(street.db, tariffs.publish, company=COMPANY, tariff=dearer)
    figures = answered(street, ask(street, draft())).figures
    assert figures.then_minor == 500 + 1200
    assert figures.draft_minor == 1000 + 1200


def test_a_stay_that_went_on_costs_what_it_added(street: Street) -> None:
    """A car that comes back within the minutes of its tariff goes on with its stay; both parts together are priced."""
    text = MALL + "reentry_minutes: 20\n"
    write(street.db, tariffs.publish, company=COMPANY, tariff=tariffs.read_tariff(text, name="mall"))
    stay(street, CAR, 20)
    street.pass_minutes(8)
    stay(street, CAR, 45)
    first, second = sorted(street.closed(), key=lambda each: each.entered_at)
    assert second.continues_id == first.id
    same = answered(street, ask(street, tariffs.read_tariff(text, name="same"))).figures
    assert (same.then_minor, same.draft_minor) == (first.price_minor + second.price_minor, same.then_minor)
    dearer = tariffs.read_tariff(text.replace('"2.50"', '"5.00"'), name="dearer")
    assert answered(street, ask(street, dearer)).figures.draft_minor == 2 * same.then_minor
