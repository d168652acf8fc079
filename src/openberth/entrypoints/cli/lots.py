"""``openberth lot``: lot files, permit lists, who is let in, and the plates of cars inside."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from openberth.entrypoints.cli import whereabouts
from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.files import read_text
from openberth.entrypoints.cli.mistakes import FAILED, print_problem
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.stays import LotArgument, stay_of
from openberth.entrypoints.cli.tables import plain_table, print_warning
from openberth.entrypoints.cli.top.frame import STATE_STYLES
from openberth.entrypoints.cli.top.model import money_of
from openberth.entrypoints.cli.top.words import money_text
from openberth.kernel.errors import Malformed

app = typer.Typer()

app.add_typer(whereabouts.app)  # no group of its own: they are commands of lots


@app.command("apply", help="cli.help.lot.apply")
def apply(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="cli.argument.lot_files", show_default=False)],
) -> None:
    """Apply lot files: all of them are checked before the first one is applied."""
    # Documents are read where they are needed: their rooms bring the database along.
    from openberth.contexts.facility.document import read_lot
    from openberth.infra.documents import DocumentError

    session: Session = context.obj
    wanted: list[tuple[str, str, str]] = []
    mistakes: list[DocumentError] = []
    for path in files:
        text = read_text(path)
        try:
            wanted.append((read_lot(text, name=str(path)).code, text, str(path)))
        except DocumentError as error:
            mistakes.append(error)
    for mistake in mistakes:
        print_problem(mistake, session)
    if mistakes:
        raise typer.Exit(FAILED)
    asyncio.run(_apply(session, wanted))


async def _apply(session: Session, wanted: list[tuple[str, str, str]]) -> None:
    async with connected(session) as api:
        for code, text, name in wanted:
            applied = await apply_lot(api, code, text, name=name)
            session.out.print(applied_text(applied, code, session))
            for warning in applied.get("warnings") or ():
                print_warning(f"{name}:{warning.get('line')}: {warning.get('text')}", session)


async def apply_lot(api: Api, code: str, text: str, *, name: str) -> Mapping[str, Any]:
    """Apply one lot file and return what it changed."""
    applied: Mapping[str, Any] = await api.put(f"/v1/lots/{part(code)}", text, name=name)
    return applied


def applied_text(applied: Mapping[str, Any], code: str, session: Session) -> str:
    """Say what applying a lot file did."""
    counts = applied.get("counts") or {}
    fields = [str(field) for field in applied.get("fields") or ()]
    if applied.get("created"):
        added = {kind.removesuffix(".added"): count for kind, count in counts.items()}
        return session.say("cli.lot.created", lot=code, things=_counted(added, session))
    if not counts and not fields:
        return session.say("cli.lot.unchanged", lot=code)
    told = [_changed(kind, count, session) for kind, count in counts.items()]
    if fields:
        told.insert(0, session.say("cli.lot.fields", fields=", ".join(fields)))
    return session.say("cli.lot.changed", lot=code, things=", ".join(told))


def _counted(counts: Mapping[str, int], session: Session) -> str:
    return ", ".join(session.say(f"cli.thing.{kind}", count=count) for kind, count in counts.items())


def _changed(name: str, count: int, session: Session) -> str:
    kind, _, action = name.partition(".")
    return session.say(f"cli.action.{action}", things=session.say(f"cli.thing.{kind}", count=count))


@app.command("list", help="cli.help.lot.list")
def list_lots(context: typer.Context) -> None:
    """List the lots."""
    session: Session = context.obj
    asyncio.run(_list(session))


async def _list(session: Session) -> None:
    async with connected(session) as api:
        lots = await api.items("/v1/lots", limit="200")
    if not lots:
        session.out.print(session.say("cli.lot.none"))
        return
    table = plain_table(
        (session.say("cli.column.lot"), "left"), (session.say("cli.column.name"), "left"),
        (session.say("cli.column.state"), "left"), (session.say("cli.column.occupied"), "right"),
        (session.say("cli.column.tariff"), "left"), (session.say("cli.column.code"), "left"),
    )  # fmt: skip
    for lot in lots:
        table.add_row(
            Text(lot["code"], "bold"), session.name_of(lot.get("name")), state_text(lot.get("state"), session),
            f"{lot.get('occupied', '–')}/{lot.get('capacity', '–')}", str(lot.get("tariff", "")),
            str(lot.get("scan_code", "")),
        )  # fmt: skip
    session.out.print(table)


def state_text(state: object, session: Session) -> Text:
    """Return the word for a lot's state, coloured."""
    return Text(session.say(f"top.state.{state}"), STATE_STYLES.get(str(state), "")) if state else Text()


@app.command("show", help="cli.help.lot.show")
def show(context: typer.Context, lot: LotArgument) -> None:
    """Show one lot."""
    asyncio.run(_show(context.obj, lot))


