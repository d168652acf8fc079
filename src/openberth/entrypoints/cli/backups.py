"""``openberth backup`` and ``openberth restore``."""

from pathlib import Path
from typing import Annotated

import typer

from openberth.entrypoints.cli.session import Session
from openberth.infra.backup import backup as make_backup
from openberth.infra.backup import restore as restore_backup
from openberth.kernel.errors import Problem


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


def _advise(advice: Problem | None, session: Session) -> None:
    """Say what a person has still to do."""
    if advice is not None:
        session.out.print(session.say(advice.code, **advice.params), soft_wrap=True, style="yellow")
