"""Puts the stand-in together: one application with the gateway, the phone's pages and the control side."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette

from openberth.sandbox.alipay.apps import Apps
from openberth.sandbox.alipay.bank import Bank
from openberth.sandbox.alipay.bills import Bills
from openberth.sandbox.alipay.control import Control
from openberth.sandbox.alipay.faults import Faults
from openberth.sandbox.alipay.gateway import Gateway
from openberth.sandbox.alipay.methods import Methods
from openberth.sandbox.alipay.notifier import Notifier
from openberth.sandbox.alipay.phone import Phone
from openberth.sandbox.alipay.refunds import Refunds
from openberth.sandbox.alipay.store import Store
from openberth.sandbox.clock import Clock


class Alipay:
    """The stand-in. ``address`` is how clients and phones reach it.

    ``plain_codes`` makes codes that any phone's camera opens: the address of the scanner with the real code in it.
    """

    def __init__(self, store: Store, address: str, *, plain_codes: bool = False) -> None:
        self._store = store
        clock = Clock()
        kept = store.meta("clock")
        if kept is not None:
            machine, business, scale = json.loads(kept)
            clock.anchor = (machine, business, scale)
        self.bank = Bank(store, clock, Faults())
        self.apps = Apps(self.bank)
        self._address = address
        self._plain_codes = plain_codes

    def application(self) -> Starlette:
        """Return the ASGI application; its life starts and stops the notifier and closes the store."""
        refunds, bills = Refunds(self.bank), Bills(self.bank, self._address)
        notifier = Notifier(self.bank, refunds)
        phone = Phone(self.bank, notifier.wake, self._address)
        methods = Methods(self.bank, refunds, bills, self._address, self._plain_codes)
        gateway = Gateway(self.bank, methods.handlers(), notifier.wake)
        control = Control(self.bank, refunds, self.apps, bills, gateway, phone, notifier)

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

        routes = [*gateway.routes(), *bills.routes(), *control.routes(), *phone.routes()]
        return Starlette(routes=routes, lifespan=life)
