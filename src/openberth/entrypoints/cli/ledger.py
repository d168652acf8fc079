"""``openberth ledger``: proving that the books say what happened.

It reads the database itself, also while the service runs: what a server says of itself proves nothing.
"""

from collections.abc import Sequence
from functools import partial

import typer

from openberth.bootstrap import CHECKS
from openberth.entrypoints.cli.books import opened_beside
from openberth.entrypoints.cli.mistakes import FAILED
from openberth.entrypoints.cli.session import Session
from openberth.infra.database import Database
from openberth.infra.verifying import FIRST, Check, Difference, next_page, still
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

app = typer.Typer()
_BY = system("ledger")
SHOWN_MAX = 50


@app.command("verify", help="cli.help.ledger.verify")
def verify(context: typer.Context) -> None:
    """Compare the ledger with everything that happened with money; the status is 1 when anything differs."""
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


def compared(database: Database, checks: Sequence[Check] = CHECKS) -> tuple[int, list[Difference]]:
    """Walk all checks page by page; return how many rows were looked at and what does not agree, looked at twice."""
    looked_at = 0
    suspects: list[Difference] = []
    for check in checks:
        at: Id | None = FIRST
        while at is not None:
            page = database.read_now(partial(next_page, check=check, after=at), by=_BY)
            looked_at += page.looked_at
            suspects += page.differences
            at = page.goes_on
    return looked_at, database.read_now(partial(still, checks=checks, suspects=suspects), by=_BY) if suspects else []
