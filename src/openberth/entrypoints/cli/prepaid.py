"""``openberth prepaid``: accounts from which cars pay by themselves; opened, filled, looked at, paid out and closed."""

import asyncio
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.sheets import Place, place_named, read_amount
from openberth.entrypoints.cli.tables import plain_table
from openberth.kernel.errors import NotFound

app = typer.Typer()

MOVEMENTS_SHOWN = "20"
LotOption = Annotated[str, typer.Option("--lot", help="cli.option.lot", show_default=False)]
CodeArgument = Annotated[str, typer.Argument(help="cli.argument.prepaid", show_default=False)]
AmountArgument = Annotated[str, typer.Argument(help="cli.argument.amount", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="cli.option.reason", show_default=False)]


@app.command("list", help="cli.help.prepaid.list")
def list_accounts(context: typer.Context, lot: LotOption) -> None:
    """List the accounts that are kept at a lot."""
    asyncio.run(_list(context.obj, lot))


async def _list(session: Session, lot: str) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        found = await api.items("/v1/prepaid", lot=lot)
    table = plain_table(
        (session.say("cli.column.prepaid"), "left"), (session.say("cli.column.balance"), "right"),
        (session.say("cli.column.held"), "right"), (session.say("cli.column.state"), "left"),
        (session.say("cli.column.plates"), "left"),
    )  # fmt: skip
    for each in found:
        table.add_row(
            Text(each["code"], "bold"), place.shown(each["balance"]), place.shown(each["held"]),
            session.say(f"cli.prepaid.state.{each['state']}"), _plates(each),
        )  # fmt: skip
    session.out.print(table)


@app.command("open", help="cli.help.prepaid.open")
def open_account(
    context: typer.Context,
    code: CodeArgument,
    lot: LotOption,
    plate: Annotated[list[str], typer.Option("--plate", help="cli.option.prepaid_plate", show_default=False)],
    holder: Annotated[str | None, typer.Option("--holder", help="cli.option.prepaid_holder")] = None,
    here_only: Annotated[bool, typer.Option("--here-only", help="cli.option.here_only")] = False,
) -> None:
    """Open an account for the cars of a household or of a firm."""
    form: dict[str, Any] = {"lot": lot, "code": code, "plates": plate, "holder": holder}
    asyncio.run(_open(context.obj, form | {"spending": "lot" if here_only else "company"}))


async def _open(session: Session, form: dict[str, Any]) -> None:
    async with connected(session) as api:
        place = await place_named(api, form["lot"])
        _print(session, place, await api.post("/v1/prepaid", form))


@app.command("show", help="cli.help.prepaid.show")
def show(context: typer.Context, code: CodeArgument, lot: LotOption) -> None:
    """Show an account and what moved it."""
    asyncio.run(_show(context.obj, code, lot))


async def _show(session: Session, code: str, lot: str) -> None:
    async with connected(session) as api:
        place, account = await place_named(api, lot), await _named(api, lot, code)
        moved = (await api.get(f"/v1/prepaid/{account['id']}/movements", limit=MOVEMENTS_SHOWN))["items"]
    _print(session, place, account)
    table = plain_table(
        (session.say("cli.column.at"), "left"), (session.say("cli.column.moved"), "left"),
        (session.say("cli.column.amount"), "right"),
    )  # fmt: skip
    for each in moved:
        sign = "+" if each["by"]["minor"] > 0 else ""
        what = session.say(f"cli.prepaid.deed.{each['deed']}")
        table.add_row(place.at(each["at"]), what, sign + place.shown(each["by"]))
    session.out.print(table)


@app.command("top-up", help="cli.help.prepaid.top_up")
def top_up(
    context: typer.Context,
    code: CodeArgument,
    amount: AmountArgument,
    lot: LotOption,
    way: Annotated[str, typer.Option("--way", help="cli.option.prepaid_way")] = "cash",
) -> None:
    """Put money into an account: cash, or by a code of a channel."""
    asyncio.run(_top_up(context.obj, code, amount, lot, way))


async def _top_up(session: Session, code: str, amount: str, lot: str, way: str) -> None:
    async with connected(session) as api:
        place, account = await place_named(api, lot), await _named(api, lot, code)
        form = {"amount": read_amount(amount, place.currency), "way": way}
        done = await api.post(f"/v1/prepaid/{account['id']}/top-ups", form)
        account = await api.get(f"/v1/prepaid/{account['id']}")
    if done["pay_url"] is not None:
        until = place.at(done["expires_at"], "%H:%M")
        told = session.say("cli.prepaid.pay_at", url=done["pay_url"], until=until, amount=place.shown(done["amount"]))
        session.out.print(told, soft_wrap=True)
    _print(session, place, account)


@app.command("pay-out", help="cli.help.prepaid.pay_out")
def pay_out(
    context: typer.Context,
    code: CodeArgument,
    lot: LotOption,
    reason: ReasonOption,
    amount: Annotated[str | None, typer.Option("--amount", help="cli.option.prepaid_amount")] = None,
) -> None:
    """Give money back to who put it in."""
    asyncio.run(_pay_out(context.obj, code, lot, reason, amount))


async def _pay_out(session: Session, code: str, lot: str, reason: str, amount: str | None) -> None:
    async with connected(session) as api:
        place, account = await place_named(api, lot), await _named(api, lot, code)
        form = {"reason": reason, "amount": None if amount is None else read_amount(amount, place.currency)}
        done = await api.post(f"/v1/prepaid/{account['id']}/pay-out", form)
        account = await api.get(f"/v1/prepaid/{account['id']}")
    for each in done["refunds"]:
        method, state = session.say(f"top.method.{each['method']}"), session.say(f"cli.refund.{each['state']}")
        told = session.say("cli.prepaid.refund", amount=place.shown(each["amount"]), method=method, state=state)
        session.out.print(told, soft_wrap=True)
    _print(session, place, account)


@app.command("close", help="cli.help.prepaid.close")
def close(context: typer.Context, code: CodeArgument, lot: LotOption, reason: ReasonOption) -> None:
    """Close an account for good."""
    asyncio.run(_close(context.obj, code, lot, reason))


async def _close(session: Session, code: str, lot: str, reason: str) -> None:
    async with connected(session) as api:
        place, account = await place_named(api, lot), await _named(api, lot, code)
        _print(session, place, await api.post(f"/v1/prepaid/{account['id']}/close", {"reason": reason}))


async def _named(api: Api, lot: str, code: str) -> Any:
    for each in await api.items("/v1/prepaid", lot=part(lot)):
        if each["code"] == code:
            return each
    raise NotFound("prepaid.not_found")


def _print(session: Session, place: Place, account: Any) -> None:
    held = session.say("cli.prepaid.held", held=place.shown(account["held"])) if account["held"]["minor"] else ""
    told = session.say(
        "cli.prepaid.account", code=account["code"], balance=place.shown(account["balance"]), held=held,
        state=session.say(f"cli.prepaid.state.{account['state']}"), plates=_plates(account) or "-",
    )  # fmt: skip
    session.out.print(told, soft_wrap=True)


def _plates(account: Any) -> str:
    return " ".join(each or "-" for each in account["plates"])
