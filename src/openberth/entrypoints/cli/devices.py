"""``openberth device``: what stands at the lanes of a lot, and the secrets it speaks with."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.lots import LotArgument
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.entrypoints.cli.top.model import instant_of
from openberth.entrypoints.cli.top.words import age_text

OLD_FOR_HOURS_MAX = 7 * 24

app = typer.Typer()


@app.command("list", help="cli.help.device.list")
def list_devices(context: typer.Context, lot: LotArgument) -> None:
    """List the devices of a lot."""
    asyncio.run(_list(context.obj, lot))


async def _list(session: Session, lot: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/lots/{part(lot)}")
        clock = await api.get("/v1/clock")
    table = plain_table(
        (session.say("cli.column.device"), "left"), (session.say("cli.column.kind"), "left"),
        (session.say("cli.column.lane"), "left"), (session.say("cli.column.last_seen"), "left"),
    )  # fmt: skip
    for device in found.get("devices") or ():
        table.add_row(
            Text(device["code"], "bold"), str(device.get("kind", "")), str(device.get("lane") or ""),
            last_seen_text(device, clock, session),
        )  # fmt: skip
    session.out.print(table)


def last_seen_text(device: Any, clock: Any, session: Session) -> Text:
    """Say when a device was last heard, and whether that is well."""
    seen, now = instant_of(device.get("last_seen")), instant_of(clock.get("machine_now"))
    if seen is None or now is None:
        return Text(session.say("cli.device.never"), "yellow")
    if device.get("online") is False:
        return Text(session.say("cli.device.silent", span=age_text(now - seen, session.language)), "red")
    return Text(session.say("cli.device.ago", span=age_text(now - seen, session.language)), "green")


@app.command("credentials", help="cli.help.device.credentials")
def credentials(
    context: typer.Context,
    lot: LotArgument,
    device: Annotated[str, typer.Argument(help="cli.argument.device", show_default=False)],
    old_for: Annotated[
        int, typer.Option("--old-for", min=0, max=OLD_FOR_HOURS_MAX, help="cli.option.old_for", show_default=False)
    ] = 0,
) -> None:
    """Make a new secret for a device and print it once."""
    asyncio.run(_credentials(context.obj, lot, device, old_for))


async def _credentials(session: Session, lot: str, device: str, old_for: int) -> None:
    async with connected(session) as api:
        made = await api.post(
            f"/v1/lots/{part(lot)}/devices/{part(device)}/credentials", {"old_for_s": old_for * 3_600}
        )
    told = [("cli.credentials.kind", made.get("kind")), ("cli.credentials.serial", made.get("serial"))]
    told.append(("cli.credentials.address", address_of(made, session.url)))
    if not made.get("path"):
        told.append(("cli.credentials.secret", made.get("secret")))
    for code, value in told:
        if value:
            # Not wrapped: an address is copied into the device as it stands.
            session.out.print(f"{session.say(code)}: {value}", soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.credentials.once", device=device), err=True)


def address_of(made: Mapping[str, Any], url: str | None) -> str:
    """Return what is typed into the device: what the server says, on the host by which we reach it ourselves."""
    told = str(made["address"])
    if url is None:
        return told
    if made.get("path"):
        return url.rstrip("/") + str(made["path"])
    host = urlsplit(url).hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{told.rpartition(':')[2]}"
