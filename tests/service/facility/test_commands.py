"""The life of a command on a real database: 30 s, sent once, its first outcome stays; and its way to a device."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import Command, CommandKind, CommandState, Outcome
from openberth.contexts.facility.reactions import CommandDispatcher, CommandSweeper, end_unfinished
from openberth.contexts.facility.service import commands as service
from openberth.contexts.facility.store import commands as store
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.kernel.authority import Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US
from tests.service.acting import COMPANY, OTHER_COMPANY, events, following, ids_of, mall, of_company, read, write
from tests.waiting import PATIENCE_S

Ids = Mapping[str, Id]


@pytest.fixture
def lot(db: Database) -> Id:
    return mall(db)


@pytest.fixture
def ids(db: Database, lot: Id) -> Ids:
    return ids_of(db, lot)


@pytest.fixture
def issue(db: Database, lot: Id, ids: Ids) -> Callable[..., Command]:
    """Issue an open at a lane; ``answering`` names the camera that is being answered."""

    def issued(lane: str, kind: CommandKind = CommandKind.OPEN, answering: str | None = None) -> Command:
        return write(
            db, facility.issue_command, company=COMPANY, lot=lot, lane=ids[lane], kind=kind, passage=None,
            answering=ids[answering] if answering else None,
        )  # fmt: skip

    return issued


Issue = Callable[..., Command]


def now(db: Database, command: Command) -> Command:
    found = read(db, facility.command, command=command.id)
    assert found is not None
    return found


def ended(db: Database) -> list[tuple[str, str | None]]:
    return [(one.body["outcome"], one.body["detail"]) for one in events(db, facility.CommandEnded.KIND)]


def take(db: Database, device: Id) -> list[Command]:
    return write(db, facility.take_for_sending, device=device)


def test_a_barrier_moves_the_gate_where_there_is_one(db: Database, ids: Ids, issue: Issue) -> None:
    assert issue("in-1").device_id == ids["bar-in-1"]
    assert issue("in-2").device_id == ids["cam-in-2"]


def test_the_answer_to_a_camera_is_sent_by_being_committed(db: Database, ids: Ids, issue: Issue) -> None:
    relay, barrier = issue("in-2", answering="cam-in-2"), issue("in-1", answering="cam-in-1")
    assert (relay.state, relay.born_sent) == (CommandState.SENT, True)
    assert (barrier.state, barrier.born_sent) == (CommandState.WAITING, False)
    assert [one.body["sent"] for one in events(db, facility.CommandIssued.KIND)] == [True, False]
    assert take(db, ids["cam-in-2"]) == []


def test_taken_once_and_never_again(db: Database, ids: Ids, issue: Issue) -> None:
    issued = [issue("in-1"), issue("in-1", CommandKind.CLOSE)]
    taken = take(db, ids["bar-in-1"])
    assert [(one.id, one.kind, one.state) for one in taken] == [
        (issued[0].id, CommandKind.OPEN, CommandState.SENT),
        (issued[1].id, CommandKind.CLOSE, CommandState.SENT),
    ]
    assert taken == [now(db, one) for one in issued]
    assert take(db, ids["bar-in-1"]) == []


def test_it_lives_30_seconds(db: Database, ids: Ids, issue: Issue, machine: ManualClock) -> None:
    waiting, sent = issue("in-2", CommandKind.CLOSE), issue("out-2", answering="cam-out-2")
    machine.advance(30 * SECOND_US)
    assert write(db, facility.end_expired) == 0  # until its last microsecond
    assert take(db, ids["cam-in-2"]) == []  # but it is not sent at the end of its life
    assert now(db, waiting).outcome is Outcome.UNREACHABLE
    machine.advance(1)
    assert write(db, facility.end_expired) == 1
    assert (now(db, sent).outcome, now(db, sent).detail) == (Outcome.UNCERTAIN, "expired")
    assert write(db, facility.end_expired) == 0
    assert ended(db) == [("unreachable", "expired"), ("uncertain", "expired")]


def test_nothing_is_queued_for_a_barrier_without_a_link(
    db: Database, ids: Ids, issue: Issue, machine: ManualClock
) -> None:
    barrier, camera = issue("in-1"), issue("in-2", CommandKind.CLOSE)
    machine.advance(service.UNTAKEN_US)
    assert write(db, facility.end_expired) == 0
    machine.advance(1)
    assert write(db, facility.end_expired) == 1
    assert (now(db, barrier).outcome, now(db, barrier).detail) == (Outcome.UNREACHABLE, "absent")
    assert now(db, camera).state is CommandState.WAITING  # it asks by itself
    assert take(db, ids["bar-in-1"]) == []


def test_a_taken_barrier_command_is_not_absent(db: Database, ids: Ids, issue: Issue, machine: ManualClock) -> None:
    issued = issue("in-1")
    take(db, ids["bar-in-1"])
    machine.advance(10 * SECOND_US)
    assert write(db, facility.end_expired) == 0
    assert now(db, issued).state is CommandState.SENT


def test_the_first_outcome_stays(db: Database, ids: Ids, issue: Issue) -> None:
    issued = issue("in-1")
    take(db, ids["bar-in-1"])
    report = partial(write, db, facility.report_outcome, command=issued.id)
    assert report(outcome=Outcome.DONE, detail="result")
    assert not report(outcome=Outcome.REJECTED, detail="late")
    assert (now(db, issued).outcome, now(db, issued).detail) == (Outcome.DONE, "result")
    assert ended(db) == [("done", "result")]
    with pytest.raises(NotFound):
        write(db, facility.report_outcome, command=Id(int=1), outcome=Outcome.DONE)


def test_what_was_sent_meanwhile_is_not_ended_as_never_sent(db: Database, ids: Ids, issue: Issue) -> None:
    issued = issue("in-1")
    take(db, ids["bar-in-1"])
    assert not write(db, facility.end_command, ended=issued, outcome=Outcome.UNREACHABLE)  # as it was read before
    assert now(db, issued).state is CommandState.SENT


def test_after_a_restart_the_sent_ones_are_uncertain(db: Database, ids: Ids, issue: Issue) -> None:
    sent = [issue("in-1") for _ in range(store.SWEPT_MAX + 3)]
    while take(db, ids["bar-in-1"]):
        pass
    waiting = issue("in-2", CommandKind.CLOSE)
    assert asyncio.run(end_unfinished(db)) == len(sent)
    assert {(now(db, one).outcome, now(db, one).detail) for one in sent} == {(Outcome.UNCERTAIN, "restart")}
    assert now(db, waiting).state is CommandState.WAITING
    assert asyncio.run(end_unfinished(db)) == 0


def test_a_car_that_passed_shows_that_the_gate_opened(db: Database, ids: Ids, issue: Issue) -> None:
    opened, closed = issue("in-2", answering="cam-in-2"), issue("in-2", CommandKind.CLOSE)
    assert write(db, facility.passed, lane=ids["in-2"], device=ids["cam-in-2"]) == 1
    assert (now(db, opened).outcome, now(db, opened).detail) == (Outcome.DONE, "passed")
    assert now(db, closed).outcome is None


def test_the_sweeper_ends_all_in_small_units(db: Database, issue: Issue, machine: ManualClock) -> None:
    issued = [issue("in-1") for _ in range(store.SWEPT_MAX * 2 + 1)]
    machine.advance(31 * SECOND_US)
    assert asyncio.run(CommandSweeper(db).sweep()) == len(issued)
    assert ended(db) == [("unreachable", "expired")] * len(issued)


def test_another_company_commands_nothing(db: Database, lot: Id, ids: Ids, issue: Issue) -> None:
    issued = issue("in-1")
    stranger = of_company(OTHER_COMPANY)
    device = Caller(Actor(ActorKind.DEVICE, "bar-theirs"), stranger.scope)
    assert read(db, facility.command, by=stranger, command=issued.id) is None
    assert write(db, facility.take_for_sending, by=device, device=ids["bar-in-1"]) == []
    with pytest.raises(NotFound):
        write(db, facility.report_outcome, by=device, command=issued.id, outcome=Outcome.DONE)
    params = {"lot": lot, "lane": ids["in-1"], "kind": CommandKind.OPEN, "passage": None}
    with pytest.raises(Refused):  # for them the lane has no gate
        write(db, facility.issue_command, by=stranger, company=OTHER_COMPANY, **params)
    with pytest.raises(Denied):
        write(db, _insert_theirs, by=stranger, issued=issued)
    assert now(db, issued).state is CommandState.WAITING


def _insert_theirs(unit: Unit, *, issued: Command) -> None:
    unit.run(store.INSERT_COMMAND, issued)


# On the way to devices


async def next_commands(dispatcher: CommandDispatcher, device: Id, timeout_s: float) -> list[Command]:
    """Wait and take, as a camera's heartbeat does."""
    return await dispatcher.take(device) if await dispatcher.ready(device, timeout_s) else []


