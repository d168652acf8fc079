"""``openberth setting``: settings that inherit from the platform down to the lot, and their locks."""

import asyncio
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.kernel.errors import Malformed

app = typer.Typer()

KeyArgument = Annotated[str, typer.Argument(help="cli.argument.setting", show_default=False)]
AtOption = Annotated[str, typer.Option("--at", help="cli.option.at")]
WORDED = frozenset(("debts.at_exit",))
WORDS = {"true": True, "false": False}


@app.command("list", help="cli.help.setting.list")
def list_settings(context: typer.Context, at: AtOption = "platform") -> None:
    """Show what holds at a place, where it comes from and what locks it."""
    asyncio.run(_list(context.obj, at))


async def _list(session: Session, at: str) -> None:
    async with connected(session) as api:
        found = await api.get("/v1/settings", **_query(at))
    table = plain_table(
        (session.say("cli.column.setting"), "left"), (session.say("cli.column.value"), "right"),
        (session.say("cli.column.source"), "left"), (session.say("cli.column.locked"), "left"),
        (session.say("cli.column.meaning"), "left"),
    )  # fmt: skip
    for each in found["items"]:
        table.add_row(
            Text(each["key"], "bold"), shown(each["value"]), session.say(f"cli.level.{each['source'] or 'default'}"),
            session.say(f"cli.level.{each['locked_by']}") if each["locked_by"] else "", _meaning(session, each),
        )  # fmt: skip
    session.out.print(table)


def _meaning(session: Session, each: Any) -> str:
    if not each["overruled"]:
        return str(each["text"])
    return session.say("cli.setting.overruled", text=each["text"], own=shown(each["own"]))


@app.command("set", help="cli.help.setting.set")
def set_value(
    context: typer.Context,
    key: KeyArgument,
    value: Annotated[str, typer.Argument(help="cli.argument.value", show_default=False)],
    at: AtOption = "platform",
    lock: Annotated[bool, typer.Option("--lock", help="cli.option.setting_lock")] = False,
) -> None:
    """Set a value at a place."""
    asyncio.run(_put(context.obj, key, at, {"value": value_of(key, value)} | ({"locked": True} if lock else {})))


@app.command("lock", help="cli.help.setting.lock")
def lock(context: typer.Context, key: KeyArgument, at: AtOption = "platform") -> None:
    """Forbid all places below another value than what holds here."""
    asyncio.run(_put(context.obj, key, at, {"locked": True}))


@app.command("unlock", help="cli.help.setting.unlock")
def unlock(context: typer.Context, key: KeyArgument, at: AtOption = "platform") -> None:
    """Let places below have values of their own again."""
    asyncio.run(_put(context.obj, key, at, {"locked": False}))


@app.command("clear", help="cli.help.setting.clear")
def clear(context: typer.Context, key: KeyArgument, at: AtOption = "platform") -> None:
    """Take back what was set at a place."""
    asyncio.run(_clear(context.obj, key, at))


async def _put(session: Session, key: str, at: str, change: dict[str, Any]) -> None:
    async with connected(session) as api:
        _tell(session, await api.ask("PUT", f"/v1/settings/{part(key)}", json=_query(at) | change))


async def _clear(session: Session, key: str, at: str) -> None:
    async with connected(session) as api:
        _tell(session, await api.ask("DELETE", f"/v1/settings/{part(key)}", query=_query(at)))


def _tell(session: Session, found: Any) -> None:
    source = session.say(f"cli.level.{found['source'] or 'default'}")
    typer.echo(session.say("cli.setting.holds", key=found["key"], value=shown(found["value"]), source=source), err=True)


def _query(at: str) -> dict[str, str]:
    level, _, node = at.partition(":")
    return {"level": level} | ({"node": node} if node else {})


def value_of(key: str, text: str) -> bool | int | str:
    """Return a value as it is typed: truth, a word or a whole number. Raises ``Malformed("cli.setting.value")``."""
    if text in WORDS:
        return WORDS[text]
    if key in WORDED:
        return text
    try:
        return int(text)
    except ValueError:
        raise Malformed("cli.setting.value", key=key) from None


def shown(value: object) -> str:
    """Return a value as it is shown."""
    return str(value).lower()
