"""``openberth keys``: the keys that seal personal values, and those that sign access tokens."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.infra.keys import Cipher, restore_key
from openberth.kernel.errors import Malformed

app = typer.Typer()


@app.command("status", help="cli.help.keys.status")
def status(context: typer.Context) -> None:
    """Show every key, what needs it, and how far sealing anew has come."""
    asyncio.run(_status(context.obj))


async def _status(session: Session) -> None:
    async with connected(session) as api:
        found = await api.get("/v1/keys")
    vault = found["vault"]
    table = plain_table(
        (session.say("cli.column.key"), "left"), (session.say("cli.column.algorithm"), "left"),
        (session.say("cli.column.made"), "left"), (session.say("cli.column.key_state"), "left"),
        (session.say("cli.column.values"), "right"), (session.say("cli.column.backups"), "right"),
    )  # fmt: skip
    for key in vault["items"]:
        table.add_row(
            Text(key["id"], "bold"), key["algorithm"] or "?", (key["made_at"] or "")[:10], _state(key, vault, session),
            str(key["values"]), str(key["backups"]["count"]),
        )  # fmt: skip
    session.out.print(table)
    if vault["waiting"]:
        session.out.print(session.say("cli.keys.waiting", values=vault["waiting"]), soft_wrap=True)
    for holder in vault["holders"]:
        if vault["wanted"] not in holder["holds"]:
            words = session.say("cli.keys.lacks", process=holder["process"], key=vault["wanted"])
            session.out.print(Text(words, "yellow"), soft_wrap=True)
    session.out.print()
    tokens = plain_table(
        (session.say("cli.column.token_key"), "left"), (session.say("cli.column.algorithm"), "left"),
        (session.say("cli.column.made"), "left"), (session.say("cli.column.signs_from"), "left"),
        (session.say("cli.column.published_until"), "left"),
    )  # fmt: skip
    for key in found["tokens"]:
        until = (key["published_until"] or "")[:19]
        tokens.add_row(key["id"], key["algorithm"], key["made_at"][:10], key["signs_from"][:19], until)
    session.out.print(tokens)


def _state(key: Any, vault: Any, session: Session) -> Text:
    if not key["here"]:
        return Text(session.say("cli.keys.missing"), "bold red")
    if key["seals"]:
        return Text(session.say("cli.keys.seals"), "green")
    if key["id"] == vault["wanted"]:
        return Text(session.say("cli.keys.coming"), "yellow")
    return Text(session.say("cli.keys.opens" if key["values"] or key["answers"] else "cli.keys.unneeded"), "dim")


@app.command("rotate", help="cli.help.keys.rotate")
def rotate(
    context: typer.Context,
    vault: Annotated[bool, typer.Option("--vault", help="cli.option.keys_vault")] = False,
    algorithm: Annotated[str | None, typer.Option("--algorithm", help="cli.option.keys_algorithm")] = None,
) -> None:
    """Make a new key: for tokens, or with ``--vault`` for personal values."""
    if algorithm is not None and (not vault or algorithm not in list(Cipher)):
        raise Malformed("cli.keys.algorithm", known=", ".join(Cipher))
    asyncio.run(_rotate(context.obj, vault, algorithm))


async def _rotate(session: Session, vault: bool, algorithm: str | None) -> None:
    async with connected(session) as api:
        if not vault:
            await api.post("/v1/keys/rotate")
            session.out.print(session.say("cli.keys.token_made"), soft_wrap=True)
            return
        made = await api.post("/v1/keys/vault/rotate", {} if algorithm is None else {"algorithm": algorithm})
    words = session.say("cli.keys.vault_made", key=made["id"], algorithm=made["algorithm"])
    session.out.print(words, soft_wrap=True)


@app.command("retire", help="cli.help.keys.retire")
def retire(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="cli.argument.sealing_key", show_default=False)],
    despite_backups: Annotated[bool, typer.Option("--despite-backups", help="cli.option.despite_backups")] = False,
) -> None:
    """Move a key that nothing needs out of the key file."""
    asyncio.run(_retire(context.obj, key, despite_backups))


async def _retire(session: Session, key: str, despite_backups: bool) -> None:
    async with connected(session) as api:
        done = await api.post(f"/v1/keys/vault/{part(key)}/retire", {"despite_backups": despite_backups})
    session.out.print(session.say("cli.keys.retired", key=key, file=done["file"]), soft_wrap=True)


@app.command("restore", help="cli.help.keys.restore")
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="cli.argument.retired_key", show_default=False)],
) -> None:
    """Take a retired key back into the key file of this machine, as one that only opens."""
    session: Session = context.obj
    path = session.settings().keys
    key = restore_key(path, file)
    session.out.print(session.say("cli.keys.restored", key=key, path=str(path)), soft_wrap=True)
