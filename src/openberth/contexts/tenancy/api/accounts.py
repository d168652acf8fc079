"""Routes of accounts."""

import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.model.accounts import (
    Account,
    AccountKind,
    AccountState,
    Grant,
    Level,
    Who,
    check_password,
)
from openberth.contexts.tenancy.service import accounts, companies, grants, second_factor, sessions
from openberth.contexts.tenancy.service.sessions import digest_of
from openberth.infra import vault
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Form, Seen, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.passwords import Hashing, is_common
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_name

SECRET_BYTES = 32
OLD_SECRET_S_MAX = 7 * 86_400
AccountPath = Annotated[str, Path(max_length=60, description="login or id of an account")]


class AccountForm(Form):
    """A new account. People get a password; integrators and boxes get secrets of their own."""

    kind: AccountKind = AccountKind.PERSON
    login: str = Field(min_length=2, max_length=60)
    name: Words
    company: str | None = Field(default=None, min_length=1, max_length=40, description="code of the company or partner")
    password: str | None = Field(default=None, max_length=200)


class PasswordForm(Form):
    """A new password for somebody."""

    password: str = Field(min_length=1, max_length=200)


class LockForm(Form):
    """Whether somebody is kept out."""

    locked: bool


class RemovalForm(Form):
    """Why somebody's second factor is taken away."""

    reason: Words


class SecretForm(Form):
    """For how many seconds earlier secrets still hold, so that a client can change over."""

    old_for_s: int = Field(default=0, ge=0, le=OLD_SECRET_S_MAX, strict=True)


class GrantView(View):
    """A role given at a node."""

    id: Id
    account: Id
    role: str
    level: Level
    node: Id | None
    company: Id | None
    granted_by: str
    granted_at: When
    until: When | None


class AccountView(View):
    """An account; its name is shortened to what tells people apart.

    ``version`` moves with its state, password and second factor, not with sign-ins: pass it on when one is changed.
    """

    id: Id
    kind: AccountKind
    login: str | None
    name: str | None
    company: Id | None
    state: AccountState
    second_factor: bool
    created_at: When
    version: int


class AccountDetailView(AccountView):
    """An account with its grants."""

    grants: list[GrantView]


class ClientSecretView(View):
    """A client secret, shown once."""

    account: Id
    client_id: str
    client_secret: str


