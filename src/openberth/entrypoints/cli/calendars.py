"""``openberth calendar``: which days are workdays, weekends and holidays, and saying so."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.files import read_text
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table

app = typer.Typer()
SATURDAY = 5

CalendarArgument = Annotated[str, typer.Argument(metavar="CODE", help="cli.argument.calendar", show_default=False)]
CompanyOption = Annotated[str | None, typer.Option("--company", metavar="CODE", help="cli.option.company")]


@app.command("show", help="cli.help.calendar.show")
def show(
    context: typer.Context,
    calendar: Annotated[
        str | None, typer.Argument(metavar="CODE", help="cli.argument.calendar", show_default=False)
    ] = None,
    year: Annotated[int | None, typer.Option("--year", metavar="YEAR", help="cli.option.year")] = None,
    company: CompanyOption = None,
) -> None:
    """Show the calendars, or the special days of one in a year."""
    asyncio.run(_list(context.obj) if calendar is None else _show(context.obj, calendar, year, company))


async def _list(session: Session) -> None:
    async with connected(session) as api:
        found = (await api.get("/v1/calendars"))["items"]
    if not found:
        session.out.print(session.say("cli.calendar.none"))
    for each in found:
        session.out.print(_summary(each, session))


async def _show(session: Session, calendar: str, year: int | None, company: str | None) -> None:
    query = {"year": "" if year is None else str(year), "company": company or ""}
    async with connected(session) as api:
        found = await api.get(f"/v1/calendars/{part(calendar)}", **query)
    session.out.print(_summary(found, session))
    table = plain_table(
        (session.say("cli.column.date"), "left"), (session.say("cli.column.day_kind"), "left"),
        (session.say("cli.column.name"), "left"), (session.say("cli.column.words"), "left"),
    )  # fmt: skip
    special = [day for day in found["items"] if _is_special(day)]
    for day in special:
        name = session.name_of({"zh": day.get("name_zh"), "en": day.get("name_en")})
        kind = session.say(f"cli.day.{day['kind']}")
        table.add_row(str(day["date"]), kind, name, " ".join(day.get("words") or ()))
    if special:
        session.out.print(table)
    else:
        session.out.print(session.say("cli.calendar.no_days", year=found.get("year", "–")))


def _is_special(day: dict[str, Any]) -> bool:
    """Tell whether a day is other than its weekday says, or somebody spoke of it."""
    weekend = date.fromisoformat(day["date"]).weekday() >= SATURDAY
    return bool(day.get("words")) or day["kind"] != ("weekend" if weekend else "workday")


def _summary(found: dict[str, Any], session: Session) -> Text:
    words = session.say(
        "cli.calendar.known", calendar=found["code"], company=found["company"], first=found.get("first") or "–",
        last=found.get("last") or "–",
    )  # fmt: skip
    return Text(words, "bold")


@app.command("seed", help="cli.help.calendar.seed")
def seed(
    context: typer.Context,
    calendar: CalendarArgument,
    years: Annotated[list[int] | None, typer.Option("--year", metavar="YEAR", help="cli.option.years")] = None,
    company: CompanyOption = None,
) -> None:
    """Take over what the library says of years."""
    asyncio.run(_seed(context.obj, calendar, years or [], company))


async def _seed(session: Session, calendar: str, years: list[int], company: str | None) -> None:
    query = {"company": company} if company else None
    async with connected(session) as api:
        changed = await api.ask("POST", f"/v1/calendars/{part(calendar)}/seed", query=query, json={"years": years})
    _say_changed(changed, calendar, session)


@app.command("set", help="cli.help.calendar.set")
def set_days(
    context: typer.Context,
    calendar: CalendarArgument,
    file: Annotated[Path, typer.Argument(help="cli.argument.days_file", show_default=False)],
    company: CompanyOption = None,
) -> None:
    """Say what days are, by a days file or a table."""
    asyncio.run(_set(context.obj, calendar, read_text(file), str(file), company))


async def _set(session: Session, calendar: str, text: str, name: str, company: str | None) -> None:
    query = {"company": company} if company else None
    async with connected(session) as api:
        changed = await api.put(f"/v1/calendars/{part(calendar)}/days", text, name=name, query=query)
    _say_changed(changed, calendar, session)


def _say_changed(changed: dict[str, Any], calendar: str, session: Session) -> None:
    count = changed.get("changed", 0)
    session.out.print(
        session.say("cli.calendar.changed" if count else "cli.calendar.unchanged", calendar=calendar, count=count)
    )