def test_a_waiting_camera_is_given_its_command(db: Database, ids: Ids, issue: Issue) -> None:
    async def run() -> tuple[list[Command], list[Command], Command]:
        dispatcher = CommandDispatcher(db)
        async with following(db, dispatcher.watch):
            await dispatcher.start()
            nothing = await next_commands(dispatcher, ids["cam-in-2"], 0.05)
            asking = asyncio.create_task(next_commands(dispatcher, ids["cam-in-2"], 10))
            await asyncio.sleep(0.02)
            issued = await asyncio.to_thread(issue, "in-2", CommandKind.CLOSE)
            return nothing, await asking, issued

    nothing, given, issued = asyncio.run(run())
    assert nothing == []
    assert [one.id for one in given] == [issued.id]
    assert now(db, issued).state is CommandState.SENT


def test_of_two_that_wait_one_is_given_it(db: Database, ids: Ids, issue: Issue) -> None:
    async def run() -> tuple[list[Command], list[list[Command]]]:
        dispatcher = CommandDispatcher(db)
        async with following(db, dispatcher.watch):
            asking = [asyncio.create_task(next_commands(dispatcher, ids["cam-in-2"], 20)) for _ in range(2)]
            await asyncio.sleep(0.02)
            await asyncio.to_thread(issue, "in-2", CommandKind.CLOSE)
            (given,), (other,) = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((other,), timeout=0.2)
            doubled = [other.result()] if other.done() else []
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            return given.result(), doubled

    given, doubled = asyncio.run(run())
    assert len(given) == 1
    assert not any(doubled)


