"""After a storm: the next morning of the server's jobs, and every fen of both sides held against the other."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, make_url, select, text

from openberth.bootstrap import CHECKS, opened_database
from openberth.contexts.facility.model import CommandKind, CommandState
from openberth.contexts.facility.store.tables import command
from openberth.contexts.payments.model import LIVE, ReceiptMethod, RefundState
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.model.reconciling import DayState, DifferenceKind, DifferenceState
from openberth.contexts.payments.reactions import Channels, Desk
from openberth.contexts.payments.reactions.reconciling import JOB_RECONCILE
from openberth.contexts.payments.service import reconciling, refunds
from openberth.contexts.payments.store.reconciling import Day
from openberth.contexts.payments.store.tables import attempt, bill, difference, receipt, reconciled_day, refund
from openberth.contexts.stays.store.tables import passage
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Database
from openberth.infra.jobs import JobRunner
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.ids import BEYOND_ALL
from openberth.kernel.time import SECOND_US, Instant
from openberth.providers.alipay import AlipayMaker
from openberth.providers.wechatpay import WechatPayMaker
from tests.e2e.storm_house import KINDS, WECHATPAY, Book, StormHouse
from tests.e2e.storm_lanes import Ledger
from tests.wire.failures.shop import Dated

BEIJING = timezone(timedelta(hours=8))
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
STEP_S = 15 * 60
MORNING_S = 150.0
TIDY = ("payments.check_attempt", "payments.close_attempt", "payments.refund")
_BY = system("storm")


@dataclass
class Findings:
    """What was compared, and what is not as it should be."""

    receipts: int = 0
    refunds: int = 0
    wrongs: list[str] = field(default_factory=list)

    def expect(self, what: str, ours: object, theirs: object) -> None:
        """Note a difference."""
        if ours != theirs:
            self.wrongs.append(f"{what}: {ours} here, {theirs} there")


class Later:
    """The machine's clock, some time ahead."""

    def __init__(self) -> None:
        self.by_s = 0

    def now(self) -> Instant:
        return Instant(SystemClock().now() + self.by_s * SECOND_US)


@contextmanager
def reading(house: StormHouse) -> Iterator[Connection]:
    """Read the database from outside, as anybody with its address could."""
    url = make_url(house.database or f"sqlite:///{house.folder / 'data' / 'openberth.db'}")
    engine = create_engine(url.set(drivername=DRIVERS.get(url.get_backend_name(), "sqlite")))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def quiet(house: StormHouse, *, within_s: float) -> None:
    """Wait until the server has nothing on its way any more that needs nobody."""
    asked = select(refund.c.id).where(refund.c.state == RefundState.ASKED).limit(1)
    sent = select(command.c.id).where(command.c.state != CommandState.ENDED).limit(1)
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        with reading(house) as connection:
            if not connection.execute(asked).all() and not connection.execute(sent).all():
                return
        time.sleep(1)


def next_morning(house: StormHouse, ledger: Ledger) -> list[str]:
    """Let the server's own jobs do what they do until tomorrow, half past ten: ask, close, refund, reconcile.

    A person then explains what is different because of a wrong amount, nothing else, and closes the day. Returns what
    ``openberth ledger verify`` finds.
    """
    now = datetime.now(UTC).astimezone(BEIJING)
    morning = datetime(now.year, now.month, now.day, 10, 30, tzinfo=BEIJING) + timedelta(days=1)
    clock = Later()
    clock.by_s = int((morning - now).total_seconds())
    for kind in KINDS:
        house.stand_ins[kind].control("clock", advance_s=clock.by_s)
    settings = Settings(
        data=house.folder / "data", keys=house.folder / "keys" / "keys.json", demo=True,
        database=SecretStr(house.database) if house.database else None,
    )  # fmt: skip
    with opened_database(settings, Clocks(clock, clock)) as database:
        asyncio.run(_work(database, house, clock))
        _explain(database, ledger)
        return [f"ledger: {one}" for one in compared(database)[1]]


