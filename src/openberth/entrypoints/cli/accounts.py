"""``openberth account``: who may sign in, and what it may do. The first administrator is made here; nobody is built in.

A password is asked for without showing it, read from the first line of the input (``--stdin``), or made and printed
once (``--generate``): never an argument, which other users of the machine could read.
"""

import asyncio
import secrets
import sys
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.api_keys import add_key, end_key, give, keys, machine
from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.second_factors import second_factor
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.kernel.errors import Malformed

app = typer.Typer()
app.command("second-factor", help="cli.help.account.second_factor")(second_factor)
app.command("machine", help="cli.help.account.machine")(machine)
app.command("add-key", help="cli.help.account.add_key")(add_key)
app.command("keys", help="cli.help.account.keys")(keys)
app.command("end-key", help="cli.help.account.end_key")(end_key)

PASSWORD_BYTES = 12
LoginArgument = Annotated[str, typer.Argument(help="cli.argument.login", show_default=False)]
RoleOption = Annotated[str | None, typer.Option("--role", help="cli.option.role")]
AtOption = Annotated[str, typer.Option("--at", help="cli.option.at")]
GenerateOption = Annotated[bool, typer.Option("--generate", help="cli.option.generate")]
StdinOption = Annotated[bool, typer.Option("--stdin", help="cli.option.stdin")]


@app.command("create", help="cli.help.account.create")
def create(
    context: typer.Context,
    login: LoginArgument,
    name: Annotated[str | None, typer.Option(help="cli.option.account_name")] = None,
    company: Annotated[str | None, typer.Option(help="cli.option.account_company")] = None,
    role: RoleOption = None,
    at: AtOption = "platform",
    generate: GenerateOption = False,
    stdin: StdinOption = False,
) -> None:
    """Make an account of a person, with a role when one is named."""
    session: Session = context.obj
    password = new_password(session, generate=generate, stdin=stdin)
    asyncio.run(_create(session, login, name or login, company, role, at, password))
    if generate:
        _print_once(session, login, password)


async def _create(
    session: Session, login: str, name: str, company: str | None, role: str | None, at: str, password: str
) -> None:
    async with connected(session) as api:
        await make_person(api, login, name=name, company=company, password=password)
        if role is not None:
            await give(api, login, role, at)
    typer.echo(session.say("cli.account.made", login=login), err=True)


@app.command("list", help="cli.help.account.list")
def list_accounts(context: typer.Context) -> None:
    """List the accounts."""
    asyncio.run(_list(context.obj))


async def _list(session: Session) -> None:
    async with connected(session) as api:
        found = await api.items("/v1/accounts")
    table = plain_table(
        (session.say("cli.column.login"), "left"), (session.say("cli.column.kind"), "left"),
        (session.say("cli.column.account_state"), "left"), (session.say("cli.column.second_factor"), "left"),
    )  # fmt: skip
    for each in found:
        state = Text(session.say(f"cli.account.{each['state']}"), "green" if each["state"] == "active" else "red")
        factor = session.say("cli.account.has_factor" if each["second_factor"] else "cli.account.no_factor")
        table.add_row(Text(each["login"] or each["id"], "bold"), str(each["kind"]), state, factor)
    session.out.print(table)


@app.command("grant", help="cli.help.account.grant")
def grant(
    context: typer.Context,
    login: LoginArgument,
    role: Annotated[str, typer.Argument(help="cli.option.role", show_default=False)],
    at: AtOption = "platform",
    take_back: Annotated[bool, typer.Option("--take-back", help="cli.option.take_back")] = False,
) -> None:
    """Give a role at a place, or take it back."""
    asyncio.run(_grant(context.obj, login, role, at, take_back))


async def _grant(session: Session, login: str, role: str, at: str, take_back: bool) -> None:
    async with connected(session) as api:
        if not take_back:
            await give(api, login, role, at)
            return
        held = await api.get("/v1/grants", account=login)
        level = at.partition(":")[0]
        for each in held["items"]:
            if each["role"] == role and each["level"] == level:
                await api.ask("DELETE", f"/v1/grants/{each['id']}")


@app.command("lock", help="cli.help.account.lock")
def lock(
    context: typer.Context,
    login: LoginArgument,
    unlock: Annotated[bool, typer.Option("--unlock", help="cli.option.unlock")] = False,
) -> None:
    """Keep somebody out, or let it in again."""
    asyncio.run(_post(context.obj, f"/v1/accounts/{part(login)}/lock", {"locked": not unlock}))


@app.command("password", help="cli.help.account.password")
def password(
    context: typer.Context, login: LoginArgument, generate: GenerateOption = False, stdin: StdinOption = False
) -> None:
    """Give somebody a new password."""
    session: Session = context.obj
    made = new_password(session, generate=generate, stdin=stdin)
    asyncio.run(_post(session, f"/v1/accounts/{part(login)}/password", {"password": made}))
    if generate:
        _print_once(session, login, made)


async def _post(session: Session, path: str, body: Any) -> None:
    async with connected(session) as api:
        await api.post(path, body)


async def make_person(api: Api, login: str, *, name: str, company: str | None, password: str) -> None:
    """Make an account of a person. Raises ``Problem``."""
    form = {"login": login, "name": name, "password": password}
    await api.post("/v1/accounts", form | ({"company": company} if company else {}))


def generated() -> str:
    """Return a password that nobody guesses."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def new_password(session: Session, *, generate: bool, stdin: bool) -> str:
    """Return the new password: made, read from the input, or asked for twice. Raises ``Malformed``."""
    if generate:
        return generated()
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Malformed("cli.account.no_terminal")
    said: str = typer.prompt(session.say("cli.account.password"), hide_input=True, err=True)
    again: str = typer.prompt(session.say("cli.account.again"), hide_input=True, err=True)
    if said != again:
        raise Malformed("cli.account.differs")
    return said


def _print_once(session: Session, login: str, made: str) -> None:
    session.out.print(made, soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.account.once", login=login), err=True)
