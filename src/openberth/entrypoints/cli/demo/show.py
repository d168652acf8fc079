"""What a demo says: the town's counters under the live view, or one line a second; at the end the balance."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from openberth.entrypoints.cli.demo.place import ZONE, Place
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.entrypoints.cli.top.model import Board, Overview
from openberth.entrypoints.cli.top.words import clock_text, milliseconds_text, money_text
from openberth.kernel.money import Money
from openberth.kernel.time import Instant
from openberth.simulator import Counters, Report
from openberth.simulator.balance import Line

# What to look at meanwhile, from another terminal: texts by the end of their codes.
LOOKS = {
    "top": "openberth top",
    "finance": "openberth finance --from {day} --to {day} --by lot,method",
    "shift": "openberth shift show --lot {lot}",
    "prepaid": "openberth prepaid list --lot {lot}",
    "ledger": "openberth ledger verify",
}
LINE_LEAST_S, LINE_MOST_S = 0.8, 3.0
DIFFERENCES_SHOWN = 30


def print_ways(
    session: Session, place: Place, *, lot: str, sign: str, today: Instant, manager: tuple[str, str]
) -> None:
    """Print the two addresses to open, where a person can pay, and by which commands they see what becomes of it."""
    say, out = session.say, session.out
    login, password = manager
    console = say("demo.console", url=f"{place.url}/console/", login=login, password=password)
    out.print(console, style="bold", soft_wrap=True, highlight=False)
    app = say("demo.app", url=f"{place.url}/app/#/pages/code/code?c={sign}", sms=place.sms_url)
    out.print(app, style="bold", soft_wrap=True, highlight=False)
    out.print(say("demo.pay", url=f"{place.url}/c/{sign}", lot=lot), soft_wrap=True, highlight=False)
    out.print(
        say("demo.payer", wechatpay=place.wechatpay_url, alipay=place.alipay_url), soft_wrap=True, highlight=False
    )
    out.print(say("demo.look", data=place.data), soft_wrap=True, highlight=False)
    day = datetime.fromtimestamp(today // 1_000_000, ZONE).date().isoformat()
    width = max(len(command.format(day=day, lot=lot)) for command in LOOKS.values())
    for name, command in LOOKS.items():
        words = f"  {command.format(day=day, lot=lot):{width}}  {say(f'demo.look.{name}')}"
        out.print(words, soft_wrap=True, highlight=False)


def town_line(counters: Counters, session: Session, *, closing: bool) -> Text:
    """Return the town's own counters: what really happened, whatever the server says."""
    queued = sum(counters.queues.values())
    told = session.say(
        "demo.town", arrived=counters.arrived, inside=counters.inside, left=counters.left,
        away=counters.refused + counters.balked, queued=queued,
        p99=milliseconds_text(counters.answer.percentile_us(99)),
    )  # fmt: skip
    title = Text(
        session.say("demo.closing" if closing else "demo.town_title") + " ", "bold yellow" if closing else "bold"
    )
    return title.append(told, "")


async def lines(board: Board, counters: Counters, session: Session, *, until: Callable[[], bool]) -> None:
    """Print one line for each new answer, which comes once a second, until told to stop; say so when none comes."""
    began = printed_at = time.monotonic()
    shown = 0.0
    while not until():
        now = time.monotonic()
        is_new = board.overview_at != shown and now - printed_at >= LINE_LEAST_S
        if is_new or now - printed_at >= LINE_MOST_S:
            print(line_of(board, counters, session, now - began, now), flush=True)
            printed_at, shown = now, board.overview_at
        await asyncio.sleep(0.05)


def line_of(board: Board, counters: Counters, session: Session, running_s: float, now_s: float) -> str:
    """Return one line: time, cars inside, passages, money, exceptions, p99."""
    overview = board.overview
    if overview is None or board.is_stale(now_s):
        return session.say("demo.line_stale", seconds=int(board.age_s(now_s) or running_s))
    zone = overview.lots[0].zone if overview.lots else "UTC"
    return session.say(
        "demo.line", time=clock_text(overview.now, zone), inside=sum(lot.occupied for lot in overview.lots),
        passages=counters.admitted + counters.left, money=received_text(overview), cases=overview.cases_open,
        p99=milliseconds_text(counters.answer.percentile_us(99)),
    )  # fmt: skip


def received_text(overview: Overview) -> str:
    """Return the money of the day by currency."""
    sums: dict[str, Money] = {}
    for lot in overview.lots:
        if lot.received is not None:
            sums[lot.currency] = sums[lot.currency] + lot.received if lot.currency in sums else lot.received
    return " ".join(money_text(amount) for amount in sums.values()) or "0"


def print_balance(report: Report, session: Session) -> None:
    """Print both books side by side, every difference, and the seed."""
    say, out = session.say, session.out
    out.print()
    table = plain_table(
        (say("cli.column.lot"), "left"), (say("demo.column.what"), "left"), (say("demo.column.ours"), "right"),
        (say("demo.column.theirs"), "right"), ("", "left"),
    )  # fmt: skip
    lot = ""
    for line in report.lines:
        sign = Text("✓", "green") if line.agrees else Text("✗", "bold red")
        table.add_row(
            "" if line.lot == lot else Text(line.lot, "bold"), say(f"demo.what.{line.what}"),
            amount_of(line, line.ours), amount_of(line, line.theirs), sign,
        )  # fmt: skip
        lot = line.lot
    out.print(table)
    for words in report.differences[:DIFFERENCES_SHOWN]:
        out.print(Text.assemble(("✗ ", "red"), words), soft_wrap=True)
    if len(report.differences) > DIFFERENCES_SHOWN:
        out.print(say("cli.more_lines", count=len(report.differences) - DIFFERENCES_SHOWN))
    for words in report.troubles[:DIFFERENCES_SHOWN]:
        out.print(Text.assemble(("! ", "yellow"), words), soft_wrap=True)
    verdict = say("demo.agrees" if report.balanced else "demo.differs", cars=report.cars, seed=report.seed)
    out.print(Text(verdict, "green" if report.balanced else "bold red"), soft_wrap=True)


def amount_of(line: Line, value: int) -> str:
    """Write a figure of the balance: a count, or money."""
    return str(value) if line.currency is None else money_text(Money(value, line.currency))
