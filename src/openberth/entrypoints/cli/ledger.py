"""``openberth ledger``: proving that the books say what happened.

It reads the database itself, also while the service runs: what a server says of itself proves nothing.
"""

from functools import partial

import typer

from openberth.contexts import payments
from openberth.entrypoints.cli.books import opened_beside
from openberth.entrypoints.cli.mistakes import FAILED
from openberth.entrypoints.cli.session import Session
from openberth.infra.database import Database
from openberth.kernel.authority import system

app = typer.Typer()
_BY = system("ledger")
SHOWN_MAX = 50


@app.command("verify", help="cli.help.ledger.verify")
def verify(context: typer.Context) -> None:
    """Compare the ledger with every bill, receipt, refund and attempt; the status is 1 when anything differs."""
    session: Session = context.obj
    with opened_beside(session, node="ledger") as database:
        looked_at, differences = compared(database)
    for one in differences[:SHOWN_MAX]:
        params = {"subject": str(one.subject), "expected": one.expected, "found": one.found}
        session.out.print(session.say(f"ledger.difference.{one.what}", **params), soft_wrap=True)
    if differences:
        session.out.print(
            session.say("cli.ledger.differs", differences=len(differences), rows=looked_at), soft_wrap=True
        )
        raise typer.Exit(FAILED)
    session.out.print(session.say("cli.ledger.agrees", rows=looked_at), soft_wrap=True)


def compared(database: Database) -> tuple[int, list[payments.Difference]]:
    """Walk all checks page by page; return how many rows were looked at and what does not agree."""
    at = (payments.Check.BILLS, payments.FIRST)
    looked_at = 0
    differences: list[payments.Difference] = []
    while True:
        page = database.read_now(partial(payments.verify_page, check=at[0], after=at[1]), by=_BY)
        looked_at += page.looked_at
        differences += page.differences
        if page.goes_on is None:
            return looked_at, differences
        at = page.goes_on
