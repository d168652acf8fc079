"""Puts the stand-in together: one application with the wire, the phone's pages and the control side."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette

from openberth.sandbox.clock import Clock
from openberth.sandbox.wechatpay.accounts import Accounts
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.bills import Bills
from openberth.sandbox.wechatpay.callbacks import Notifier
from openberth.sandbox.wechatpay.codepay import CodePay
from openberth.sandbox.wechatpay.control import Control
from openberth.sandbox.wechatpay.faults import Faults
from openberth.sandbox.wechatpay.front import Front
from openberth.sandbox.wechatpay.merchants import Merchants
from openberth.sandbox.wechatpay.phone import Phone
from openberth.sandbox.wechatpay.refunds import Refunds
from openberth.sandbox.wechatpay.routes import Api
from openberth.sandbox.wechatpay.store import Store


class Wechatpay:
    """The stand-in. ``address`` is how clients and phones reach it.

    ``plain_codes`` makes codes that any phone's camera opens: the address of the scanner with the real code in it.
    """

    def __init__(self, store: Store, address: str, *, plain_codes: bool = False) -> None:
        self._store = store
        self._clock = Clock()
        kept = store.meta("clock")
        if kept is not None:
            machine, business, scale = json.loads(kept)
            self._clock.anchor = (machine, business, scale)
        self.bank = Bank(store, self._clock, Faults())
        self.refunds = Refunds(self.bank)
        self.merchants = Merchants(self.bank)
        self.accounts = Accounts(store)
        self._address = address
        self._plain_codes = plain_codes

    def application(self) -> Starlette:
        """Return the ASGI application; its life starts and stops the notifier and closes the store."""
        front = Front(self.bank)
        codepay, bills = CodePay(self.bank, self.refunds), Bills(self.bank, self._address)
        notifier = Notifier(self.bank, self.refunds, front)
        phone = Phone(self.bank, notifier.wake, self._address)
        api = Api(self.bank, self.refunds, codepay, notifier.wake, self._address, self._plain_codes)
        control = Control(
            self.bank, self.refunds, self.merchants, codepay, bills, front, phone, notifier, self.accounts
        )

        @asynccontextmanager
        async def life(_app: Starlette) -> AsyncIterator[None]:
            telling = asyncio.create_task(notifier.run())
            try:
                yield
            finally:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling
                self._store.close()

        return Starlette(
            routes=[*api.routes(front, bills), *control.routes(), *phone.routes(), *self.accounts.routes()],
            lifespan=life,
        )
