"""``openberth person``: who is known (masked), whole values for a reason, taking data out, and forgetting somebody."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.files import write_new
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table

app = typer.Typer()

PersonArgument = Annotated[str, typer.Argument(help="cli.argument.person", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="cli.option.reason", show_default=False)]
FIELDS = ("name", "phone", "identity")


@app.command("list", help="cli.help.person.list")
def list_people(context: typer.Context) -> None:
    """List the people that are known."""
    asyncio.run(_list(context.obj))


async def _list(session: Session) -> None:
    async with connected(session) as api:
        found = await api.items("/v1/people")
    headings = ("id", "name", "phone", "identity", "verified")
    table = plain_table(*((session.say(f"cli.column.person_{each}"), "left") for each in headings))
    for each in found:
        state = "erased" if each["erased_at"] else "yes" if each["verified_at"] else "no"
        shown = [str(each[field] or "-") for field in FIELDS]
        table.add_row(Text(each["id"], "bold"), *shown, session.say(f"cli.person.verified_{state}"))
    session.out.print(table)


@app.command("unmask", help="cli.help.person.unmask")
def unmask(
    context: typer.Context,
    person: PersonArgument,
    reason: ReasonOption,
    field: Annotated[list[str], typer.Option("--field", help="cli.option.field", show_default=False)],
) -> None:
    """Show core fields in clear, once."""
    asyncio.run(_unmask(context.obj, person, list(field), reason))


async def _unmask(session: Session, person: str, fields: list[str], reason: str) -> None:
    async with connected(session) as api:
        shown = await api.post(f"/v1/people/{part(person)}/unmask", {"fields": fields, "reason": reason})
    for field in fields:
        _print(session, f"{session.say(f'person.field.{field}')}: {shown.get(field) or '-'}")


@app.command("plate", help="cli.help.person.plate")
def plate(
    context: typer.Context,
    stay: Annotated[str, typer.Argument(help="cli.argument.stay", show_default=False)],
    reason: ReasonOption,
) -> None:
    """Show the whole plate of a stay, once."""
    asyncio.run(_plate(context.obj, stay, reason))


async def _plate(session: Session, stay: str, reason: str) -> None:
    async with connected(session) as api:
        shown = await api.post(f"/v1/stays/{part(stay)}/unmask", {"reason": reason})
    _print(session, shown["plate"] or session.say("top.no_plate"))


@app.command("export", help="cli.help.person.export")
def export(
    context: typer.Context,
    person: PersonArgument,
    reason: ReasonOption,
    in_clear: Annotated[bool, typer.Option("--in-clear", help="cli.option.in_clear")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="cli.option.export_out")] = None,
) -> None:
    """Take out everything that is held about somebody."""
    asyncio.run(_export(context.obj, person, reason, in_clear, out))


async def _export(session: Session, person: str, reason: str, in_clear: bool, out: Path | None) -> None:
    async with connected(session) as api:
        found = await api.post(f"/v1/people/{part(person)}/export", {"reason": reason, "in_clear": in_clear})
    text = json.dumps(found["document"], ensure_ascii=False, indent=2)
    if out is None:
        _print(session, text)
        return
    write_new(out, f"{text}\n".encode())
    session.out.print(session.say("cli.person.exported", path=str(out)))


@app.command("erase", help="cli.help.person.erase")
def erase(context: typer.Context, person: PersonArgument, reason: ReasonOption) -> None:
    """Forget somebody."""
    asyncio.run(_erase(context.obj, person, reason))


async def _erase(session: Session, person: str, reason: str) -> None:
    async with connected(session) as api:
        done: dict[str, Any] = await api.post(f"/v1/people/{part(person)}/erase", {"reason": reason})
    session.out.print(session.say("cli.person.erased", values=done["gone"]["values"], kept=done["gone"]["kept"]))


def _print(session: Session, words: str) -> None:
    session.out.print(words, soft_wrap=True, highlight=False, markup=False)
