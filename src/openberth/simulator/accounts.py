"""Prepaid accounts of drivers: opened and filled when the town opens; their cars leave without a phone."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from openberth.simulator.api import Operator, Sum, shaped
from openberth.simulator.books import CASH, Account, Books
from openberth.simulator.paying import Payment, Purse
from openberth.simulator.plan import LotPlan
from openberth.simulator.plates import PlateMint
from openberth.simulator.till import Till
from openberth.simulator.web import NoAnswer

_FILL_MINOR = 6_000


class _AccountView(msgspec.Struct, frozen=True):
    id: str
    balance: Sum
    held: Sum


class _TopUp(msgspec.Struct, frozen=True):
    pay_url: str | None = None


class _Contract(msgspec.Struct, frozen=True):
    kind: str


@dataclass(frozen=True, slots=True)
class Office:
    """Where accounts of a lot are opened: every other one is filled in cash at the booth, the rest by a channel."""

    plan: LotPlan
    api: Operator
    books: Books
    purse: Purse
    till: Till

    async def open(self, count: int, mint: PlateMint) -> None:
        """Open accounts and fill them."""
        if not count:
            return
        known = len(await self.api.items("/v1/prepaid", {"lot": self.plan.code, "limit": "200"}))
        offered = (await self.api.client.get(f"/v1/channels/for-lot?lot={self.plan.code}"))["items"]
        channels = self.purse.usable([shaped(_Contract, one).kind for one in offered])
        for number in range(count):
            car = mint.plate()
            code = f"{self.plan.code}-{known + number + 1:02}"  # a company has a code once
            form = {"lot": self.plan.code, "code": code, "plates": [car.text]}
            view = shaped(_AccountView, await self.api.client.post("/v1/prepaid", form))
            account = Account(view.id, code, self.plan, car)
            await self._fill(account, channels[number // 2 % len(channels)] if number % 2 and channels else CASH)
            self.books.accounts.append(account)

    async def _fill(self, account: Account, way: str) -> None:
        form = {"amount": {"minor": _FILL_MINOR, "currency": self.plan.currency}, "way": way}
        told = shaped(_TopUp, await self.api.client.post(f"/v1/prepaid/{account.id}/top-ups", form))
        paid: Payment | None = Payment(CASH, _FILL_MINOR)
        if way == CASH:
            self.till.take(CASH, _FILL_MINOR)
        elif told.pay_url is None:
            raise NoAnswer(f"no address to pay at by {way}")
        else:
            paid = await self.purse.pay(told.pay_url)
        if paid is not None:
            account.fills.append((paid.method, paid.minor))


async def held_by(api: Operator, accounts: Sequence[Account]) -> dict[str, int]:
    """Return what the server says that accounts hold, by their ids, in minor units; also what it keeps for an exit."""
    views = [shaped(_AccountView, await api.client.get(f"/v1/prepaid/{account.id}")) for account in accounts]
    return {view.id: view.balance.minor + view.held.minor for view in views}
