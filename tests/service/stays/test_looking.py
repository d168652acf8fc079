"""What people look at, and what they do about cases. On every database."""

from typing import Any

import pytest

from openberth.contexts import facility, payments, stays
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.contexts.stays import CaseAction
from openberth.contexts.stays.model.entities import CaseKind, Resolution
from openberth.contexts.stays.service import queries
from openberth.contexts.stays.service.listing import StaysAsked, listed_stays, plate_named
from openberth.contexts.stays.store import reading
from openberth.infra import vault
from openberth.infra.database import Reader
from openberth.infra.lists import ListAsk
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US
from tests.service.acting import events, plan_of, read, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street


def now(street: Street) -> queries.LotNow:
    [found] = read(street.db, queries.overview)
    return found


def books(street: Street) -> queries.Books:
    lot = read(street.db, facility.lot_by_id, lot=street.lot)
    return read(street.db, queries.books, lot=lot)


def listed(street: Street, ask: ListAsk = ListAsk(50), **only: Any) -> list[queries.StayRow]:  # noqa: B008
    return list(read(street.db, listed_stays, lots=[street.lot], ask=ask, only=StaysAsked(**only)).items)


def test_the_overview_counts_what_happened_just_now(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("in-2", OTHER_CAR)
    street.arrive("out-1", CAR)
    seen = now(street)
    assert (seen.entries, seen.exits, seen.cases_open) == (1, 0, 0)  # the first entry is an hour ago
    [waiting] = [each.waiting for each in seen.ground.lanes if each.waiting]
    assert (waiting.plate, waiting.bill and waiting.bill.due.minor) == ("粤B·**345", 750)
    street.pay_cash("out-1")
    seen = now(street)
    assert (seen.exits, seen.received_today.minor) == (1, 750)
    street.pass_minutes(16 * 60)  # 17:01 to 09:01 in Shanghai
    assert now(street).received_today.minor == 0


def test_money_of_the_day_is_that_of_the_lots_own_day(street: Street) -> None:
    """Business time runs 60 times as fast here, so ids of the day are younger than the day."""
    street.arrive("in-2", CAR)
    street.business.advance(61 * MINUTE_US)
    street.machine.advance(MINUTE_US)
    street.arrive("out-2", CAR)
    street.pay_cash("out-2")
    street.business.advance(120 * MINUTE_US)
    street.machine.advance(2 * MINUTE_US)
    assert now(street).received_today.minor == 750


def test_stays_are_listed_newest_first_whether_they_have_ended_or_not(street: Street) -> None:
    for plate in (CAR, OTHER_CAR, THIRD_CAR):
        street.arrive("in-2", plate)
        street.pass_minutes(1)
    street.arrive("out-2", OTHER_CAR)
    assert [row.plate for row in listed(street)] == ["京A·**888", "粤B·**890", "粤B·**345"]
    assert [row.plate for row in listed(street, open_ones=False)] == ["粤B·**890"]
    assert [row.plate for row in listed(street, plate=read(street.db, plate_named, text=CAR))] == ["粤B·**345"]
    page = read(street.db, listed_stays, lots=[street.lot], ask=ListAsk(2), only=StaysAsked())
    assert page.more_after is not None
    assert [row.plate for row in listed(street, ListAsk(2, after=page.more_after))] == ["粤B·**345"]


def test_the_books_say_what_was_billed_paid_and_is_due(street: Street) -> None:
    street.arrive("in-2", CAR)
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-2", CAR)
    street.pay_cash("out-2")
    street.arrive("out-2", OTHER_CAR)
    street.pay_a_part("out-2", 300)  # not all of it
    found = books(street)
    assert (found.passages_in, found.passages_out, found.stays_open, found.stays_closed) == (2, 1, 1, 1)
    received = {method: money.minor for method, money in found.received.items()}
    assert (found.billed.minor, found.due.minor, received) == (1500, 450, {"cash": 750, "sandpay": 300})
    assert found.billed.minor == found.due.minor + sum(received.values()) - found.surplus.minor


def test_money_of_another_currency_is_kept_apart(street: Street) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(61)
    street.arrive("out-2", CAR)
    street.pay_a_part("out-2", 99_900, "JPY")
    street.pay_a_part("out-2", 100, "JPY")
    street.refunds_get_stuck()
    assert street.case_kinds() == ["surplus", "surplus"]  # it has to go back; the bill is still asked for
    street.pay_cash("out-2")
    found = books(street)
    assert (found.received, found.surplus.minor) == ({"cash": Money(750, "CNY")}, 0)
    assert found.foreign == [Money(100_000, "JPY")]
    assert found.billed.minor == found.due.minor + 750 == 750
    lot = read(street.db, facility.lot_by_id, lot=street.lot)
    assert read(street.db, queries.lot_now, lot=lot).received_today == Money(750, "CNY")


def test_a_superseded_bill_counts_with_what_was_paid_on_it(street: Street) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(61)
    street.arrive("out-2", CAR)
    street.pay_a_part("out-2", 300)
    street.pass_minutes(30)
    street.arrive("out-2", OTHER_CAR)  # CAR has gone back: another one stands there
    street.pass_minutes(90)
    write(street.db, stays.bill_in_advance, lot=street.lot, plate=Plate.read(CAR))
    totals = read(street.db, payments.totals, lot=street.lot)
    assert set(totals.billed) == {"open", "superseded"}
    found = books(street)
    assert found.billed.minor == found.due.minor + 300 == 1750  # 181 minutes are seven half hours


@pytest.mark.parametrize("action", [CaseAction.CORRECT_PLATE, CaseAction.MATCH_STAY, CaseAction.OPEN])
def test_a_case_is_resolved_at_its_lane_and_told_once(street: Street, action: CaseAction) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(61)
    street.arrive("out-2", "粤B12346")
    [case] = street.cases()
    [found] = read(street.db, queries.case_detail, case=case.id).candidates
    stay, masked = found.stay, found.plate
    assert masked == "粤B·**345"
    plate = Plate.read(CAR) if action is CaseAction.CORRECT_PLATE else None
    after = write(street.db, stays.resolve, case=case.id, action=action, reason=" seen ", plate=plate, stay=stay)
    assert (after.resolution, after.reason, after.resolved_by) == (
        {
            CaseAction.CORRECT_PLATE: Resolution.CORRECTED,
            CaseAction.MATCH_STAY: Resolution.MATCHED,
            CaseAction.OPEN: Resolution.OPENED,
        }[action],
        "seen",
        "system:test",
    )
    assert len(events(street.db, "stays.case_resolved")) == 1
    assert street.standing("out-2").waiting is (action is not CaseAction.OPEN)
    if action is not CaseAction.OPEN:
        street.pay_cash("out-2")
        assert [found.id for found in street.closed()] == [stay]
    with pytest.raises(Refused, match=r"exception\.resolved"):
        write(street.db, stays.resolve, case=case.id, action=CaseAction.DISMISS, reason="again")


def test_a_gate_that_failed_is_told_again_for_the_same_car(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.machine.advance(31_000_000)
    write(street.db, facility.end_expired)  # nobody fetched the command: the barrier is away
    street.react()
    [case] = street.cases()
    assert case.kind is CaseKind.GATE_FAILED
    write(street.db, stays.resolve, case=case.id, action=CaseAction.OPEN, reason="told again")
    again = street.commands()[0]
    assert (again.passage_id, again.reason) == (case.passage_id, "told again")
    assert len(street.commands()) == 2
    assert len(street.inside()) == 1
    assert street.cases() == []


def test_nobody_else_is_let_through_for_a_case(street: Street) -> None:
    street.arrive("out-2", CAR)  # without an entry
    [case] = street.cases()
    street.pass_minutes(1)
    street.arrive("out-2", OTHER_CAR)
    with pytest.raises(Refused, match=r"exception\.resolved"):  # it ended when its car made room
        write(street.db, stays.resolve, case=case.id, action=CaseAction.OPEN, reason="x")
    with pytest.raises(NotFound):
        write(street.db, stays.resolve, case=Id(int=7), action=CaseAction.OPEN, reason="x")


def test_history_is_not_scanned_for_the_overview(street: Street) -> None:
    since = lowest_at(street.machine.now() // 1_000)
    plan = plan_of(street.db, reading.CROSSED_SINCE, {"lot": street.lot, "since_id": since})
    assert "ix_passage_lot (lot_id=? AND id>?)" in plan
    asked = {"lot": street.lot, "wanted_currency": "CNY", "since_id": since, "since": 0}
    plan = plan_of(street.db, receipt_store.RECEIVED_SINCE, asked)
    assert "ix_receipt_received (lot_id=? AND received_at>?)" in plan


def test_an_erased_person_shows_nobody(street: Street) -> None:
    street.arrive("in-2", CAR)
    [stay] = street.inside()
    assert stay.plate_id is not None
    write(street.db, vault.erase, vault_id=stay.plate_id)
    assert [row.plate for row in listed(street)] == [None]

    def detail(reader: Reader) -> queries.StayDetail:
        return queries.stay_detail(reader, stay=stay.id)

    assert read(street.db, detail).row.plate is None
