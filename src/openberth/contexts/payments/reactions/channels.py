"""The channels of this process: made from their contracts when first needed, made anew when a contract changes."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from openberth.contexts.payments.model.channels import ChannelAccount, ChannelAccountState, ChannelKind
from openberth.contexts.payments.ports import Channel, ChannelMaker, ChannelSpec
from openberth.contexts.payments.service import channels as service
from openberth.infra.database import Database
from openberth.kernel.authority import system
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id

KEPT_MAX = 500


@dataclass(frozen=True, slots=True)
class Contract:
    """A channel with the contract it was made from."""

    account: ChannelAccount
    channel: Channel


class Channels:
    """Finds and makes channels. ``production`` refuses addresses of this machine and published keys."""

    def __init__(
        self, database: Database, makers: Mapping[ChannelKind, ChannelMaker], *, public_base: str, production: bool
    ) -> None:
        self._database = database
        self._makers = makers
        self._public_base = public_base
        self._production = production
        self._by = system("channels")
        self._kept: OrderedDict[Id, Contract] = OrderedDict()
        self._gone: list[Channel] = []

    def check(self, kind: ChannelKind, params: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Refuse parameters and secrets that no channel of a kind can be made of. Raises ``Malformed``."""
        maker = self._makers.get(kind)
        if maker is None:
            raise Malformed("channel.setting", setting="kind", reason=kind.value)
        maker.check(params, secrets, production=self._production)

    async def check_change(self, account: Id, params: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Refuse what a contract cannot become; secrets that are not named stay, an empty one is taken away.

        Raises ``Malformed``, ``NotFound``.
        """
        found, kept = await self._revealed(account)
        self.check(found.kind, params, {name: text for name, text in {**kept, **secrets}.items() if text})

    async def check_all(self) -> None:
        """Refuse to start with an active contract that no channel can be made of. Raises ``Malformed``."""
        for account in await self._database.read(service.accounts, by=self._by):
            if account.state is ChannelAccountState.ACTIVE:
                _, secrets = await self._revealed(account.id)
                self.check(account.kind, account.params, secrets)

    async def for_lot(self, *, company: Id, lot: Id) -> list[Contract]:
        """Return the contracts that take the money of a lot now, by rank."""
        found = await self._database.read(partial(service.accounts_for, company=company, lot=lot), by=self._by)
        return [await self._made(account) for account in found]

    async def kinds_for(self, *, company: Id, lot: Id) -> list[ChannelKind]:
        """Return the kinds of channels that take the money of a lot now, the one that is tried first standing first."""
        found = await self._database.read(partial(service.accounts_for, company=company, lot=lot), by=self._by)
        return list(dict.fromkeys(ChannelKind(account.kind) for account in found))

    async def of(self, account: Id) -> Contract:
        """Return a contract, whatever its state. Raises ``NotFound("channel.not_found")``."""
        return await self._made(await self._database.read(partial(service.account_by_id, account=account), by=self._by))

    async def of_kind(self, kind: ChannelKind) -> Contract:
        """Return the platform's contract of a kind: that of attempts from before contracts were rows."""
        for account in await self._database.read(service.accounts, by=self._by):
            if account.kind is kind and account.node.company is None:
                return await self._made(account)
        raise NotFound("channel.not_found")

    async def aclose(self) -> None:
        """Close all connections."""
        for channel in (*self._gone, *(each.channel for each in self._kept.values())):
            await channel.aclose()
        self._kept.clear()
        self._gone.clear()

    async def _made(self, account: ChannelAccount) -> Contract:
        kept = self._kept.get(account.id)
        if kept is not None and kept.account.version == account.version:
            return kept  # no secret is opened for what was made before: every notification asks
        return self._contract(*await self._revealed(account.id))

    async def _revealed(self, account: Id) -> tuple[ChannelAccount, Mapping[str, str]]:
        return await self._database.read(partial(service.account_with_secrets, account=account), by=self._by)

    def _contract(self, account: ChannelAccount, secrets: Mapping[str, str]) -> Contract:
        kept = self._kept.get(account.id)
        if kept is not None and kept.account.version == account.version:
            return kept
        notify_url = f"{self._public_base}/hooks/{account.kind.value}/{account.id}"
        spec = ChannelSpec(params=account.params, secrets=secrets, notify_url=notify_url)
        made = Contract(account, self._makers[account.kind].make(spec))
        if kept is not None:
            self._gone.append(kept.channel)  # a call may be under way: it is closed with the process
        self._kept[account.id] = made
        while len(self._kept) > KEPT_MAX:
            self._gone.append(self._kept.popitem(last=False)[1].channel)
        return made
