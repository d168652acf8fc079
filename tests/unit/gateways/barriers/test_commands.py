from uuid import UUID

import pytest

from openberth.gateways.barriers.commands import (
    MAX_OPEN,
    REMEMBERED,
    BarrierCommand,
    CommandLedger,
    CommandOutcome,
    CommandReport,
)
from openberth.gateways.barriers.messages import BarrierStatus, Boom, CommandResult, Operation, Result
from openberth.kernel.errors import Overloaded, Refused
from openberth.kernel.time import SECOND_US, Instant

T0 = Instant(1_000 * SECOND_US)
LIFE_END = Instant(T0 + 30 * SECOND_US)
ID = UUID(int=1)


def at(seconds: int) -> Instant:
    return Instant(T0 + seconds * SECOND_US)


def status(boom: Boom = Boom.CLOSED, *, locked: bool = False, passes: int = 0) -> BarrierStatus:
    return BarrierStatus(boom, locked, loop_before=False, loop_under=False, passes=passes)


def ledger(operation: Operation = Operation.OPEN) -> CommandLedger:
    made = CommandLedger()
    made.sent(BarrierCommand(ID, operation, LIFE_END))
    return made


def accepted(made: CommandLedger) -> CommandLedger:
    assert made.result(CommandResult(ID, Result.ACCEPTED), at(0)) == [
        CommandReport(ID, CommandOutcome.ACCEPTED, "result")
    ]
    return made


@pytest.mark.parametrize(
    ("result", "outcome", "reason"),
    [
        (Result.DONE, CommandOutcome.DONE, "result"),
        (Result.LOCKED, CommandOutcome.REJECTED, "locked"),
        (Result.OBSTRUCTED, CommandOutcome.REJECTED, "obstructed"),
        (Result.EXPIRED, CommandOutcome.REJECTED, "expired"),
        (Result.FAULT, CommandOutcome.REJECTED, "fault"),
    ],
)
@pytest.mark.parametrize("after_accepted", [False, True])
def test_a_result_ends_the_command(result: Result, outcome: CommandOutcome, reason: str, after_accepted: bool) -> None:
    made = accepted(ledger()) if after_accepted else ledger()
    assert made.result(CommandResult(ID, result), at(3)) == [CommandReport(ID, outcome, reason)]
    assert made.is_idle
    assert made.expire(at(100)) == []


def test_accepted_alone_is_uncertain_when_the_life_is_over() -> None:
    made = accepted(ledger())
    assert made.expire(Instant(LIFE_END - 1)) == []
    assert made.expire(LIFE_END) == [CommandReport(ID, CommandOutcome.UNCERTAIN, "no_evidence")]
    assert made.expire(LIFE_END) == []


@pytest.mark.parametrize(
    ("operation", "seen", "fits"),
    [
        (Operation.OPEN, status(Boom.OPEN), True),
        (Operation.OPEN, status(Boom.OPENING), False),
        (Operation.OPEN, status(Boom.CLOSED), False),
        (Operation.CLOSE, status(Boom.CLOSED), True),
        (Operation.CLOSE, status(Boom.CLOSING), False),
        (Operation.STOP, status(Boom.OPEN), False),
        (Operation.LOCK_OPEN, status(Boom.OPEN, locked=True), True),
        (Operation.LOCK_OPEN, status(Boom.OPEN), False),
        (Operation.LOCK_OPEN, status(Boom.OPENING, locked=True), False),
        (Operation.UNLOCK, status(Boom.CLOSED), True),
        (Operation.UNLOCK, status(Boom.OPEN, locked=True), False),
    ],
)
def test_a_fitting_status_is_done(operation: Operation, seen: BarrierStatus, fits: bool) -> None:
    made = accepted(ledger(operation))
    assert made.status(seen, at(2)) == ([CommandReport(ID, CommandOutcome.DONE, "status")] if fits else [])


