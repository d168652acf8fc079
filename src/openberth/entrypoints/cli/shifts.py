"""``openberth shift``: cash of a shift from its float to its hand-over, for guards and for those who confirm."""

import asyncio
from typing import Annotated, Any

import typer

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.mistakes import FAILED
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.sheets import Place, place_named, print_list, print_sheet, read_amount, read_pieces
from openberth.kernel.errors import NotFound

app = typer.Typer()

LotOption = Annotated[str, typer.Option("--lot", help="cli.option.lot", show_default=False)]
NumberArgument = Annotated[int, typer.Argument(min=1, help="cli.argument.shift", show_default=False)]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="cli.option.shift_reason")]
CountedOption = Annotated[str | None, typer.Option("--counted", help="cli.option.counted")]
PiecesOption = Annotated[list[str] | None, typer.Option("--count", help="cli.option.count")]


@app.command("open", help="cli.help.shift.open")
def open_shift(
    context: typer.Context,
    lot: LotOption,
    opening: Annotated[str, typer.Option("--float", help="cli.option.opening")] = "0",
    booth: Annotated[str | None, typer.Option("--booth", help="cli.option.booth")] = None,
) -> None:
    """Begin one's own shift."""
    asyncio.run(_open(context.obj, lot, opening, booth))


async def _open(session: Session, lot: str, opening: str, booth: str | None) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        form = {"lot": lot, "opening": read_amount(opening, place.currency)} | ({"booth": booth} if booth else {})
        print_sheet(session, place, await api.post("/v1/shifts", form))


@app.command("show", help="cli.help.shift.show")
def show(
    context: typer.Context,
    lot: LotOption,
    number: Annotated[int | None, typer.Argument(min=1, help="cli.argument.shift_or_own", show_default=False)] = None,
) -> None:
    """Show the sheet of a shift: one's own that is open, or any by its number."""
    asyncio.run(_show(context.obj, lot, number))


async def _show(session: Session, lot: str, number: int | None) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        own = await _own(api, lot, number)
        path = f"/v1/my/shifts/{own}" if own is not None else f"/v1/shifts/{await _numbered(api, lot, number)}"
        print_sheet(session, place, await api.get(path))


@app.command("list", help="cli.help.shift.list")
def list_shifts(context: typer.Context, lot: LotOption) -> None:
    """List the last shifts of a lot, and what its safe holds."""
    asyncio.run(_list(context.obj, lot))


async def _list(session: Session, lot: str) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        found = await api.get("/v1/shifts", lot=lot)
        safe = await api.get(f"/v1/lots/{part(lot)}/safe")
    print_list(session, place, found["items"], safe["balances"])


@app.command("hand-over", help="cli.help.shift.hand_over")
def hand_over(
    context: typer.Context,
    lot: LotOption,
    counted: CountedOption = None,
    count: PiecesOption = None,
    reason: ReasonOption = None,
    onto: Annotated[int | None, typer.Option("--next", min=1, help="cli.option.next_shift")] = None,
    passed: Annotated[str | None, typer.Option("--passed", help="cli.option.passed")] = None,
) -> None:
    """Count one's own shift and hand its cash over."""
    asyncio.run(_hand_over(context.obj, lot, counted, count or [], reason, (onto, passed)))


async def _hand_over(
    session: Session, lot: str, counted: str | None, count: list[str], reason: str | None,
    onward: tuple[int | None, str | None],
) -> None:  # fmt: skip
    number, passed = onward
    async with connected(session) as api:
        place = await place_named(api, lot)
        own = await _own(api, lot, None)
        form = _counted(place, counted, count, reason)
        if number is not None:
            form["next"] = await _numbered(api, lot, number)
        if passed is not None:
            form["passed"] = read_amount(passed, place.currency)
        _told(session, place, await api.post(f"/v1/shifts/{own}/hand-over", form))


