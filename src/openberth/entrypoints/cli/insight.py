"""``openberth insight``: proving that the rollups say what the ledger says, and adding up anew."""

import asyncio
import time
from functools import partial

import typer

from openberth.contexts import facility, insight
from openberth.entrypoints.cli.books import opened_beside
from openberth.entrypoints.cli.client import connected
from openberth.entrypoints.cli.mistakes import FAILED
from openberth.entrypoints.cli.session import Session
from openberth.infra.database import Database
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

app = typer.Typer()
_BY = system("insight")
SHOWN_MAX = 50
POLL_S = 0.3
TRIES = 3  # a service at work counts while we read: on servers a reading is not one moment
AGAIN_S = 0.5


@app.command("verify", help="cli.help.insight.verify")
def verify(context: typer.Context) -> None:
    """Compare the rollups with the ledger; the status is 1 when anything differs."""
    session: Session = context.obj
    with opened_beside(session, node="insight") as database:
        lots = database.read_now(facility.lots, by=_BY)
        found = [one for lot in lots for one in compared(database, lot.id)]
    codes = {lot.id: lot.code for lot in lots}
    for one in found[:SHOWN_MAX]:
        words = session.say(
            "cli.insight.difference", lot=codes[one.lot], what=one.what, ledger=one.ledger, rollups=one.rollups,
            currency=one.currency,
        )  # fmt: skip
        session.out.print(words, soft_wrap=True)
    if found:
        words = session.say("cli.insight.differs", differences=len(found), lots=len(lots))
        session.out.print(words, soft_wrap=True)
        raise typer.Exit(FAILED)
    session.out.print(session.say("cli.insight.agrees", lots=len(lots)), soft_wrap=True)


def compared(database: Database, lot: Id) -> list[insight.Difference]:
    """Compare one lot; what differs is looked at again before it is believed."""
    found: list[insight.Difference] = []
    for attempt in range(TRIES):
        time.sleep(AGAIN_S if attempt else 0)
        found = database.read_now(partial(insight.verify_lot, lot=lot), by=_BY)
        if not found:
            break
    return found


@app.command("rebuild", help="cli.help.insight.rebuild")
def rebuild(context: typer.Context) -> None:
    """Add everything up anew from the log, and wait until it is done."""
    asyncio.run(_rebuild(context.obj))


async def _rebuild(session: Session) -> None:
    async with connected(session, at_work=True) as api:
        found = await api.post("/v1/finance/rebuild")
        words = session.say(
            "cli.insight.rebuild", building=found["building"] or found["serving"], position=found["position"],
            head=found["head"],
        )  # fmt: skip
        session.out.print(words, soft_wrap=True)
        # By polling: it goes on by itself when this command is interrupted.
        while found["building"] is not None:
            await asyncio.sleep(POLL_S)
            found = await api.get("/v1/finance/rebuild")
        session.out.print(session.say("cli.insight.rebuilt", serving=found["serving"]), soft_wrap=True)
