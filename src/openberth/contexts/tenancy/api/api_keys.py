"""Routes of the keys by which machines sign their requests."""

import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.api.accounts import SECRET_BYTES, AccountPath
from openberth.contexts.tenancy.model.api_keys import (
    KEY_PREFIX,
    NAME_MAX,
    PER_DAY,
    PER_DAY_MAX,
    PER_MINUTE,
    PER_MINUTE_MAX,
    ApiKey,
)
from openberth.contexts.tenancy.service import accounts, api_keys
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

KEY_BYTES = 9
LIFE_DAYS_MAX = 3_650
DAY_S = 86_400
ApiKeyPath = Annotated[str, Path(max_length=40, description="id of an API key")]


class ApiKeyForm(Form):
    """A new key: what it may be used for (permissions that its account holds), how often, and for how many days."""

    name: Annotated[Words, Field(min_length=1, max_length=NAME_MAX)]
    scopes: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(min_length=1, max_length=100)
    per_minute: int = Field(default=PER_MINUTE, ge=1, le=PER_MINUTE_MAX, strict=True)
    per_day: int = Field(default=PER_DAY, ge=1, le=PER_DAY_MAX, strict=True)
    days: int | None = Field(default=None, ge=1, le=LIFE_DAYS_MAX, strict=True)


class ApiKeyView(View):
    """A key, without its secret."""

    id: str
    account: Id
    name: str
    scopes: list[str]
    per_minute: int
    per_day: int
    holds: bool
    created_at: When
    created_by: str
    until: When | None
    ended_at: When | None
    used_today: int
    last_used_at: When | None


class ApiKeysView(View):
    """The keys of an account, newest first."""

    items: list[ApiKeyView]


class NewApiKeyView(ApiKeyView):
    """A new key with its secret, shown once."""

    secret: str


class ApiKeysApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/accounts/{account}/api-keys", tags=["api-keys"])
        add = self.router.add_api_route
        add("", self.keys, methods=["GET"])
        add("", self.make, methods=["POST"], status_code=201, response_model=NewApiKeyView)
        add("/{api_key}", self.end, methods=["DELETE"], status_code=204)

    async def keys(self, account: AccountPath, by: Annotated[Caller, Depends(may("integrator.read"))]) -> ApiKeysView:
        """Return the keys of a machine, also those that hold no longer, with how often they were used today."""
        return await self._database.read(partial(_keys, name=account), by=by)

    async def make(
        self, account: AccountPath, form: ApiKeyForm, by: Annotated[Caller, Depends(may("integrator.write"))], key: Key
    ) -> Response:
        """Make a key; its secret is shown once. Two may hold at a time, so that a client can change over."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        named = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)

        def effect(unit: Unit) -> NewApiKeyView:
            found = accounts.account_named(unit, name=account)
            made = api_keys.make_key(
                unit, account=found.id, key=named, secret=secret, name=form.name, scopes=form.scopes,
                per_minute=form.per_minute, per_day=form.per_day,
                until_s=None if form.days is None else form.days * DAY_S,
            )  # fmt: skip
            return NewApiKeyView(**_view(unit, made).model_dump(), secret=secret)

        return answered(await self._database.write(once(key, effect, status=201, secret=True), by=by))

    async def end(
        self, account: AccountPath, api_key: ApiKeyPath, by: Annotated[Caller, Depends(may("integrator.write"))]
    ) -> None:
        """End a key at once."""

        def effect(unit: Unit) -> None:
            api_keys.end_key(unit, account=accounts.account_named(unit, name=account).id, key=api_key)

        await self._database.write(effect, by=by)


def _keys(reader: Reader, name: str) -> ApiKeysView:
    found = accounts.account_named(reader, name=name)
    return ApiKeysView(items=[_view(reader, each) for each in api_keys.keys_of(reader, account=found.id)])


def _view(reader: Reader, key: ApiKey) -> ApiKeyView:
    today, last = api_keys.uses_of(reader, key=key)
    return ApiKeyView(
        id=key.key, account=key.account, name=key.name, scopes=sorted(key.scopes), per_minute=key.per_minute,
        per_day=key.per_day, holds=key.holds_at(reader.machine_now), created_at=instant(key.created_at),
        created_by=key.created_by, until=instant_or_none(key.until), ended_at=instant_or_none(key.ended_at),
        used_today=today, last_used_at=instant_or_none(last),
    )  # fmt: skip
