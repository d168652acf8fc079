"""``openberth lot``: cars whose whereabouts are not known, and lanes that let everybody through for a while."""

import asyncio
from typing import Annotated

import typer

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.stays import LotArgument, stay_of

Reason = Annotated[str, typer.Option(help="cli.option.reason", show_default=False)]
StayArgument = Annotated[str, typer.Argument(help="cli.argument.plate_before", show_default=False)]
LaneArgument = Annotated[str, typer.Argument(help="cli.argument.lane_code", show_default=False)]
app = typer.Typer()


@app.command("soft-close", help="cli.help.lot.soft_close")
def soft_close(context: typer.Context, lot: LotArgument, stay: StayArgument, reason: Reason) -> None:
    """End a stay whose car nobody saw leave."""
    asyncio.run(_whereabouts(context.obj, lot, stay, reason, "soft-close"))


@app.command("reopen", help="cli.help.lot.reopen")
def reopen(context: typer.Context, lot: LotArgument, stay: StayArgument, reason: Reason) -> None:
    """Let a stay go on that was ended though its car is inside."""
    asyncio.run(_whereabouts(context.obj, lot, stay, reason, "reopen"))


async def _whereabouts(session: Session, lot: str, named: str, reason: str, deed: str) -> None:
    async with connected(session) as api:
        stay = await stay_of(api, lot, named, state="open" if deed == "soft-close" else "closed")
        after = await api.post(f"/v1/stays/{part(stay)}/{deed}", {"reason": reason})
    word = deed.replace("-", "_")
    session.out.print(session.say(f"cli.lot.{word}", lot=lot, plate=after.get("plate") or session.say("top.no_plate")))


@app.command("neutral", help="cli.help.lot.neutral")
def neutral(
    context: typer.Context,
    lot: LotArgument,
    reason: Reason,
    plate: Annotated[str | None, typer.Option(help="cli.option.neutral_plate", show_default=False)] = None,
    right: Annotated[list[str] | None, typer.Option(help="cli.option.neutral_right", show_default=False)] = None,
) -> None:
    """Take it that nobody knows where cars are."""
    asyncio.run(_neutral(context.obj, lot, reason, plate, right or []))


async def _neutral(session: Session, lot: str, reason: str, plate: str | None, rights: list[str]) -> None:
    form = {"reason": reason, "rights": rights, **({"plate": plate} if plate else {})}
    async with connected(session) as api:
        await api.post(f"/v1/lots/{part(lot)}/passback-resets", form)
    session.out.print(session.say("cli.lot.neutral", lot=lot))


@app.command("convoy", help="cli.help.lot.convoy")
def convoy(
    context: typer.Context,
    lot: LotArgument,
    lane: LaneArgument,
    minutes: Annotated[int, typer.Option(help="cli.option.convoy_minutes")] = 0,
    reason: Annotated[str, typer.Option(help="cli.option.reason", show_default=False)] = "",
) -> None:
    """Let everybody through at a lane for some minutes, or, without minutes, no more."""
    asyncio.run(_convoy(context.obj, lot, lane, minutes, reason))


async def _convoy(session: Session, lot: str, lane: str, minutes: int, reason: str) -> None:
    place = f"/v1/lots/{part(lot)}/lanes/{part(lane)}/convoy"
    async with connected(session) as api:
        if minutes:
            await api.post(place, {"minutes": minutes, "reason": reason})
        else:
            await api.post(f"{place}/end", {})
    word = "cli.lot.convoy" if minutes else "cli.lot.convoy_ended"
    session.out.print(session.say(word, lot=lot, lane=lane, minutes=minutes))