def test_what_waited_before_the_start_is_given_too(db: Database, ids: Ids, issue: Issue) -> None:
    issued = issue("in-2", CommandKind.CLOSE)

    async def run() -> list[Command]:
        dispatcher = CommandDispatcher(db)
        await dispatcher.start()
        return await next_commands(dispatcher, ids["cam-in-2"], 5)

    assert [one.id for one in asyncio.run(run())] == [issued.id]


def test_the_camera_s_own_answer_wakes_nobody(db: Database, ids: Ids, issue: Issue) -> None:
    async def run() -> tuple[list[Command], int]:
        dispatcher = CommandDispatcher(db)
        async with following(db, dispatcher.watch) as tail:
            asking = asyncio.create_task(next_commands(dispatcher, ids["cam-in-2"], 0.6))
            await asyncio.sleep(0.02)
            before = db.figures.units
            await asyncio.to_thread(issue, "in-2", CommandKind.OPEN, "cam-in-2")
            await tail.moved_beyond(tail.position, 0.3)
            return await asking, db.figures.units - before

    given, units = asyncio.run(run())
    assert given == []
    if db.numbers_at_commit:  # on servers the sequencer has units of its own
        assert units == 1


def test_a_command_whose_life_is_over_is_not_given(db: Database, ids: Ids, issue: Issue, machine: ManualClock) -> None:
    issue("in-2", CommandKind.CLOSE)
    machine.advance(30 * SECOND_US)

    async def run() -> list[Command]:
        dispatcher = CommandDispatcher(db)
        await dispatcher.start()
        return await next_commands(dispatcher, ids["cam-in-2"], 0.05)

    assert asyncio.run(run()) == []


def test_a_link_is_handed_commands_in_order_until_it_ends(db: Database, ids: Ids, issue: Issue) -> None:
    handed: list[Id] = []

    async def take_over(command: Command) -> None:
        await asyncio.sleep(0.01)
        handed.append(command.id)
        if len(handed) == 2:
            raise RuntimeError("one broken callback does not end the link")

    async def run() -> list[Id]:
        dispatcher = CommandDispatcher(db)
        async with following(db, dispatcher.watch) as tail:
            unlink = dispatcher.on_command(ids["bar-in-1"], take_over)
            issued = [(await asyncio.to_thread(issue, "in-1")).id for _ in range(4)]
            async with asyncio.timeout(PATIENCE_S):
                # What is being taken when a link ends is still handed over.
                while len(handed) < 4 or dispatcher._handing:
                    await tail.moved_beyond(tail.position, 0.02)
            unlink()
            issued.append((await asyncio.to_thread(issue, "in-1")).id)
            await tail.moved_beyond(tail.position, 0.4)
            await dispatcher.stop()
            return issued

    issued = asyncio.run(run())
    assert handed == issued[:4]
    last = read(db, facility.command, command=issued[4])
    assert last is not None
    assert last.state is CommandState.WAITING


def test_a_command_taken_while_the_link_ends_is_handed_over_all_the_same(db: Database, ids: Ids, issue: Issue) -> None:
    issued = issue("in-1")
    handed: list[Id] = []

    async def run() -> None:
        dispatcher = CommandDispatcher(db)
        await dispatcher.start()

        async def take_over(command: Command) -> None:
            handed.append(command.id)

        unlink = dispatcher.on_command(ids["bar-in-1"], take_over)
        await asyncio.sleep(0)  # it begins to take
        await asyncio.sleep(0)
        unlink()
        await dispatcher.stop()

    asyncio.run(run())
    sent = now(db, issued).state is CommandState.SENT
    assert sent is (handed == [issued.id])  # never sent without being handed over
    assert sent