def test_a_status_on_its_way_before_acceptance_is_no_evidence() -> None:
    made = ledger()
    assert made.status(status(Boom.OPEN, passes=5), at(1)) == []
    assert made.expire(LIFE_END) == [CommandReport(ID, CommandOutcome.UNCERTAIN, "no_evidence")]


def test_a_car_that_crossed_is_evidence_for_an_open() -> None:
    made = ledger()
    made.status(status(passes=7), at(0))
    accepted(made)
    assert made.status(status(passes=7), at(1)) == []
    assert made.status(status(passes=8), at(2)) == [CommandReport(ID, CommandOutcome.DONE, "pass")]


def test_a_count_that_started_anew_is_only_a_new_base() -> None:
    made = ledger()
    made.status(status(passes=7), at(0))
    accepted(made)
    assert made.status(status(passes=0), at(1)) == []
    assert made.status(status(passes=1), at(2)) == [CommandReport(ID, CommandOutcome.DONE, "pass")]


def test_the_first_count_ever_seen_is_no_pass() -> None:
    assert accepted(ledger()).status(status(passes=7), at(1)) == []


def test_a_pass_says_nothing_about_other_operations() -> None:
    made = ledger(Operation.STOP)
    made.status(status(passes=7), at(0))
    assert accepted(made).status(status(passes=8), at(1)) == []


def test_what_comes_after_the_life_is_late_and_reported_after_the_end() -> None:
    made = accepted(ledger())
    assert made.result(CommandResult(ID, Result.DONE), LIFE_END) == [
        CommandReport(ID, CommandOutcome.UNCERTAIN, "no_evidence"),
        CommandReport(ID, CommandOutcome.DONE, "result", late=True),
    ]


def test_a_status_at_the_end_of_the_life_is_too_late() -> None:
    assert accepted(ledger()).status(status(Boom.OPEN), LIFE_END) == [
        CommandReport(ID, CommandOutcome.UNCERTAIN, "no_evidence")
    ]


def test_done_after_a_status_showed_it_is_no_news_but_a_fault_is() -> None:
    made = accepted(ledger())
    made.status(status(Boom.OPEN), at(1))
    assert made.result(CommandResult(ID, Result.DONE), at(2)) == []
    assert made.result(CommandResult(ID, Result.ACCEPTED), at(2)) == []
    assert made.result(CommandResult(ID, Result.FAULT), at(2)) == [
        CommandReport(ID, CommandOutcome.REJECTED, "fault", late=True)
    ]


def test_a_result_of_an_unknown_command_is_late() -> None:
    assert CommandLedger().result(CommandResult(ID, Result.DONE), T0) == [
        CommandReport(ID, CommandOutcome.DONE, "result", late=True)
    ]


def test_nothing_is_sent_twice_even_after_its_end() -> None:
    made = ledger()
    made.expire(LIFE_END)
    with pytest.raises(Refused, match=r"barrier\.command_repeated"):
        made.sent(BarrierCommand(ID, Operation.OPEN, at(100)))


def test_open_commands_and_remembered_ids_are_bounded() -> None:
    made = CommandLedger()
    for n in range(MAX_OPEN):
        made.sent(BarrierCommand(UUID(int=n), Operation.OPEN, LIFE_END))
    with pytest.raises(Overloaded):
        made.check(UUID(int=MAX_OPEN))
    assert len(made.stop()) == MAX_OPEN
    for n in range(MAX_OPEN, 3 * REMEMBERED):
        made.sent(BarrierCommand(UUID(int=n), Operation.OPEN, LIFE_END))
        made.stop()
    made.check(UUID(int=0))
    with pytest.raises(Refused):
        made.check(UUID(int=3 * REMEMBERED - 1))


def test_stopping_makes_the_rest_uncertain() -> None:
    assert accepted(ledger()).stop() == [CommandReport(ID, CommandOutcome.UNCERTAIN, "stopped")]
