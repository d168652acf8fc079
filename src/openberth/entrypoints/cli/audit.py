"""``openberth audit``: verifying the audit trail, and the head that is carried away.

Both read the database itself, also while the service runs: what a server says of itself proves nothing.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from openberth.contexts import tenancy
from openberth.entrypoints.cli.books import opened_beside
from openberth.entrypoints.cli.mistakes import FAILED
from openberth.entrypoints.cli.session import Session
from openberth.infra.database import Database, Reader
from openberth.kernel.authority import system
from openberth.kernel.errors import Malformed, Refused

app = typer.Typer()
T = TypeVar("T")
_BY = system("audit")
HEADS_MAX = 4_000  # of the folder: ten years of days


@app.command("verify", help="cli.help.audit.verify")
def verify(
    context: typer.Context,
    head: Annotated[
        list[Path] | None, typer.Option("--head", metavar="FILE", help="cli.option.audit_head", show_default=False)
    ] = None,
) -> None:
    """Verify the whole chain, and that every head given is in it; the status is 1 when anything is wrong."""
    session: Session = context.obj
    with opened_beside(session, node="audit") as database:
        files = [*(head or ()), *_kept(session.settings().audit.heads_folder)]
        walk = walked(database, [_checked(database, path) for path in files])
    for finding in walk.finish():
        session.out.print(
            session.say(f"audit.fault.{finding.fault.value}", first=finding.first, last=finding.last), soft_wrap=True
        )
    if walk.faults:
        session.out.print(session.say("cli.audit.faults", faults=walk.faults, entries=walk.entries), soft_wrap=True)
        raise typer.Exit(FAILED)
    if walk.unkeyed:
        session.out.print(session.say("cli.audit.unkeyed", entries=walk.unkeyed), soft_wrap=True, style="yellow")
    if walk.unkeyed > walk.proven:  # whoever owns the database alone may have written them
        raise typer.Exit(FAILED)
    session.out.print(session.say("cli.audit.intact", entries=walk.entries, hash=walk.hash), soft_wrap=True)


@app.command("head", help="cli.help.audit.head")
def head(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="cli.option.audit_out")] = None,
) -> None:
    """Print the signed head, or write it into a new file."""
    session: Session = context.obj
    with opened_beside(session, node="audit") as database:
        signed = _read(database, tenancy.audit_head)
    text = json.dumps(tenancy.document_of(signed), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="ascii") as file:
            file.write(text)
    except FileExistsError:
        raise Refused("audit.head_exists", path=str(out)) from None
    except OSError as error:
        raise Refused("audit.head_unwritable", path=str(out), reason=str(error.strerror)) from error
    session.out.print(session.say("cli.audit.head_written", number=signed.head.number, path=str(out)), soft_wrap=True)


def walked(database: Database, heads: list[tenancy.Head]) -> tenancy.Walk:
    """Walk the chain up to the entry that is the newest now, page by page in constant memory."""
    walk = tenancy.Walk(heads, mac_of=partial(tenancy.mac_of, database.keys))
    last = _read(database, tenancy.last_number)
    after = -(1 << 63)  # a number below the first is a finding, too
    while page := _read(database, partial(tenancy.page_after, after=after, last=last)):
        for found in page:
            walk.step(found)
        after = walk.number
    return walk


def _kept(folder: Path | None) -> list[Path]:
    """Return the newest heads of the folder that the settings name."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(folder.glob(f"{tenancy.FILE_PREFIX}*.json"))[-HEADS_MAX:]


def _checked(database: Database, path: Path) -> tenancy.Head:
    try:
        with path.open("rb") as file:
            signed = tenancy.read_document(json.loads(file.read(tenancy.FILE_MAX)))
    except (OSError, ValueError, RecursionError):
        raise Malformed("audit.head_malformed", path=str(path)) from None
    return _read(database, partial(tenancy.check_head, signed=signed))


def _read(database: Database, query: Callable[[Reader], T]) -> T:
    return database.read_now(query, by=_BY)
