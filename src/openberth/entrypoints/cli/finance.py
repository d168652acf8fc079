"""``openberth finance``: what money adds up to, as a table on the terminal or a file for a spreadsheet."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.table import Table

from openberth.entrypoints.cli.client import Api, connected
from openberth.entrypoints.cli.files import write_new
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table, print_warning
from openberth.kernel.errors import Malformed
from openberth.kernel.money import Money

SUMS = (
    "receivable", "received", "surplus", "relieved", "refunded", "returned", "written_off", "kept", "put_in",
    "paid_out",
)  # fmt: skip


def finance(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", help="cli.option.finance_from", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="cli.option.finance_to", show_default=False)],
    by: Annotated[str, typer.Option("--by", help="cli.option.finance_by")] = "",
    lot: Annotated[str, typer.Option("--lot", help="cli.option.finance_lot")] = "",
    company: Annotated[str, typer.Option("--company", help="cli.option.finance_company")] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="cli.option.finance_csv")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="cli.option.finance_xlsx")] = None,
) -> None:
    """Print what money adds up to, or write it to a file."""
    session: Session = context.obj
    if csv is not None and xlsx is not None:
        raise Malformed("cli.finance.one_file")
    query = {"from": first, "to": last, "group_by": by, "lot": lot, "company": company}
    asyncio.run(_finance(session, {name: word for name, word in query.items() if word}, csv, xlsx))


async def _finance(session: Session, query: Mapping[str, str], csv: Path | None, xlsx: Path | None) -> None:
    async with connected(session) as api:
        file = csv or xlsx
        if file is not None:
            content = await _file(api, {**query, "format": "csv" if csv is not None else "xlsx"})
            await asyncio.to_thread(write_new, file, content)
            session.out.print(session.say("cli.finance.file", path=str(file)), soft_wrap=True)
            return
        answer = await api.get("/v1/finance", **query)
    show(answer, session)


async def _file(api: Api, query: Mapping[str, str]) -> bytes:
    return b"".join([piece async for piece in api.pieces(f"/v1/finance?{urlencode(query)}")])


def show(answer: Any, session: Session) -> None:
    """Print an answer: sums to the right, so that their points stand below one another, and up to where it counts."""
    if not answer["lines"]:
        session.out.print(session.say("cli.finance.nothing"))
    else:
        session.out.print(_table(answer, session))
    at = answer["as_of"]
    words = session.say("cli.finance.as_of", at=at["at"], position=at["position"])
    session.out.print(words, style="dim", soft_wrap=True)
    if at["behind"]:
        print_warning(session.say("cli.finance.behind"), session)


def _table(answer: Any, session: Session) -> Table:
    sums = [name for name in SUMS if any(line["sums"][name] for line in answer["lines"])]
    by = answer["group_by"]
    table = plain_table(
        *((session.say(f"finance.by.{each}"), "left") for each in by), (session.say("finance.by.currency"), "left"),
        *((session.say(f"finance.sum.{name}"), "right") for name in sums),
    )  # fmt: skip
    for line in answer["lines"]:
        names = [(line["group"][each] or {}).get("name", "") for each in by]
        table.add_row(*names, *_cells(line["sums"], sums))
    if by:
        table.add_section()
        for total in answer["totals"]:
            label = [session.say("finance.sheet.total"), *[""] * (len(by) - 1)]
            table.add_row(*label, *_cells(total, sums), style="bold")
    return table


def _cells(found: Mapping[str, Any], sums: list[str]) -> list[str]:
    currency = found["currency"]
    return [currency, *(Money(found[name], currency).amount_text for name in sums)]
