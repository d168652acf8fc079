"""``openberth device``: what stands at the lanes of a lot, and the secrets it speaks with."""

import asyncio
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.stays import LotArgument
from openberth.entrypoints.cli.tables import plain_table
from openberth.entrypoints.cli.top.model import instant_of
from openberth.entrypoints.cli.top.words import age_text
from openberth.kernel.errors import Malformed, NotFound

OLD_FOR_HOURS_MAX = 7 * 24

# A device that was sent a command has half a minute to do it.
OUTCOME_TRIES, OUTCOME_PAUSE_S = 70, 0.5

DeviceArgument = Annotated[str, typer.Argument(help="cli.argument.device", show_default=False)]

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
    device: DeviceArgument,
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
    told.append(("cli.credentials.signed", made.get("signed_address")))
    if not made.get("path") or made.get("signed_address"):
        told.append(("cli.credentials.secret", made.get("secret")))
    for code, value in told:
        if value:
            # Not wrapped: an address is copied into the device as it stands.
            session.out.print(f"{session.say(code)}: {value}", soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.credentials.once", device=device), err=True)


class Told(StrEnum):
    """What a device is told about itself."""

    RESTART = "restart"
    SET_TIME = "set-time"


@app.command("tell", help="cli.help.device.tell")
def tell(
    context: typer.Context,
    lot: LotArgument,
    device: DeviceArgument,
    what: Annotated[Told, typer.Argument(help="cli.argument.told", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.reason", show_default=False)],
) -> None:
    """Tell a device to restart, or what time it is, and wait for what becomes of it."""
    asyncio.run(_tell(context.obj, lot, device, what, reason))


async def _tell(session: Session, lot: str, device: str, what: Told, reason: str) -> None:
    async with connected(session) as api:
        found = await _device_named(api, lot, device)
        told = await api.post(
            f"/v1/devices/{part(found['id'])}/commands", {"kind": what.value.replace("-", "_"), "reason": reason}
        )
        for _ in range(OUTCOME_TRIES):
            if told.get("outcome") is not None:
                break
            await asyncio.sleep(OUTCOME_PAUSE_S)
            latest = await api.get("/v1/commands", lot=lot, device=device, limit="20")
            told = next((one for one in latest["items"] if one["id"] == told["id"]), told)
    outcome, detail = told.get("outcome") or "uncertain", told.get("detail") or ""
    words = session.say(f"cli.told.{outcome}", device=device, detail=detail)
    session.out.print(Text(words, "green" if outcome == "done" else "yellow"), soft_wrap=True)
    raise typer.Exit(0 if outcome == "done" else 1)


@app.command("history", help="cli.help.device.history")
def history(context: typer.Context, lot: LotArgument, device: DeviceArgument) -> None:
    """Print what became of a device."""
    asyncio.run(_history(context.obj, lot, device))


async def _history(session: Session, lot: str, device: str) -> None:
    async with connected(session) as api:
        found = await _device_named(api, lot, device)
        told = await api.get(f"/v1/devices/{part(found['id'])}/history")
    lines = [(one["ended_at"], session.say("cli.history.ended", words=one["text"])) for one in told["ended"]]
    lines += [(one["seen_at"], session.say("cli.history.firmware", name=one["firmware"])) for one in told["firmwares"]]
    lines += [
        (one["issued_at"], session.say("cli.history.command", kind=one["kind"], outcome=one["outcome"] or "…",
                                       detail=one["detail"] or "—", actor=one["actor"]))
        for one in told["commands"]
    ]  # fmt: skip
    if not lines:
        session.out.print(session.say("cli.history.nothing", device=device))
    for at, words in sorted(lines, reverse=True):
        session.out.print(Text.assemble((at[:19].replace("T", " "), "dim"), "  ", words), soft_wrap=True)


@app.command("white-list", help="cli.help.device.white_list")
def white_list(
    context: typer.Context,
    lot: LotArgument,
    device: DeviceArgument,
    compare: Annotated[bool, typer.Option("--compare", help="cli.option.compare", show_default=False)] = False,
) -> None:
    """Print how a camera's own list stands to the permits, or have it read back."""
    asyncio.run(_white_list(context.obj, lot, device, compare))


async def _white_list(session: Session, lot: str, device: str, compare: bool) -> None:
    async with connected(session) as api:
        found = await _device_named(api, lot, device)
        path = f"/v1/devices/{part(found['id'])}/white-list"
        if compare:
            await api.post(f"{path}/compare", {})
            session.out.print(session.say("cli.white_list.asked", device=device))
            return
        told = await api.get(path)
    state = "behind" if told["behind_since"] else "in_step"
    words = session.say(f"cli.white_list.{state}", wanted=told["wanted"], held=told["held"], why=told["trouble"] or "…")
    session.out.print(Text(words, "yellow" if told["behind_since"] else "green"), soft_wrap=True)
    if told["left_out"]:
        session.out.print(session.say("cli.white_list.left_out", count=told["left_out"]))
    if told["compared_at"]:
        count = "—" if told["found"] is None else told["found"]
        session.out.print(session.say("cli.white_list.compared", at=told["compared_at"][:19], count=count))
    for one in told["differences"]:
        session.out.print(Text(f"  {one['plate']}  {session.say('cli.white_list.' + one['flaw'])}"))


async def _device_named(api: Api, lot: str, device: str) -> Mapping[str, Any]:
    """Return a device of a lot by its code. Raises ``NotFound("device.not_found")``."""
    cursor: dict[str, str] = {}
    while True:
        page = await api.get("/v1/devices", lot=lot, limit="200", **cursor)
        for one in page["items"]:
            if one["code"] == device:
                return dict(one)
        if not page.get("next"):
            raise NotFound("device.not_found", device=device)
        cursor = {"cursor": page["next"]}


@app.command("login", help="cli.help.device.login")
def login(
    context: typer.Context,
    lot: LotArgument,
    device: Annotated[str, typer.Argument(help="cli.argument.device", show_default=False)],
    user: Annotated[str | None, typer.Option("--user", help="cli.option.device_user", show_default=False)] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="cli.option.device_password", show_default=False)] = False,
    forget: Annotated[bool, typer.Option("--forget", help="cli.option.device_forget", show_default=False)] = False,
) -> None:
    """Keep by which user name and password a device is called."""
    session: Session = context.obj
    if forget == (user is not None):
        raise Malformed("cli.device.login_how")
    form = {"user": user, "password": None if forget else _password(session, stdin=stdin)}
    asyncio.run(_login(session, lot, device, form))


async def _login(session: Session, lot: str, device: str, form: Mapping[str, str | None]) -> None:
    async with connected(session) as api:
        await api.post(f"/v1/lots/{part(lot)}/devices/{part(device)}/login", form)
    known = "cli.device.login_kept" if form["user"] else "cli.device.login_forgotten"
    typer.echo(session.say(known, device=device), err=True)


def _password(session: Session, *, stdin: bool) -> str:
    """Return the device's password: the first line of the input, or asked for without showing it."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Malformed("cli.account.no_terminal")
    said: str = typer.prompt(session.say("cli.device.password"), hide_input=True, err=True)
    return said


def address_of(made: Mapping[str, Any], url: str | None) -> str:
    """Return what is typed into the device: what the server says, on the host by which we reach it ourselves."""
    told = str(made["address"])
    if url is None:
        return told
    if made.get("path"):
        return url.rstrip("/") + str(made["path"])
    host = urlsplit(url).hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{told.rpartition(':')[2]}"