async def _work(database: Database, house: StormHouse, clock: Later) -> None:
    machine = SystemClock()
    makers = {
        ChannelKind.WECHATPAY: Dated(WechatPayMaker(machine, partial(secrets.token_hex, 16)), clock),
        ChannelKind.ALIPAY: Dated(AlipayMaker(machine), clock),
    }
    channels = Channels(database, makers, public_base=house.url, production=False)
    desk, jobs = Desk(database, channels, CHECKS), JobRunner(database, owner="morning")
    desk.register(jobs)
    running = asyncio.create_task(jobs.run())
    try:
        until = time.monotonic() + MORNING_S
        while time.monotonic() < until:
            left, due, stuck = await asyncio.to_thread(_left_to_do, house, clock.now())
            for key, kind, number in stuck:
                if kind is ReceiptMethod.WECHATPAY:  # the bank has found another card of the payer
                    house.stand_ins[WECHATPAY].control(f"refunds/{number}", state="SUCCESS")
                await database.write(partial(refunds.try_again, refund=key), by=_BY)
            if not left and not stuck:
                return
            if not due:
                clock.by_s += STEP_S
                for kind in KINDS:
                    house.stand_ins[kind].control("clock", advance_s=STEP_S)
            jobs.wake()
            await asyncio.sleep(0.1)
        raise AssertionError(f"the morning does not come to an end: {await asyncio.to_thread(_left_to_do, house, 0)}")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await channels.aclose()


def _left_to_do(house: StormHouse, now: int) -> tuple[Counter[str], int, list[Any]]:
    """Return the jobs that are left by kind, how many of them are due, and refunds that need a person."""
    stuck = select(refund.c.id, refund.c.method, refund.c.number).where(refund.c.state == RefundState.STUCK)
    with reading(house) as connection:
        rows = connection.execute(text("SELECT kind, due_at, state FROM job")).all()
        days = connection.execute(select(reconciled_day.c.id)).all()
        waiting = list(connection.execute(stuck).all())
    left = Counter(kind for kind, _, _ in rows if kind in TIDY)
    if len(days) < len(KINDS):
        left[JOB_RECONCILE] += 1
    failed = [kind for kind, _, state in rows if state == "failed"]
    assert not failed, f"jobs were given up: {failed}"
    return left, sum(kind in left and at <= now for kind, at, _ in rows), waiting


def _explain(database: Database, ledger: Ledger) -> None:
    for day in database.read_now(partial(reconciling.days, before=BEYOND_ALL, limit=100), by=_BY):
        for one in database.read_now(partial(reconciling.differences_of, day=day), by=_BY):
            if one.number in ledger.wrong and one.kind is DifferenceKind.LONG and one.state is DifferenceState.OPEN:
                explain = partial(reconciling.decide, difference=one.id, reason="付款人另付金额，已联系")
                database.write_now(explain, by=_BY)
        if day.state is DayState.OPEN and not _waiting(database, day):
            database.write_now(partial(reconciling.close_day, day=day.id), by=_BY)


def _waiting(database: Database, day: Day) -> bool:
    differences = database.read_now(partial(reconciling.differences_of, day=day), by=_BY)
    return any(one.state is DifferenceState.OPEN for one in differences)


def compare(house: StormHouse, ledger: Ledger, books: dict[str, Book]) -> Findings:
    """Hold the stand-ins' books and the drivers' memories against the database."""
    found = Findings()
    with reading(house) as connection:
        for kind in KINDS:
            _compare_channel(found, connection, kind, books[kind], ledger)
        _compare_ledger(found, connection, books, ledger)
        _compare_bills(found, connection, ledger)
        _compare_commands(found, connection)
        _compare_days(found, connection, ledger)
    return found


def _compare_channel(found: Findings, connection: Connection, kind: str, book: Book, ledger: Ledger) -> None:
    method = ReceiptMethod(kind)
    columns = receipt.c.id, receipt.c.transaction, receipt.c.amount_minor, receipt.c.surplus_minor
    rows = connection.execute(select(*columns).where(receipt.c.method == method)).all()
    wrong = {book.orders[number][0] for number in ledger.wrong if number in book.orders}
    asked = {transaction: fen for transaction, fen in book.taken.items() if transaction not in wrong}
    ours = {transaction: fen for _, transaction, fen, _ in rows}
    found.expect(f"{kind}: receipts of one transaction each", len(rows), len(ours))
    for transaction in asked.keys() | ours.keys():
        found.expect(f"{kind}: transaction {transaction}", ours.get(transaction), asked.get(transaction))
    back = connection.execute(
        select(refund.c.number, refund.c.receipt_id, refund.c.amount_minor, refund.c.state).where(
            refund.c.method == ReceiptMethod(kind)
        )
    ).all()
    for number, _, _, state in back:
        found.expect(f"{kind}: refund {number}", state, "done")
    given = {number: fen for number, _, fen, _ in back}
    for number in given.keys() | book.refunds.keys():
        found.expect(f"{kind}: refund {number}", given.get(number), book.refunds.get(number))
    of_receipt: Counter[Any] = Counter()
    for _, key, fen, _ in back:
        of_receipt[key] += fen
    for key, transaction, _, surplus in rows:
        found.expect(f"{kind}: surplus of {transaction} and what went back of it", surplus, of_receipt[key])
    found.receipts += len(rows)
    found.refunds += len(back)


