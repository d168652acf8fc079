"""Cash in any order of takings, refunds, counts, hand-overs and corrections: none vanishes, and no till keeps any."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openberth.contexts.payments.model import AccountCode, cash_ledger
from openberth.contexts.payments.model.ledger import Account, Transfer, till_of
from openberth.contexts.payments.model.safes import MoveKind, SafeMove
from openberth.contexts.payments.model.shifts import (
    Check,
    Count,
    Holder,
    Shift,
    ShiftState,
    checked,
    counted,
    found_now,
    handed_over,
)
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

AMOUNTS = st.integers(0, 2_000)
PICKS = st.integers(0, 9)
WORLD = Account(AccountCode.REVENUE)  # where money comes from and goes back to
BOSS = Holder("person", "boss")
SAFE, LOT, COMPANY = (Id(int=number) for number in (1, 2, 3))


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


class OneLot(RuleBasedStateMachine):
    """A lot with guards who come and go. The ledger is kept here; the rules say what is booked."""

    @initialize()
    def nothing_yet(self) -> None:
        self.ledger: Counter[Account] = Counter()
        self.shifts: dict[Id, Shift] = {}
        self.checks: dict[Id, list[Check]] = {}
        self.ticks = 0

    def new_id(self) -> Id:
        self.ticks += 1
        return uuid7(1_790_000_000_000 + self.ticks, 0, self.ticks)

    def book(self, transfers: Iterable[Transfer]) -> None:
        for each in transfers:
            self.ledger[each.debit] += each.amount.minor
            self.ledger[each.credit] -= each.amount.minor

    def any_shift(self, pick: int, *states: ShiftState) -> Shift | None:
        found = [each for each in self.shifts.values() if each.state in states]
        return found[pick % len(found)] if found else None

    @property
    def in_safe(self) -> int:
        return self.ledger[Account(AccountCode.SAFE, SAFE)]

    @rule(minor=AMOUNTS, kind=st.sampled_from(MoveKind))
    def carried(self, minor: int, kind: MoveKind) -> None:
        if not minor or (kind is MoveKind.DEPOSITED and minor > self.in_safe):
            return
        self.book(
            cash_ledger.carried(
                SafeMove(
                    id=self.new_id(), company=COMPANY, lot=LOT, safe=SAFE, kind=kind, amount=yuan(minor),
                    reference="x", by=BOSS, at=Instant(0),
                )
            )
        )  # fmt: skip

    @rule(opening=AMOUNTS)
    def opened(self, opening: int) -> None:
        shift = Shift(
            id=self.new_id(), company=COMPANY, lot=LOT, number=len(self.shifts) + 1,
            holder=Holder("person", f"guard-{len(self.shifts)}"), booth=None, opening=yuan(min(opening, self.in_safe)),
            opened_at=Instant(0),
        )  # fmt: skip
        self.shifts[shift.id], self.checks[shift.id] = shift, []
        self.book(cash_ledger.opened(shift, SAFE))

    @rule(pick=PICKS, minor=st.integers(-800, 2_000))
    def cash_comes_or_goes_back(self, pick: int, minor: int) -> None:
        shift = self.any_shift(pick, ShiftState.OPEN)
        if shift is not None and minor and self.ledger[till_of(shift.id)] + minor >= 0:
            to, out_of = (till_of(shift.id), WORLD) if minor > 0 else (WORLD, till_of(shift.id))
            self.book([Transfer("cash", self.new_id(), to, out_of, yuan(abs(minor)))])

    @rule(pick=PICKS, off=st.integers(-300, 300))
    def counted(self, pick: int, off: int) -> None:
        shift = self.any_shift(pick, ShiftState.OPEN)
        if shift is not None:
            expected = self.ledger[till_of(shift.id)]
            count = Count(yuan(max(expected + off, 0)))
            self.shifts[shift.id], _ = counted(shift, count, expected=yuan(expected), totals=[], now=Instant(1))

    @rule(pick=PICKS, onto=st.none() | PICKS, passed=st.none() | AMOUNTS)
    def handed_over(self, pick: int, onto: int | None, passed: int | None) -> None:
        shift = self.any_shift(pick, ShiftState.COUNTED)
        if shift is None:
            return
        following = None if onto is None else self.any_shift(onto, *ShiftState)
        with suppress(Refused):
            after, _ = handed_over(
                shift, by=shift.holder, reason="x", onto=following, passed=None if passed is None else yuan(passed),
                now=Instant(2),
            )  # fmt: skip
            self.shifts[shift.id] = after
            self.book(cash_ledger.handed_over(after, SAFE))

    @rule(pick=PICKS, off=st.none() | st.integers(-500, 500))
    def looked_at_again(self, pick: int, off: int | None) -> None:
        shift = self.any_shift(pick, *ShiftState)
        if shift is None:
            return
        before = self.checks[shift.id]
        with suppress(Refused):
            believed = yuan(0) if shift.counted is None else found_now(shift, before)
            count = None if off is None else Count(yuan(max(believed.minor + off, 0)))
            check, _ = checked(shift, before, count, id=self.new_id(), by=BOSS, reason="x", now=Instant(3))
            if self.in_safe + check.counted.minor - believed.minor < 0:
                return
            self.book(cash_ledger.corrected(check, believed, SAFE))
            before.append(check)

    @invariant()
    def no_cash_vanishes(self) -> None:
        assert sum(self.ledger.values()) == 0
        assert self.in_safe >= 0

    @invariant()
    def a_closed_till_holds_nothing_and_what_is_missing_is_known(self) -> None:
        for shift in self.shifts.values():
            till, missing = self.ledger[till_of(shift.id)], self.ledger[Account(AccountCode.CASH_VARIANCE, shift.id)]
            if shift.state is ShiftState.HANDED_OVER:
                assert shift.expected is not None
                assert (till, missing) == (0, shift.expected.minor - found_now(shift, self.checks[shift.id]).minor)
            else:
                assert till >= 0
                assert missing == 0
                assert shift.expected is None or shift.expected.minor == till


OneLot.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestOneLot = OneLot.TestCase
