"""Routes of channel accounts: whose contract takes the money of which lots. Secrets go in and never come out."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field, SecretStr
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.model.channels import (
    NAME_MAX,
    RANK_MAX,
    ChannelAccount,
    ChannelAccountState,
    ChannelKind,
)
from openberth.contexts.payments.reactions import Channels
from openberth.contexts.payments.service import channels as service
from openberth.contexts.tenancy.api.places import Lots, node_named
from openberth.contexts.tenancy.model.accounts import Level
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Code, Form, LotName, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

Name = Annotated[Words, Field(min_length=1, max_length=NAME_MAX)]
Rank = Annotated[int, Field(ge=0, le=RANK_MAX)]
Params = Annotated[dict[Annotated[str, Field(max_length=40)], Any], Field(max_length=30)]
Secrets = Annotated[dict[Annotated[str, Field(max_length=40)], SecretStr], Field(max_length=10)]


class ChannelForm(Form):
    """A contract at a node. What stands in ``params`` and ``secrets`` hangs on the kind; see the guide."""

    level: Level
    node: Code | None = None
    company: Code | None = None
    kind: ChannelKind
    name: Name
    params: Params
    secrets: Secrets
    rank: Rank = 100


class ChangeForm(Form):
    """A contract as it shall be; secrets that are not named stay as they are, an empty one is taken away."""

    name: Name
    params: Params
    secrets: Secrets = Field(default_factory=dict)
    rank: Rank = 100


class StateForm(Form):
    """Whether a contract takes new orders; ``closed`` is for ever."""

    state: ChannelAccountState


class ChannelView(View):
    """A contract with a channel. Of secrets only the names."""

    id: Id
    level: Level
    node: Id
    kind: ChannelKind
    name: str
    params: dict[str, Any]
    secrets: list[str]
    state: ChannelAccountState
    rank: int


class ChannelsView(View):
    """Contracts, those that are tried first standing first."""

    items: list[ChannelView]


class ChannelsApi:
    """Serves the routes."""

    def __init__(self, database: Database, channels: Channels, lots: Lots) -> None:
        self._database = database
        self._channels = channels
        self._lots = lots
        self.router = APIRouter(prefix="/v1", tags=["channels"])
        add = self.router.add_api_route
        add("/channels", self.channels, methods=["GET"])
        add("/channels", self.add, methods=["POST"], status_code=201, response_model=ChannelView)
        add("/channels/for-lot", self.for_lot, methods=["GET"])
        add("/channels/{account}", self.change, methods=["PUT"])
        add("/channels/{account}/state", self.set_state, methods=["PUT"])

    async def channels(self, by: Annotated[Caller, Depends(may("channel.read"))]) -> ChannelsView:
        """Return the contracts of the caller's scope."""
        return await self._database.read(lambda reader: _views(service.accounts(reader)), by=by)

    async def for_lot(self, lot: LotName, by: Annotated[Caller, Depends(may("channel.read"))]) -> ChannelsView:
        """Return the contracts that take the money of a lot now, wherever they were made; without their parameters."""

        def query(reader: Reader) -> ChannelsView:
            found = facility.lot_named(reader, name=lot)
            held = service.accounts_for(reader, company=found.company, lot=found.id)
            return ChannelsView(items=[_view(one).model_copy(update={"params": {}}) for one in held])

        return await self._database.read(query, by=by)

    async def add(self, form: ChannelForm, by: Annotated[Caller, Depends(may("channel.write"))], key: Key) -> Response:
        """Make a contract at a node: it takes the money of all lots below that have none of its kind nearer."""
        secrets = _plain(form.secrets)
        self._channels.check(form.kind, form.params, secrets)

        def effect(unit: Unit) -> ChannelView:
            node = node_named(unit, self._lots, level=form.level, name=form.node, company=form.company)
            made = service.add_account(
                unit, node=node, kind=form.kind, name=form.name, params=form.params, secrets=secrets, rank=form.rank
            )
            return _view(made)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def change(
        self, account: Annotated[Id, Path()], form: ChangeForm, by: Annotated[Caller, Depends(may("channel.write"))]
    ) -> ChannelView:
        """Change a contract's name, parameters, secrets or rank."""
        await self._database.read(partial(service.account_by_id, account=account), by=by)
        secrets = _plain(form.secrets)
        await self._channels.check_change(account, form.params, secrets)
        change = partial(
            service.change_account, account=account, name=form.name, params=form.params, secrets=secrets, rank=form.rank
        )
        return _view(await self._database.write(change, by=by))

    async def set_state(
        self, account: Annotated[Id, Path()], form: StateForm, by: Annotated[Caller, Depends(may("channel.write"))]
    ) -> ChannelView:
        """Pause, resume or close a contract. What it took is still asked after, refunded and reconciled."""
        change = partial(service.set_account_state, account=account, state=form.state)
        return _view(await self._database.write(change, by=by))


def _plain(secrets: dict[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}


def _views(found: list[ChannelAccount]) -> ChannelsView:
    return ChannelsView(items=[_view(one) for one in found])


def _view(account: ChannelAccount) -> ChannelView:
    return ChannelView(
        id=account.id, level=account.node.level, node=account.node.id, kind=account.kind, name=account.name,
        params=dict(account.params), secrets=sorted(account.secrets), state=account.state, rank=account.rank,
    )  # fmt: skip
