"""``openberth tariff``: publishing tariff files, and prices with their reasons."""

import asyncio
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.files import read_text
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.entrypoints.cli.top.model import money_of
from openberth.entrypoints.cli.top.words import money_text
from openberth.kernel.errors import Malformed
from openberth.kernel.time import as_datetime, from_iso, instant_of, to_iso

app = typer.Typer()
SPAN = re.compile(r"\+(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m(?:in)?)?")


@app.command("publish", help="cli.help.tariff.publish")
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="cli.argument.tariff_file", show_default=False)],
) -> None:
    """Publish a tariff file as a new version."""
    # Read where it is needed: the room of tariffs brings the database along.
    from openberth.contexts.tariffs import read_tariff

    text = read_text(file)
    code = read_tariff(text, name=str(file)).code
    asyncio.run(_publish(context.obj, code, text, str(file)))


async def _publish(session: Session, code: str, text: str, name: str) -> None:
    async with connected(session) as api:
        published = await publish_tariff(api, code, text, name=name)
    words = "cli.tariff.published" if published.get("new", True) else "cli.tariff.unchanged"
    session.out.print(session.say(words, tariff=code, number=published.get("number", "–")))


async def publish_tariff(api: Api, code: str, text: str, *, name: str) -> Any:
    """Publish one tariff file and return its version."""
    return await api.put(f"/v1/tariffs/{part(code)}", text, name=name)


@app.command("quote", help="cli.help.tariff.quote")
def quote(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="cli.argument.tariff", show_default=False)],
    entered: Annotated[str, typer.Argument(metavar="FROM", help="cli.argument.from", show_default=False)],
    until: Annotated[str, typer.Argument(metavar="UNTIL", help="cli.argument.until", show_default=False)],
) -> None:
    """Explain a price."""
    begin = read_moment(entered)
    asyncio.run(_quote(context.obj, code, begin, read_moment(until, begin)))


def read_moment(text: str, after: datetime | None = None) -> datetime:
    """Read an instant: RFC 3339, without an offset in this machine's zone, or ``+1d2h30m`` after another one.

    Raises ``Malformed("cli.moment")``.
    """
    span = SPAN.fullmatch(text)
    if span is not None and after is not None and len(text) > 1:
        days, hours, minutes = (int(number or 0) for number in span.groups())
        return after + timedelta(days=days, hours=hours, minutes=minutes)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone() if moment.tzinfo is None else moment
    except (ValueError, OverflowError):
        raise Malformed("cli.moment", text=text) from None


async def _quote(session: Session, code: str, entered: datetime, until: datetime) -> None:
    value = {"tariff": code, "entered": to_iso(instant_of(entered)), "until": to_iso(instant_of(until))}
    async with connected(session) as api:
        answer = await api.post("/v1/quotes", value)
    say = session.say
    session.out.print(
        say("cli.quote.title", tariff=code, number=answer.get("number", "–"),
            entered=f"{entered:%Y-%m-%d %H:%M}", until=f"{until:%Y-%m-%d %H:%M}", minutes=answer.get("minutes", "–"))
    )  # fmt: skip
    table = plain_table(
        (say("cli.column.reason"), "left"), (say("cli.column.minutes"), "right"), (say("cli.column.amount"), "right")
    )
    for line in answer["lines"]:
        words = str(line.get("text") or say(line["code"], **line["params"]))
        table.add_row(words, str(line["minutes"] or ""), _amount(line["amount"]))
    table.add_section()
    table.add_row(Text(say("cli.quote.total"), "bold"), str(answer.get("minutes", "")),
                  Text(_amount(answer["total"]), "bold"))  # fmt: skip
    session.out.print(table)
    change = answer.get("next_change_at")
    if change:
        local = as_datetime(from_iso(change)).astimezone(entered.tzinfo)
        session.out.print(Text(say("cli.quote.next", at=f"{local:%Y-%m-%d %H:%M:%S}"), "dim"))


def _amount(value: object) -> str:
    money = money_of(value)
    return money_text(money) if money is not None else "–"