_SIGNED = """
SELECT code, SUM(minor) FROM (
    SELECT debit AS code, amount_minor AS minor FROM ledger_transfer
    UNION ALL SELECT credit, -amount_minor FROM ledger_transfer
) AS signed GROUP BY code
"""


def _compare_ledger(found: Findings, connection: Connection, books: dict[str, Book], ledger: Ledger) -> None:
    balances = {code: int(minor) for code, minor in connection.execute(text(_SIGNED))}
    found.expect("Σ of the ledger", sum(balances.values()), 0)
    for code in ("receivable", "surplus", "refunding"):
        found.expect(f"the account {code}", balances.get(code, 0), 0)
    took = sum(sum(book.taken.values()) - sum(book.refunds.values()) for book in books.values())
    wrong = sum(book.orders[number][1] for book in books.values() for number in ledger.wrong if number in book.orders)
    # What a channel keeps for itself and what it has paid out came out of the same money.
    ours = sum(balances.get(code, 0) for code in ("clearing", "channel_fee", "bank"))
    found.expect("what the channels hold for us", ours, took - wrong)
    cash = sum(balances.get(code, 0) for code in ("till", "safe"))
    found.expect("cash", cash, ledger.cash_fen)


def _compare_bills(found: Findings, connection: Connection, ledger: Ledger) -> None:
    rows = connection.execute(select(bill.c.subject_id, bill.c.state, bill.c.due_minor, bill.c.paid_minor)).all()
    states = Counter(state.value for _, state, _, _ in rows)
    for wanted in ("open", "written_off"):
        found.expect(f"bills that are {wanted}", states.get(wanted, 0), 0)
    settled = Counter(subject for subject, state, _, _ in rows if state == "settled")
    found.expect("stays with a settled bill", len(settled), ledger.cars)
    found.expect("debts", connection.execute(text("SELECT COUNT(*) FROM debt")).scalar(), 0)
    found.expect("stays that are open", connection.execute(text("SELECT COUNT(*) FROM open_stay")).scalar(), 0)
    for subject, state, due, paid in rows:
        if state == "settled":
            found.expect(f"the bill of {subject}", paid, due)
    applied = connection.execute(text("SELECT SUM(amount_minor - surplus_minor) FROM receipt")).scalar()
    found.expect("what receipts paid of bills", int(applied or 0), sum(paid for _, _, _, paid in rows))
    live = connection.execute(select(attempt.c.number).where(attempt.c.state.in_(LIVE))).all()
    found.expect("orders that can still be paid", [number for (number,) in live], [])


def _compare_commands(found: Findings, connection: Connection) -> None:
    """See that a gate was told to open at most once for a car that paid; by hand does not count, for that is asked."""
    rows = connection.execute(
        select(command.c.passage_id, command.c.actor, command.c.outcome).where(command.c.kind == CommandKind.OPEN)
    ).all()
    counted = Counter(
        key for key, actor, outcome in rows
        if key is not None and not actor.startswith(("person:", "operator:")) and outcome in ("done", "uncertain")
    )  # fmt: skip
    for key, times in counted.items():
        found.expect(f"commands to open for passage {key}", times, 1)
    paid = connection.execute(select(passage.c.bill_id).where(passage.c.bill_id.is_not(None))).all()
    found.expect("passages of one bill each", len(paid), len({key for (key,) in paid}))


def _compare_days(found: Findings, connection: Connection, ledger: Ledger) -> None:
    columns = difference.c.number, difference.c.row_kind, difference.c.kind, difference.c.state
    rows = [(number, *(str(each) for each in rest)) for number, *rest in connection.execute(select(*columns))]
    explained = {number for number, *rest in rows if rest == ["payment", "long", "decided"]}
    found.expect("differences that a wrong amount explains", sorted(explained), sorted(ledger.wrong))
    found.expect("differences without an explanation", [row for row in rows if row[0] not in ledger.wrong], [])
    days = connection.execute(select(reconciled_day.c.state)).all()
    found.expect("days that are not closed", [state for (state,) in days if state != "closed"], [])
    cases = connection.execute(text("SELECT COUNT(*) FROM lane_case WHERE kind = 'payment_differs'")).scalar()
    found.expect("exceptions that tell of wrong amounts", cases, len(ledger.wrong))
