"""Shifts on real databases: cash lies in the till of whoever took it until it is counted, handed over and confirmed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from openberth.contexts import payments, tenancy
from openberth.contexts.payments.model import Bill, ReceiptMethod, RefundState
from openberth.contexts.payments.model.safes import MoveKind
from openberth.contexts.payments.model.shifts import Count, Shift, ShiftState
from openberth.contexts.payments.service import refunds, safes, sheets, shifts, tills
from openberth.contexts.payments.service.receipts import take_slip
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service import organisation, settings
from openberth.entrypoints.cli.ledger import compared
from openberth.infra import alarms
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL
from openberth.kernel.money import Money
from tests.service.acting import COMPANY, OTHER_COMPANY, SYSTEM, events, read, write
from tests.service.databases import ONCE
from tests.service.payments.test_refunds import balances
from tests.service.stays.street import Street
from tests.service.tenancy.trail import sql
from tests.waiting import PATIENCE_S


def yuan(amount: float | str) -> Money:
    return Money.of(str(amount), "CNY")


def person(name: str, role: tenancy.Role = tenancy.Role.GUARD) -> Caller:
    return Caller(Actor(ActorKind.PERSON, name), Scope(COMPANY), tenancy.ROLES[role])


LI, WANG = person("li"), person("wang")
BOSS = person("boss", tenancy.Role.LOT_MANAGER)
FINANCE = person("fin", tenancy.Role.FINANCE)


class Booth:
    """A mall whose guards work in shifts."""

    def __init__(self, street: Street) -> None:
        self.street, self.db, self.lot = street, street.db, street.lot
        self._cars = 0

    def do(self, use_case: Callable[..., Any], by: Caller, **params: Any) -> Any:
        return write(self.db, use_case, by=by, **params)

    def owing(self) -> Bill:
        """Let a car come that owes 7.50."""
        self._cars += 1
        plate = f"粤B{self._cars:05}"
        self.street.arrive("in-1", plate)
        self.street.pass_minutes(61)
        bill, _ = self.street.bill_in_advance(plate)
        assert bill.left == yuan("7.50")
        return bill  # type: ignore[no-any-return]

    def fill(self, amount: Money, reference: str = "F1") -> None:
        self.do(safes.move_cash, BOSS, lot=self.lot, kind=MoveKind.FETCHED, amount=amount, reference=reference)

    def open(self, by: Caller = LI, opening: Money | None = None) -> Shift:
        return self.do(shifts.open_shift, by, lot=self.lot, opening=opening or yuan(0))  # type: ignore[no-any-return]

    def take(self, by: Caller = LI) -> Any:
        return self.do(payments.take_cash, by, bill=self.owing().id, tendered=yuan(10))[0].receipt

    def hand_over(self, shift: Shift, amount: float | str | None, by: Caller = LI, **more: Any) -> Shift:
        count = None if amount is None else Count(yuan(amount))
        return self.do(shifts.hand_over, by, shift=shift.id, count=count, **more)  # type: ignore[no-any-return]

    def safe(self) -> Money:
        [found] = read(self.db, safes.safes_of_lot, lot=self.lot)
        return found.balance

    def cash(self) -> dict[str, int]:
        """Return where cash is, and how much is missing."""
        of_cash = ("till", "safe", "bank", "cash_variance")
        return {code: minor for code, minor in balances(self.street).items() if code in of_cash}

    def agrees(self) -> bool:
        return [one.what for one in compared(self.db)[1]] == []


@pytest.fixture
def booth(street: Street) -> Booth:
    return Booth(street)


def test_cash_lies_in_the_till_of_whoever_took_it_and_then_in_the_safe(booth: Booth) -> None:
    booth.fill(yuan(300))
    mine = booth.open(LI, yuan(200))
    his = booth.open(WANG)
    assert (mine.number, his.number) == (1, 2)
    receipts = [booth.take(LI), booth.take(LI), booth.take(WANG)]
    assert [each.shift for each in receipts] == [mine.id, mine.id, his.id]
    assert booth.agrees()
    done = booth.hand_over(mine, 215)
    assert (done.state, done.variance, done.expected) == (ShiftState.HANDED_OVER, yuan(0), yuan(215))
    assert booth.safe() == yuan(315)
    assert balances(booth.street)["till"] == 750
    booth.hand_over(his, "7.50", WANG)
    assert booth.safe() == yuan("322.50")
    assert "till" not in balances(booth.street)
    assert booth.agrees()
    kinds = [each.kind for each in events(booth.db) if "shift" in each.kind or "safe" in each.kind]
    assert [kind.removeprefix("payments.") for kind in kinds] == [
        "safe_filled", "shift_opened", "shift_opened", "shift_counted", "shift_handed_over", "shift_counted",
        "shift_handed_over",
    ]  # fmt: skip


@ONCE
def test_a_count_is_blind_and_stands_and_a_difference_wants_a_reason(booth: Booth) -> None:
    shift = booth.open()
    booth.take()
    blind = read(booth.db, sheets.own_sheet, by=LI, shift=shift.id)
    assert (blind.expected, [each.taken for each in blind.methods]) == (None, [None])
    assert read(booth.db, sheets.sheet, by=BOSS, shift=shift.id).expected == yuan("7.50")
    assert read(booth.db, sheets.sheet, by=person("a", tenancy.Role.AUDITOR), shift=shift.id).expected is None
    with pytest.raises(Refused, match=r"shift\.count_needed"):
        booth.hand_over(shift, None)
    assert booth.hand_over(shift, "6.50").state is ShiftState.COUNTED
    assert read(booth.db, sheets.own_sheet, by=LI, shift=shift.id).variance == yuan("-1")
    with pytest.raises(Refused, match=r"shift\.counted"):
        booth.hand_over(shift, "7.50")  # nobody counts again until it fits
    with pytest.raises(Refused, match=r"shift\.counted"):
        booth.take()
    with pytest.raises(Refused, match=r"shift\.already_open"):
        booth.open()
    assert booth.agrees()
    done = booth.hand_over(shift, None, reason="找错钱")
    assert (done.reason, done.variance) == ("找错钱", yuan("-1"))
    assert booth.cash() == {"safe": 650, "cash_variance": 100}
    with pytest.raises(Refused, match=r"shift\.closed"):
        booth.hand_over(shift, "6.50", reason="x")
    assert booth.agrees()


@ONCE
def test_a_difference_below_the_threshold_wants_none(booth: Booth) -> None:
    write(
        booth.db, settings.set_setting, node=Node.of_lot(COMPANY, booth.lot), key="shifts.variance_reason_from",
        value=500,
    )  # fmt: skip
    shift = booth.open()
    booth.take()
    assert booth.hand_over(shift, "12.49").state is ShiftState.HANDED_OVER
    assert booth.cash() == {"safe": 1249, "cash_variance": -499}


def test_cash_goes_straight_to_the_next_guard(booth: Booth) -> None:
    mine, his = booth.open(LI), booth.open(WANG)
    booth.take(LI)
    for wrong in (mine.id, booth.street.company):
        with pytest.raises(Refused, match=r"shift\.next_not_open"):
            booth.hand_over(mine, "7.50", onward=shifts.Onward(wrong))
    with pytest.raises(Refused, match=r"shift\.passed_too_much"):
        booth.hand_over(mine, "7.50", onward=shifts.Onward(his.id, yuan(8)))
    done = booth.hand_over(mine, "7.50", onward=shifts.Onward(his.id, yuan(5)))
    assert (done.passed, done.to_safe, done.next) == (yuan(5), yuan("2.50"), his.id)
    sheet = read(booth.db, sheets.sheet, by=BOSS, shift=his.id)
    assert (sheet.taken_over, sheet.expected) == (yuan(5), yuan(5))
    assert booth.agrees()
    with pytest.raises(Refused, match=r"shift\.passed_on"):
        booth.do(shifts.check_shift, BOSS, shift=mine.id, count=Count(yuan(4)), reason="少了")
    booth.hand_over(his, 5, WANG)
    assert booth.safe() == yuan("7.50")
    assert booth.agrees()


def test_a_supervisor_confirms_or_corrects_by_a_row_and_never_its_own(booth: Booth) -> None:
    shift = booth.open()
    booth.take()
    with pytest.raises(Refused, match=r"shift\.not_handed_over"):
        booth.do(shifts.check_shift, BOSS, shift=shift.id, count=None)
    booth.hand_over(shift, "7.50")
    with pytest.raises(Denied):
        booth.do(shifts.check_shift, LI, shift=shift.id, count=None)
    with pytest.raises(Refused, match=r"reason\.missing"):
        booth.do(shifts.check_shift, BOSS, shift=shift.id, count=Count(yuan(7)))
    booth.do(shifts.check_shift, BOSS, shift=shift.id, count=Count(yuan(7)), reason="多点了一枚")
    booth.do(shifts.check_shift, FINANCE, shift=shift.id, count=None)
    with pytest.raises(Refused, match=r"shift\.confirmed"):
        booth.do(shifts.check_shift, FINANCE, shift=shift.id, count=None)
    sheet = read(booth.db, sheets.sheet, by=FINANCE, shift=shift.id)
    assert [(each.kind.value, each.counted, each.by.name) for each in sheet.checks] == [
        ("corrected", yuan(7), "boss"), ("confirmed", yuan(7), "fin"),
    ]  # fmt: skip
    assert (sheet.shift.counted, sheet.found, sheet.variance) == (yuan("7.50"), yuan(7), yuan("-0.50"))
    assert booth.safe() == yuan(7)
    assert booth.agrees()
    own = booth.open(BOSS)
    booth.do(shifts.hand_over, BOSS, shift=own.id, count=None)  # a remote seat without any cash counts nothing
    with pytest.raises(Refused, match=r"shift\.own"):
        booth.do(shifts.check_shift, BOSS, shift=own.id, count=None)


def test_cash_goes_back_out_of_the_till_of_whoever_gives_it(booth: Booth) -> None:
    shift = booth.open()
    receipt = booth.take()
    giver = booth.open(BOSS)
    refund = {"receipt": receipt.id, "amount": yuan(5), "reason": "停电"}
    both = Caller(BOSS.actor, BOSS.scope, tenancy.PERMISSIONS)
    with pytest.raises(Refused, match=r"till\.too_little"):
        booth.do(refunds.refund, both, **refund)
    mine = Caller(LI.actor, LI.scope, tenancy.PERMISSIONS)
    given = booth.do(refunds.refund, mine, **refund)
    assert (given.state, given.shift) == (RefundState.DONE, shift.id)
    assert booth.hand_over(shift, "2.50").variance == yuan(0)
    assert booth.agrees()
    booth.hand_over(giver, None, BOSS)


def test_slips_are_counted_once_and_go_back_by_hand(booth: Booth) -> None:
    shift = booth.open()
    bill, other = booth.owing(), booth.owing()
    slip = {"bill": bill.id, "method": ReceiptMethod.POS, "terminal": "t-01", "reference": "００1234"}
    with pytest.raises(Refused, match=r"offline\.not_exact"):
        booth.do(take_slip, LI, amount=yuan(8), **slip)
    taken = booth.do(take_slip, LI, amount=yuan("7.50"), **slip)
    assert (taken.receipt.transaction, taken.receipt.shift) == ("T-01/001234", shift.id)
    assert booth.do(take_slip, WANG, amount=yuan("7.50"), **slip).repeated
    for wrong in ({"amount": yuan(7)}, {"amount": yuan("7.50"), "bill": other.id}):
        with pytest.raises(Refused, match=r"receipt\.differs"):
            booth.do(take_slip, LI, **{**slip, **wrong})
    with pytest.raises(Malformed, match=r"offline\.terminal"):
        booth.do(take_slip, LI, **{**slip, "amount": yuan(1), "terminal": None})
    transfer = {"bill": other.id, "method": ReceiptMethod.OTHER, "amount": yuan("7.50"), "reference": "T1"}
    with pytest.raises(Refused, match=r"reason\.missing"):
        booth.do(take_slip, LI, **transfer)
    booth.do(take_slip, LI, **transfer, note="银行转账")
    told = balances(booth.street)
    assert (told["pos_clearing"], told["other_clearing"], "till" in told) == (750, 750, False)
    asked = booth.do(refunds.refund, FINANCE, receipt=taken.receipt.id, amount=yuan(2), reason="多收")
    assert (asked.state, asked.detail) == (RefundState.STUCK, "offline")
    booth.street.react()
    assert booth.street.case_kinds() == ["surplus"]
    with pytest.raises(Refused, match=r"refund\.offline"):
        booth.do(refunds.try_again, FINANCE, refund=asked.id)
    for _ in range(2):
        made = booth.do(refunds.give_by_hand, FINANCE, refund=asked.id, reference="R9")
        assert (made.state, made.channel_refund) == (RefundState.DONE, "R9")
    with pytest.raises(Refused, match=r"refund\.ended"):
        booth.do(refunds.give_by_hand, FINANCE, refund=asked.id, reference="R10")
    booth.street.react()
    assert booth.street.case_kinds() == []
    assert balances(booth.street)["pos_clearing"] == 550
    sheet = read(booth.db, sheets.own_sheet, by=LI, shift=shift.id)
    assert [(each.method.value, each.count, each.taken) for each in sheet.methods] == [
        ("pos", 1, yuan("7.50")), ("other", 1, yuan("7.50")),
    ]  # fmt: skip
    assert [(each.transaction, each.note) for each in sheet.slips] == [("T-01/001234", None), ("T1", "银行转账")]
    assert booth.hand_over(shift, None).state is ShiftState.HANDED_OVER
    assert booth.agrees()


@ONCE
def test_a_lot_may_take_cash_in_shifts_only(booth: Booth) -> None:
    assert booth.take().shift is None  # the common till, as ever
    write(booth.db, settings.set_setting, node=Node.of_lot(COMPANY, booth.lot), key="shifts.required", value=True)
    with pytest.raises(Refused, match=r"shift\.none_open"):
        booth.take()
    booth.open()
    booth.take()
    collect = {"lot": booth.lot, "kind": MoveKind.COLLECTED, "reference": "C1"}
    with pytest.raises(Refused, match=r"till\.too_little"):
        booth.do(safes.move_cash, BOSS, amount=yuan(8), **collect)
    booth.do(safes.move_cash, BOSS, amount=yuan("7.50"), **collect)
    assert booth.safe() == yuan("7.50")
    assert booth.agrees()


def test_the_safe_knows_what_went_to_the_bank_and_never_holds_less_than_nothing(booth: Booth) -> None:
    booth.fill(yuan(100))
    deposit = {"lot": booth.lot, "kind": MoveKind.DEPOSITED, "reference": "d-1"}
    with pytest.raises(Refused, match=r"safe\.too_little"):
        booth.do(safes.move_cash, FINANCE, amount=yuan(101), **deposit)
    for _ in range(2):
        booth.do(safes.move_cash, FINANCE, amount=yuan(60), **deposit)
    with pytest.raises(Refused, match=r"safe\.differs"):
        booth.do(safes.move_cash, FINANCE, amount=yuan(40), **deposit)
    with pytest.raises(Denied):
        booth.do(safes.move_cash, LI, amount=yuan(1), **deposit)
    with pytest.raises(Refused, match=r"safe\.too_little"):
        booth.open(LI, yuan(41))
    assert (booth.safe(), balances(booth.street)) == (yuan(40), {"safe": 4000, "bank": -4000})
    [first, second] = read(booth.db, safes.moves_of_lot, lot=booth.lot, before=BEYOND_ALL, limit=9)
    assert (first.kind, first.reference, second.kind) == (MoveKind.DEPOSITED, "D-1", MoveKind.FETCHED)
    assert booth.agrees()


@ONCE
def test_others_shifts_are_not_there_for_a_guard(booth: Booth) -> None:
    shift = booth.open()
    with pytest.raises(NotFound, match=r"shift\.not_found"):
        read(booth.db, sheets.own_sheet, by=WANG, shift=shift.id)
    with pytest.raises(NotFound, match=r"shift\.not_found"):
        booth.hand_over(shift, 0, WANG)
    with pytest.raises(Denied):
        read(booth.db, sheets.sheet, by=WANG, shift=shift.id)
    assert read(booth.db, sheets.own_shifts, by=WANG, lot=booth.lot, before=BEYOND_ALL, limit=9) == []
    assert [
        each.id for each in read(booth.db, sheets.own_shifts, by=LI, lot=booth.lot, before=BEYOND_ALL, limit=9)
    ] == [shift.id]


def test_a_shift_left_open_raises_an_alarm_until_somebody_counts_it(booth: Booth) -> None:
    shift = booth.open()
    booth.take()
    assert write(booth.db, shifts.note_left_open, by=SYSTEM, shift=shift.id)
    [alarm] = read(booth.db, alarms.standing)
    assert (alarm.kind, alarm.params["shift"], alarm.lot) == ("shift_left_open", 1, booth.lot)
    closed = booth.do(shifts.close_shift, BOSS, shift=shift.id, count=Count(yuan("7.50")))
    assert closed.closed_by is not None
    assert (closed.closed_by.name, read(booth.db, alarms.standing)) == ("boss", [])
    assert not write(booth.db, shifts.note_left_open, by=SYSTEM, shift=shift.id)
    with pytest.raises(Refused, match=r"shift\.own"):
        booth.do(shifts.check_shift, BOSS, shift=shift.id, count=None)


def test_a_lot_with_cash_in_hand_does_not_move(booth: Booth) -> None:
    shift = booth.open()
    target = write(booth.db, organisation.found_company, code="second", name="第二", name_en="Second")
    move = tenancy.LotMove(booth.lot, "mall", COMPANY, target)
    with pytest.raises(Refused, match=r"lot\.shift_open"):
        write(booth.db, payments.carry_lot, move=move)
    with pytest.raises(Refused, match=r"company\.shift_open"):
        read(booth.db, payments.refuse_closing, company=COMPANY)
    booth.hand_over(shift, None)
    write(booth.db, payments.carry_lot, move=move)
    read(booth.db, payments.refuse_closing, company=COMPANY)


@ONCE
def test_money_of_the_company_before_is_in_no_till_of_todays(booth: Booth) -> None:
    shift = booth.open()
    cash = {"lot": booth.lot, "method": ReceiptMethod.CASH, "currency": "CNY"}
    assert booth.do(tills.shift_for, LI, company=COMPANY, **cash) == shift.id
    assert booth.do(tills.shift_for, LI, company=OTHER_COMPANY, **cash) is None


def test_a_lot_with_cash_in_its_safe_does_not_move_and_its_company_does_not_close(booth: Booth) -> None:
    booth.fill(yuan(300))
    target = write(booth.db, organisation.found_company, code="second", name="第二", name_en="Second")
    move = tenancy.LotMove(booth.lot, "mall", COMPANY, target)
    with pytest.raises(Refused, match=r"lot\.cash_in_safe"):
        write(booth.db, payments.carry_lot, move=move)
    with pytest.raises(Refused, match=r"company\.cash_in_safe"):
        read(booth.db, payments.refuse_closing, company=COMPANY)
    booth.do(
        safes.move_cash, BOSS, lot=booth.lot, kind=MoveKind.DEPOSITED, amount=yuan(300), reference="D1"
    )  # fmt: skip
    write(booth.db, payments.carry_lot, move=move)
    read(booth.db, payments.refuse_closing, company=COMPANY)


def test_cash_that_is_taken_while_somebody_hands_over_is_in_the_count_or_refused(booth: Booth) -> None:
    write(booth.db, settings.set_setting, node=Node.of_lot(COMPANY, booth.lot), key="shifts.required", value=True)
    bills = [booth.owing() for _ in range(4)]
    shift = booth.open()
    start = threading.Barrier(4)

    def at_once(use_case: Callable[..., Any], **params: Any) -> str:
        start.wait(PATIENCE_S)
        try:
            write(booth.db, use_case, by=LI, **params)
        except Refused as problem:
            return problem.code
        return ""

    taking = [partial(at_once, payments.take_cash, bill=each.id, tendered=yuan("7.50")) for each in bills[:2]]
    count = Count(yuan("7.50"))
    handing = [partial(at_once, shifts.hand_over, shift=shift.id, count=count, reason="交班") for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        told = [each.result(60) for each in [threads.submit(one) for one in (*taking, *handing)]]
    assert sorted(told[2:]) == ["", "shift.closed"]  # one of two hand-overs
    assert set(told[:2]) <= {"", "shift.none_open", "shift.counted"}
    taken = told[:2].count("")
    done = read(booth.db, shifts.shift_by_id, shift=shift.id)
    assert (done.state, done.expected) == (ShiftState.HANDED_OVER, yuan("7.50") * taken)
    assert booth.safe() == yuan("7.50")
    assert booth.agrees()


@ONCE
@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        ("UPDATE safe SET balance_minor = balance_minor + 1", ["safe.balance"]),
        ("UPDATE shift SET counted_minor = counted_minor + 1", ["shift.variance"]),
        ("UPDATE shift SET float_minor = 1", ["shift.expected"]),
        ("UPDATE receipt SET shift_id = NULL", ["receipt.holder", "shift.expected"]),
    ],
)
def test_every_row_about_cash_that_says_otherwise_is_found(booth: Booth, break_it: str, what: list[str]) -> None:
    shift = booth.open()
    booth.take()
    booth.hand_over(shift, "7.50")
    assert booth.agrees()
    sql(booth.db, break_it)
    assert sorted(one.what for one in compared(booth.db)[1]) == what
