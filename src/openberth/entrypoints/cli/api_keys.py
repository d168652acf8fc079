"""Accounts of machines and the keys by which they sign their requests, under ``openberth account``."""

import asyncio
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table

LoginArgument = Annotated[str, typer.Argument(help="cli.argument.login", show_default=False)]


def machine(
    context: typer.Context,
    login: LoginArgument,
    kind: Annotated[str, typer.Option("--kind", help="cli.option.machine_kind")] = "integrator",
    company: Annotated[str | None, typer.Option(help="cli.option.account_company")] = None,
    role: Annotated[str | None, typer.Option("--role", help="cli.option.role")] = None,
    at: Annotated[str, typer.Option("--at", help="cli.option.at")] = "platform",
) -> None:
    """Make an account of a machine, with a role when one is named."""
    asyncio.run(_machine(context.obj, {"login": login, "name": login, "kind": kind, "company": company}, role, at))


async def _machine(session: Session, form: dict[str, Any], role: str | None, at: str) -> None:
    async with connected(session) as api:
        await api.post("/v1/accounts", form)
        if role is not None:
            await give(api, form["login"], role, at)
    typer.echo(session.say("cli.account.made", login=form["login"]), err=True)


def add_key(
    context: typer.Context,
    login: LoginArgument,
    scope: Annotated[list[str], typer.Option("--scope", help="cli.option.key_scope", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="cli.option.key_name")] = None,
    per_minute: Annotated[int | None, typer.Option("--per-minute", min=1, help="cli.option.key_per_minute")] = None,
    per_day: Annotated[int | None, typer.Option("--per-day", min=1, help="cli.option.key_per_day")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="cli.option.key_days")] = None,
) -> None:
    """Make a key and print it with its secret once."""
    form: dict[str, Any] = {"name": name or login, "scopes": scope, "days": days}
    form |= {field: value for field, value in (("per_minute", per_minute), ("per_day", per_day)) if value is not None}
    asyncio.run(_add(context.obj, login, form))


async def _add(session: Session, login: str, form: dict[str, Any]) -> None:
    async with connected(session) as api:
        made = await api.post(f"/v1/accounts/{part(login)}/api-keys", form)
    session.out.print(f"{made['id']} {made['secret']}", soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.account.key_once", key=made["id"]), err=True)


def keys(context: typer.Context, login: LoginArgument) -> None:
    """List the keys of an account."""
    asyncio.run(_list(context.obj, login))


async def _list(session: Session, login: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/accounts/{part(login)}/api-keys")
    columns = ("api_key", "api_key_name", "api_key_state", "api_key_today", "api_key_scopes")
    table = plain_table(*((session.say(f"cli.column.{name}"), "left") for name in columns))
    for each in found["items"]:
        state = session.say("cli.account.key_holds" if each["holds"] else "cli.account.key_over")
        table.add_row(
            Text(each["id"], "bold"), each["name"], Text(state, "green" if each["holds"] else "red"),
            f"{each['used_today']}/{each['per_day']}", " ".join(each["scopes"]),
        )  # fmt: skip
    session.out.print(table)


def end_key(
    context: typer.Context,
    login: LoginArgument,
    key: Annotated[str, typer.Argument(help="cli.argument.key", show_default=False)],
) -> None:
    """End a key at once."""
    asyncio.run(_end(context.obj, login, key))


async def _end(session: Session, login: str, key: str) -> None:
    async with connected(session) as api:
        await api.ask("DELETE", f"/v1/accounts/{part(login)}/api-keys/{part(key)}")
    typer.echo(session.say("cli.account.key_ended", key=key), err=True)


async def give(api: Api, login: str, role: str, at: str) -> None:
    """Give a role at ``platform``, ``company:CODE`` or ``lot:CODE``. Raises ``Problem``."""
    level, colon, node = at.partition(":")
    await api.post("/v1/grants", {"account": login, "role": role, "level": level, "node": node if colon else None})
