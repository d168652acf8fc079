"""``openberth account second-factor``: setting one up by oneself, new recovery codes, and taking one away.

Setting up and new codes are what people do to themselves, so the password of the account is asked for; taking away is
what an administrator does for somebody who lost the authenticator and every code.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.session import Session
from openberth.kernel.errors import Malformed

LoginArgument = Annotated[str, typer.Argument(help="cli.argument.login", show_default=False)]


def second_factor(
    context: typer.Context,
    login: LoginArgument,
    new_codes: Annotated[bool, typer.Option("--new-codes", help="cli.option.new_codes")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="cli.option.remove_factor")] = False,
    reason: Annotated[str | None, typer.Option(help="cli.option.reason")] = None,
) -> None:
    """Set a second factor up, make new recovery codes, or take it from somebody."""
    session: Session = context.obj
    if remove:
        if not reason:
            raise Malformed("cli.factor.reason")
        asyncio.run(_remove(session, login, reason))
    elif new_codes:
        asyncio.run(_new_codes(session, login))
    else:
        asyncio.run(_set_up(session, login))


async def _set_up(session: Session, login: str) -> None:
    async with connected(session) as api:
        own, password = await _signed_in(api, session, login)
        made = await own.post("/v1/auth/second-factor")
        session.out.print(session.say("cli.factor.take"), soft_wrap=True)
        for line in (made["address"], made["secret"]):
            session.out.print(line, soft_wrap=True, highlight=False, markup=False)
        code = typer.prompt(session.say("cli.factor.code"), err=True)
        form = {"secret": made["secret"], "code": code.strip(), "password": password}
        done = await own.ask("PUT", "/v1/auth/second-factor", json=form)
        await own.post("/v1/auth/sign-out")
    _print_codes(session, done["recovery_codes"])


async def _new_codes(session: Session, login: str) -> None:
    async with connected(session) as api:
        own, password = await _signed_in(api, session, login)
        done = await own.post("/v1/auth/second-factor/recovery-codes", {"password": password})
        await own.post("/v1/auth/sign-out")
    _print_codes(session, done["recovery_codes"])


async def _remove(session: Session, login: str, reason: str) -> None:
    async with connected(session) as api:
        await api.post(f"/v1/accounts/{part(login)}/second-factor/remove", {"reason": reason})
    typer.echo(session.say("cli.factor.removed", login=login), err=True)


async def _signed_in(api: Api, session: Session, login: str) -> tuple[Api, str]:
    """Sign in as somebody and return its API and password; a code is asked for where there is a second factor."""
    password: str = typer.prompt(session.say("cli.factor.password", login=login), hide_input=True, err=True)
    form: dict[str, Any] = {"login": login, "password": password}
    tokens = await api.bearing(None).post_or("/v1/auth/sign-in", form, "auth.code_needed")
    if tokens is None:
        form["code"] = typer.prompt(session.say("cli.factor.code_or_recovery"), err=True).strip()
        tokens = await api.bearing(None).post("/v1/auth/sign-in", form)
    return api.bearing(tokens["access_token"]), password


def _print_codes(session: Session, codes: Sequence[str]) -> None:
    session.out.print(session.say("cli.factor.codes"), soft_wrap=True)
    for code in codes:
        session.out.print(code, soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.factor.once"), err=True)