class AccountsApi:
    """Serves the routes."""

    def __init__(self, database: Database, hashing: Hashing) -> None:
        self._database = database
        self._hashing = hashing
        self.router = APIRouter(prefix="/v1", tags=["accounts"])
        add = self.router.add_api_route
        add("/accounts", self.accounts, methods=["GET"])
        add("/accounts", self.make, methods=["POST"], status_code=201, response_model=AccountView)
        add("/accounts/{account}", self.account, methods=["GET"])
        add("/accounts/{account}/password", self.password, methods=["POST"], status_code=204)
        add("/accounts/{account}/lock", self.lock, methods=["POST"], status_code=204)
        add("/accounts/{account}/close", self.close, methods=["POST"], status_code=204)
        add("/accounts/{account}/sign-out", self.sign_out, methods=["POST"], status_code=204)
        add("/accounts/{account}/second-factor/remove", self.remove_factor, methods=["POST"], status_code=204)
        add("/accounts/{account}/secret", self.secret, methods=["POST"], response_model=ClientSecretView)

    async def accounts(
        self,
        ask: Asked,
        by: Annotated[Caller, Depends(may("account.read"))],
        who: Annotated[Who | None, Query(description="drivers are people who came without a login")] = None,
        state: Annotated[AccountState | None, Query()] = None,
    ) -> Page[AccountView]:
        """Return the accounts, newest first."""
        return await self._database.read(partial(_accounts, ask=ask, who=who, state=state), by=by)

    async def make(self, form: AccountForm, by: Annotated[Caller, Depends(may("account.write"))], key: Key) -> Response:
        """Make an account."""
        digest = None
        if form.password is not None:
            check_password(form.password, login=form.login, is_common=is_common)
            digest = await self._hashing.digest(form.password)
        elif form.kind is AccountKind.PERSON:
            raise Malformed("password.missing")

        def effect(unit: Unit) -> AccountView:
            made = accounts.make_account(
                unit, kind=form.kind, login=form.login, name=form.name, company=_owner(unit, form.company),
                password=digest,
            )  # fmt: skip
            return _view(unit, made)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def account(
        self, account: AccountPath, by: Annotated[Caller, Depends(may("account.read"))]
    ) -> AccountDetailView:
        """Return an account with its grants."""
        return await self._database.read(partial(_detail, name=account), by=by)

    async def password(
        self, account: AccountPath, form: PasswordForm,
        by: Annotated[Caller, Depends(may("account.write"))], key: Key, version: Seen = None,
    ) -> Response:  # fmt: skip
        """Give somebody a new password; every session of the account ends."""
        found = await self._database.read(partial(accounts.account_named, name=account), by=by)
        check_password(form.password, login=found.login, is_common=is_common)
        digest = await self._hashing.digest(form.password)

        def effect(unit: Unit) -> None:
            accounts.set_password(unit, account=found.id, password=digest, expected=version)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def lock(
        self, account: AccountPath, form: LockForm,
        by: Annotated[Caller, Depends(may("account.lock"))], key: Key, version: Seen = None,
    ) -> Response:  # fmt: skip
        """Keep somebody out, or let it in again."""

        def effect(unit: Unit) -> None:
            found = accounts.account_named(unit, name=account)
            (accounts.lock if form.locked else accounts.unlock)(unit, account=found.id, expected=version)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def close(
        self, account: AccountPath, by: Annotated[Caller, Depends(may("account.write"))], key: Key,
        version: Seen = None,
    ) -> Response:  # fmt: skip
        """Close an account for ever."""

        def effect(unit: Unit) -> None:
            accounts.close(unit, account=accounts.account_named(unit, name=account).id, expected=version)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def sign_out(
        self, account: AccountPath, by: Annotated[Caller, Depends(may("session.end"))], key: Key
    ) -> Response:
        """End every session of somebody."""

        def effect(unit: Unit) -> None:
            sessions.end_sessions_of(unit, account=accounts.account_named(unit, name=account).id)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def remove_factor(
        self, account: AccountPath, form: RemovalForm,
        by: Annotated[Caller, Depends(may("factor.remove"))], key: Key, version: Seen = None,
    ) -> Response:  # fmt: skip
        """Take the second factor from somebody who lost it; whoever it is is told."""

        def effect(unit: Unit) -> None:
            found = accounts.account_named(unit, name=account)
            second_factor.remove_second_factor(unit, account=found.id, reason=form.reason, expected=version)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def secret(
        self, account: AccountPath, form: SecretForm, by: Annotated[Caller, Depends(may("integrator.write"))], key: Key
    ) -> Response:
        """Make a client secret for an integrator; earlier ones hold for ``old_for_s`` seconds more."""
        secret = secrets.token_urlsafe(SECRET_BYTES)

        def effect(unit: Unit) -> ClientSecretView:
            found = accounts.account_named(unit, name=account)
            accounts.add_secret(unit, account=found.id, digest=digest_of(secret), old_until_s=form.old_for_s)
            return ClientSecretView(account=found.id, client_id=found.login or str(found.id), client_secret=secret)

        return answered(await self._database.write(once(key, effect, secret=True), by=by))


def grant_view(grant: Grant) -> GrantView:
    """Return a grant as it leaves."""
    return GrantView(
        id=grant.id, account=grant.account, role=grant.role, level=grant.level, node=grant.node,
        company=grant.company, granted_by=grant.granted_by, granted_at=instant(grant.granted_at),
        until=instant_or_none(grant.until),
    )  # fmt: skip


def _owner(unit: Unit, name: str | None) -> Id | None:
    """Return whose account it will be: the named company or partner, or where the maker acts; None: the platform's."""
    if name is not None:
        place = companies.place_named(unit, name=name)
        if place is None:
            raise NotFound("company.not_found", company=name)
        return place.id
    if unit.caller.scope.companies is not None:
        raise Malformed("account.company")
    return unit.caller.scope.company


def _view(reader: Reader, found: Account) -> AccountView:
    name = None if found.name is None else vault.reveal(reader, found.name)
    return AccountView(
        id=found.id, kind=found.kind, login=found.login, name=None if name is None else masked_name(name),
        company=found.company, state=found.state, second_factor=found.totp is not None,
        created_at=instant(found.created_at), version=found.changed_at,
    )  # fmt: skip


def _accounts(reader: Reader, ask: Ask, who: Who | None, state: AccountState | None) -> Page[AccountView]:
    rows = accounts.accounts(reader, before=ask.before, limit=ask.limit, who=who, state=state)
    return page_of([_view(reader, row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))


def _detail(reader: Reader, name: str) -> AccountDetailView:
    found = accounts.account_named(reader, name=name)
    held = [grant_view(each) for each in grants.grants_of(reader, account=found.id)]
    return AccountDetailView(**_view(reader, found).model_dump(), grants=held)
