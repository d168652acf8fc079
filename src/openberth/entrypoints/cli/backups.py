"""``openberth backup`` and ``openberth restore``."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from openberth.entrypoints.cli.client import connected
from openberth.entrypoints.cli.session import Session
from openberth.infra.backup import Made
from openberth.infra.backup import backup as make_backup
from openberth.infra.backup import restore as restore_backup
from openberth.infra.clocks import SystemClock
from openberth.infra.database.migrating import check
from openberth.infra.place import RESTORED_FILE
from openberth.kernel.errors import Problem
from openberth.kernel.time import to_iso


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="cli.argument.backup_target", show_default=False)],
    previous: Annotated[Path | None, typer.Option(help="cli.option.previous")] = None,
) -> None:
    """Make a backup while the service runs."""
    session: Session = context.obj
    settings = session.settings()
    made = make_backup(database_url=settings.database_url, data=settings.data, target=target, previous=previous)
    session.out.print(session.say("cli.backup.made", target=str(made.target)), soft_wrap=True)
    _advise(made.advice, session)
    if settings.s3 is not None:
        say = session.say("cli.backup.bucket", bucket=settings.s3.bucket)
        session.out.print(say, soft_wrap=True, style="yellow")
    _note(session, settings.database_url, made)
    session.out.print(session.say("cli.backup.keys", keys=str(settings.keys)), soft_wrap=True)


def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="cli.argument.backup_source", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="cli.option.replace")] = False,
) -> None:
    """Bring a backup back into the data folder."""
    session: Session = context.obj
    settings = session.settings()
    restored = restore_backup(
        source=source, database_url=settings.database_url, data=settings.data, keys=settings.keys, replace=replace
    )
    session.out.print(session.say("cli.backup.restored", data=str(settings.data)), soft_wrap=True)
    _advise(restored.advice, session)
    mark = {
        "backup": source.name, "made_at": restored.manifest.made_at, "restored_at": to_iso(SystemClock().now()),
    }  # fmt: skip
    (settings.data / RESTORED_FILE).write_text(json.dumps(mark), encoding="utf-8")


def _note(session: Session, database_url: str, made: Made) -> None:
    """Have the backup written down, which needs the revision of this program: telling must not change the database."""
    try:
        check(database_url)
        asyncio.run(_told(session, made))
    except Problem as problem:
        reason = session.say(problem.code, **problem.params)
        words = session.say("cli.backup.not_noted", reason=reason)
        session.out.print(words, soft_wrap=True, style="yellow")


async def _told(session: Session, made: Made) -> None:
    manifest = made.manifest
    form = {"name": made.target.name[:120], "keys": list(manifest.keys), "revision": manifest.revision}
    async with connected(session) as api:
        await api.post("/v1/backups", form)


def _advise(advice: Problem | None, session: Session) -> None:
    """Say what a person has still to do."""
    if advice is not None:
        session.out.print(session.say(advice.code, **advice.params), soft_wrap=True, style="yellow")
