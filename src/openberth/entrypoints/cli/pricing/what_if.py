"""``openberth tariff what-if``: asks, waits for the answer, and shows it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from openberth.entrypoints.cli.client import Api, part
from openberth.entrypoints.cli.pricing.drawing import length_text
from openberth.entrypoints.cli.pricing.showing import amount_of, money_at
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.entrypoints.cli.top.words import money_text
from openberth.kernel.errors import Overloaded
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US

POLL_S = 0.3


async def answer_of(api: Api, lot: str, question: Mapping[str, Any], session: Session) -> Any:
    """Ask, wait until the question is answered, and return the answer. Raises ``Problem``."""
    path = f"/v1/lots/{part(lot)}/what-if"
    found = await api.post(path, {name: value for name, value in question.items() if value is not None})
    with session.out.status(session.say("cli.what_if.waiting")) as status:
        while found["state"] in ("waiting", "running"):
            await asyncio.sleep(POLL_S)
            found = await api.get(f"{path}/{found['id']}")
            if found["stays_total"] is not None:
                status.update(session.say("cli.what_if.progress", done=found["stays_done"], total=found["stays_total"]))
    if found["state"] == "failed":
        raise Overloaded("what_if.failed", what_if=found["id"])
    return found


def show(answer: Mapping[str, Any], session: Session) -> None:
    """Print what a month would have brought."""
    say, out, result = session.say, session.out, answer["result"]
    out.print(Text(say("cli.what_if.title", lot=answer["lot"], month=answer["month"], tariff=answer["tariff"]), "bold"))
    out.print(say("cli.what_if.stays", stays=result["stays"], with_draft=result["with_draft"]))
    out.print(_sums(result, session))
    out.print()
    out.print(_lengths(result, session))
    for refused in result["refused"]:
        words = say("cli.what_if.refused", stays=refused["stays"], reason=refused["text"])
        out.print(Text.assemble(("! ", "yellow bold"), words))
    if result["refused"]:
        out.print(Text(say("cli.what_if.refused_then", then=amount_of(result["refused_then"])), "dim"))


def _sums(result: Mapping[str, Any], session: Session) -> Any:
    say = session.say
    table = plain_table(("", "left"), (say("cli.column.amount"), "right"))
    for name in ("then", "paid", "draft"):
        table.add_row(say(f"cli.what_if.{name}"), amount_of(result[name]))
    table.add_section()
    difference, then = money_at(result["difference"]), money_at(result["then"])
    table.add_row(
        Text(say("cli.what_if.difference"), "bold"), Text(signed(difference) + share(difference, then), "bold")
    )
    return table


def _lengths(result: Mapping[str, Any], session: Session) -> Any:
    say = session.say
    table = plain_table(
        (say("cli.column.length"), "right"), (say("cli.column.stays"), "right"), (say("cli.what_if.then"), "right"),
        (say("cli.what_if.draft"), "right"), (say("cli.what_if.difference"), "right"),
    )  # fmt: skip
    for bucket in result["buckets"]:
        then, draft = money_at(bucket["then"]), money_at(bucket["draft"])
        upto = bucket["upto_minutes"]
        length = f"≤ {_length(upto)}" if upto is not None else f"> {_length(bucket['above_minutes'])}"
        table.add_row(length, str(bucket["stays"]), money_text(then), money_text(draft), signed(draft - then))
    return table


def _length(minutes: int) -> str:
    return length_text(minutes * MINUTE_US)


def signed(money: Money) -> str:
    """Write a difference with its sign."""
    return ("+" if money.minor > 0 else "") + money_text(money)


def share(part_of: Money, whole: Money) -> str:
    """Write a part of a whole in percent with one digit after the point; nothing when there is no whole."""
    if whole.minor <= 0:
        return ""
    tenths = (abs(part_of.minor) * 2_000 + whole.minor) // (2 * whole.minor)
    sign = "-" if part_of.minor < 0 else "+" if part_of.minor > 0 else ""
    return f" ({sign}{tenths // 10}.{tenths % 10} %)"