async def _show(session: Session, lot: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/lots/{part(lot)}")
    session.out.print(
        Text.assemble((found["code"], "bold"), "  ", session.name_of(found.get("name")), "  ",
                      state_text(found.get("state"), session), f"  {found.get('scan_code', '')}")
    )  # fmt: skip
    session.out.print(
        Text(f"{found.get('zone', '')}  {found.get('currency', '')}  "
             + session.say("cli.lot.tariff", tariff=found.get("tariff", "–")), "dim")
    )  # fmt: skip
    areas = plain_table(
        (session.say("cli.column.area"), "left"), (session.say("cli.column.name"), "left"),
        (session.say("cli.column.occupied"), "right"), (session.say("cli.column.free"), "right"),
    )  # fmt: skip
    for area in found.get("areas") or ():
        inside = f"{area.get('occupied', '–')}/{area.get('capacity', '–')}"
        areas.add_row(area["code"], session.name_of(area.get("name")), inside, str(area.get("free", "–")))
    lanes = plain_table(
        (session.say("cli.column.lane"), "left"), (session.say("cli.column.name"), "left"),
        (session.say("cli.column.kind"), "left"), (session.say("cli.column.code"), "left"),
        (session.say("cli.column.waiting"), "left"),
    )  # fmt: skip
    for lane in found.get("lanes") or ():
        lanes.add_row(lane["code"], session.name_of(lane.get("name")), session.say(f"cli.lane.{lane.get('kind')}"),
                      str(lane.get("scan_code", "")), _waiting_text(lane.get("waiting"), session))  # fmt: skip
    for table in (areas, lanes):
        session.out.print()
        session.out.print(table)


def _waiting_text(waiting: object, session: Session) -> str:
    if not isinstance(waiting, Mapping):
        return ""
    bill = waiting.get("bill")
    due = money_of(bill.get("due")) if isinstance(bill, Mapping) else None
    told = [str(waiting.get("plate") or session.say("top.no_plate")), session.say(f"top.ask.{waiting.get('ask')}")]
    return " ".join([*told, *([money_text(due)] if due else [])])


@app.command("permits", help="cli.help.lot.permits")
def permits(
    context: typer.Context,
    lot: LotArgument,
    file: Annotated[Path, typer.Argument(help="cli.argument.permit_file", show_default=False)],
) -> None:
    """Replace the permits of a lot by a list."""
    from openberth.contexts.permits.document import read_permits

    session: Session = context.obj
    text = read_text(file)
    read_permits(text, zone=ZoneInfo("UTC"), name=str(file))  # the server reads it again, in the lot's own zone
    asyncio.run(_permits(session, lot, text, str(file)))


async def _permits(session: Session, lot: str, text: str, name: str) -> None:
    async with connected(session) as api:
        applied = await api.put(f"/v1/lots/{part(lot)}/permits", text, name=name)
    counts = {key: applied.get(key, 0) for key in ("added", "changed", "retired")}
    code = "cli.permits.changed" if any(counts.values()) else "cli.permits.unchanged"
    session.out.print(session.say(code, lot=lot, **counts))


@app.command("state", help="cli.help.lot.state")
def state(
    context: typer.Context,
    lot: LotArgument,
    state: Annotated[str, typer.Argument(help="cli.argument.state", show_default=False)],
    reason: Annotated[str, typer.Option(help="cli.option.reason", show_default=False)],
) -> None:
    """Say who is let in."""
    if state not in STATE_STYLES:
        raise Malformed("cli.state", state=state, known=", ".join(STATE_STYLES))
    asyncio.run(_state(context.obj, lot, state, reason))


async def _state(session: Session, lot: str, state: str, reason: str) -> None:
    async with connected(session) as api:
        await api.post(f"/v1/lots/{part(lot)}/state", {"state": state, "reason": reason})
    session.out.print(session.say("cli.lot.state_set", lot=lot, state=session.say(f"top.state.{state}")))


@app.command("plate", help="cli.help.lot.plate")
def plate(
    context: typer.Context,
    lot: LotArgument,
    before: Annotated[str, typer.Argument(help="cli.argument.plate_before", show_default=False)],
    after: Annotated[str, typer.Argument(help="cli.argument.plate_after", show_default=False)],
    reason: Annotated[str, typer.Option(help="cli.option.reason", show_default=False)],
) -> None:
    """Correct the plate of a car that is inside."""
    asyncio.run(_plate(context.obj, lot, before, after, reason))


async def _plate(session: Session, lot: str, before: str, after: str, reason: str) -> None:
    async with connected(session) as api:
        stay = await stay_of(api, lot, before)
        known = await api.get(f"/v1/stays/{part(stay)}")
        corrected = await api.post(f"/v1/stays/{part(stay)}/plate", {"plate": after, "reason": reason})
    changed = len(corrected["corrections"]) > len(known["corrections"])
    session.out.print(
        session.say(
            "cli.lot.plate_set" if changed else "cli.lot.plate_unchanged", lot=lot,
            before=known.get("plate") or session.say("top.no_plate"), after=corrected.get("plate"),
        )
    )  # fmt: skip
