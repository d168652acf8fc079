"""How answers about tariffs look in a terminal: sentences, tables that add up, and a small picture."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.padding import Padding
from rich.text import Text

from openberth.entrypoints.cli.pricing.drawing import Steps, length_text, terminal
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table, print_warning
from openberth.entrypoints.cli.top.model import money_of
from openberth.entrypoints.cli.top.words import money_text
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, as_datetime, from_iso

# Lengths that people ask for; those that a curve reaches are shown.
USUAL_US = tuple(
    [minutes * MINUTE_US for minutes in (15, 30, 60, 90)]
    + [hours * HOUR_US for hours in (2, 3, 4, 6, 8, 10, 12, 18, 24, 36)]
    + [days * DAY_US for days in (2, 3, 7, 14, 30, 62)]
)
CHART_ROWS = 10
CHART_WIDTH_MAX = 100


def show_check(answer: Mapping[str, Any], name: str, session: Session) -> None:
    """Print what a tariff file says, then what its author should know."""
    for saying in answer["summary"]:
        words = Text(saying["text"], "bold" if saying["level"] == 0 else "")
        session.out.print(Padding(words, (0, 0, 0, 2 * saying["level"]), expand=False))
    for warning in answer["warnings"]:
        print_warning(warning["text"], session)
    session.out.print(Text(session.say("cli.tariff.sound", file=name, count=len(answer["warnings"])), "green"))


def show_quote(answer: Mapping[str, Any], entered: datetime, until: datetime, session: Session) -> None:
    """Print a price line by line; minutes and money add up to the last line."""
    say = session.say
    number = answer.get("number")
    title = "cli.quote.title_file" if number is None else "cli.quote.title"
    session.out.print(
        say(title, tariff=answer["tariff"], number=number, entered=f"{entered:%Y-%m-%d %H:%M}",
            until=f"{until:%Y-%m-%d %H:%M}", minutes=answer["minutes"], zone=answer["zone"])
    )  # fmt: skip
    for visit in answer.get("visits") or ():
        span = (as_datetime(from_iso(visit[end])).astimezone(entered.tzinfo) for end in ("entered", "until"))
        begin, end = (f"{moment:%Y-%m-%d %H:%M}" for moment in span)
        session.out.print(
            Text(say("cli.quote.visit", entered=begin, until=end, amount=amount_of(visit["total"])), "dim")
        )
    table = plain_table(
        (say("cli.column.reason"), "left"), (say("cli.column.minutes"), "right"), (say("cli.column.amount"), "right")
    )
    for line in answer["lines"]:
        words = str(line.get("text") or say(line["code"], **line["params"]))
        table.add_row(words, str(line["minutes"] or ""), amount_of(line["amount"]))
    table.add_section()
    table.add_row(
        Text(say("cli.quote.total"), "bold"), str(answer["minutes"]), Text(amount_of(answer["total"]), "bold")
    )
    session.out.print(table)
    change = answer.get("next_change_at")
    if change:
        local = as_datetime(from_iso(change)).astimezone(entered.tzinfo)
        session.out.print(Text(say("cli.quote.next", at=f"{local:%Y-%m-%d %H:%M:%S}"), "dim"))
    else:
        session.out.print(Text(say("cli.quote.never"), "dim"))


def steps_of(answer: Mapping[str, Any]) -> Steps:
    """Return the steps of a curve as they are drawn."""
    entered = from_iso(answer["entered"])
    points = [(from_iso(point["at"]) - entered, money_at(point["total"])) for point in answer["points"]]
    return Steps(points, from_iso(answer["until"]) - entered)


def curve_titles(answer: Mapping[str, Any], zone: ZoneInfo, session: Session) -> tuple[str, str]:
    """Return heading and second line of a curve."""
    entered = as_datetime(from_iso(answer["entered"]), zone)
    title = "cli.curve.title_file" if answer["number"] is None else "cli.curve.title"
    below = session.say("cli.curve.below", entered=f"{entered:%Y-%m-%d %H:%M}", zone=answer["zone"])
    return session.say(title, tariff=answer["tariff"], number=answer["number"]), below


def show_curve(answer: Mapping[str, Any], zone: ZoneInfo, session: Session) -> None:
    """Print a curve as a picture and as a table of the lengths that people ask for."""
    say = session.say
    steps = steps_of(answer)
    title, below = curve_titles(answer, zone, session)
    session.out.print(Text.assemble((title, "bold"), "  ", (below, "dim")))
    for line in terminal(steps, min(session.out.width, CHART_WIDTH_MAX), CHART_ROWS):
        session.out.print(Text(line), no_wrap=True, overflow="crop")
    usual = [length for length in USUAL_US if length <= steps.length_us]
    if steps.length_us not in usual:
        usual.append(steps.length_us)
    table = plain_table((say("cli.column.length"), "right"), (say("cli.column.amount"), "right"))
    for length in usual:
        table.add_row(length_text(length), money_text(Money(steps.at(length), steps.currency)))
    session.out.print(table)
    if not answer["complete"]:
        session.out.print(
            Text(say("cli.curve.cut", count=len(steps.points), length=length_text(steps.length_us)), "yellow")
        )
    else:
        session.out.print(Text(say("cli.curve.steps", count=len(steps.points)), "dim"))


def csv_of(answer: Mapping[str, Any]) -> str:
    """Return every step of a curve as CSV: from when on, in which minute of the stay, and the price in major units."""
    rows = ["at,minutes,total,currency"]
    for point in answer["points"]:
        money = money_at(point["total"])
        rows.append(f"{point['at']},{point['minutes']},{money.amount_text},{money.currency}")
    return "\n".join(rows) + "\n"


def money_at(value: object) -> Money:
    """Return money as the API answers it."""
    money = money_of(value)
    assert money is not None, "the API answers money"
    return money


def amount_of(value: object) -> str:
    """Write money as the API answers it."""
    money = money_of(value)
    return money_text(money) if money is not None else "–"