@app.command("close", help="cli.help.shift.close")
def close(
    context: typer.Context,
    number: NumberArgument,
    lot: LotOption,
    counted: CountedOption = None,
    count: PiecesOption = None,
    reason: ReasonOption = None,
) -> None:
    """Count the shift of somebody who did not, and put its cash into the safe."""
    asyncio.run(_close(context.obj, number, lot, counted, count or [], reason))


async def _close(
    session: Session, number: int, lot: str, counted: str | None, count: list[str], reason: str | None
) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        shift = await _numbered(api, lot, number)
        form = _counted(place, counted, count, reason)
        _told(session, place, await api.post(f"/v1/shifts/{shift}/close", form))


@app.command("confirm", help="cli.help.shift.confirm")
def confirm(
    context: typer.Context,
    number: NumberArgument,
    lot: LotOption,
    counted: CountedOption = None,
    count: PiecesOption = None,
    reason: ReasonOption = None,
) -> None:
    """Confirm what was counted at a hand-over, or tell what it was instead."""
    asyncio.run(_confirm(context.obj, number, lot, counted, count or [], reason))


async def _confirm(
    session: Session, number: int, lot: str, counted: str | None, count: list[str], reason: str | None
) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        shift = await _numbered(api, lot, number)
        corrected = _counted(place, counted, count, reason)
        if "counted" in corrected or "pieces" in corrected:
            sheet = await api.post(f"/v1/shifts/{shift}/correct", corrected)
        else:
            sheet = await api.post(f"/v1/shifts/{shift}/confirm")
        print_sheet(session, place, sheet)


@app.command("deposit", help="cli.help.shift.deposit")
def deposit(
    context: typer.Context,
    amount: Annotated[str, typer.Argument(help="cli.argument.amount", show_default=False)],
    lot: LotOption,
    reference: Annotated[str, typer.Option("--reference", help="cli.option.reference", show_default=False)],
    from_bank: Annotated[bool, typer.Option("--from-bank", help="cli.option.from_bank")] = False,
    from_till: Annotated[bool, typer.Option("--from-till", help="cli.option.from_till")] = False,
) -> None:
    """Take note of cash that was carried: from the safe to the bank, or into the safe."""
    kind = "fetched" if from_bank else "collected" if from_till else "deposited"
    asyncio.run(_deposit(context.obj, amount, lot, reference, kind))


async def _deposit(session: Session, amount: str, lot: str, reference: str, kind: str) -> None:
    async with connected(session) as api:
        place = await place_named(api, lot)
        form = {"kind": kind, "amount": read_amount(amount, place.currency), "reference": reference}
        move = await api.post(f"/v1/lots/{part(lot)}/safe/moves", form)
    told = session.say(f"cli.shift.{kind}", amount=place.shown(move["amount"]), reference=move["reference"], lot=lot)
    session.out.print(told, soft_wrap=True)


def _told(session: Session, place: Place, sheet: Any) -> None:
    print_sheet(session, place, sheet)
    if sheet["state"] == "counted":  # nothing was handed over yet
        raise typer.Exit(FAILED)


def _counted(place: Place, counted: str | None, count: list[str], reason: str | None) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if counted is not None:
        form["counted"] = read_amount(counted, place.currency)
    if count:
        form["pieces"] = read_pieces(count, place.currency)
    return form | ({"reason": reason} if reason is not None else {})


async def _own(api: Api, lot: str, number: int | None) -> str | None:
    """Return the id of one's own shift of a number, or without one of the one that is not handed over.

    Raises ``NotFound("shift.none_own")`` for the latter.
    """
    found = (await api.get("/v1/my/shifts", lot=lot, limit="200"))["items"]
    for each in found:
        if each["number"] == number or (number is None and each["state"] != "handed_over"):
            return str(each["id"])
    if number is None:
        raise NotFound("shift.none_own", lot=lot)
    return None


async def _numbered(api: Api, lot: str, number: int | None) -> str:
    found = (await api.get("/v1/shifts", lot=lot, number=str(number)))["items"]
    if not found:
        raise NotFound("shift.not_found")
    return str(found[0]["id"])
