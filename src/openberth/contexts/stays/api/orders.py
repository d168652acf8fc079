"""Paying from a program: an app that shows a sign itself, asks for an order, and asks what became of it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from openberth.contexts import payments
from openberth.contexts.payments import AttemptState, LinkKind, PayPlace
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import Scene
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.stays.api.driver import DriverOrder, DriverPayment, LanePayForm, PayForm, WayForm
from openberth.contexts.stays.api.signs import Sign
from openberth.contexts.stays.model.entities import Barrier
from openberth.contexts.stays.service.codes import barrier_of
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import instant, money
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id

APP = "/app/"  # where the app's pages are; it finds the sign by ``c``
SCENES = {None: Scene.CODE, "code": Scene.CODE, "page": Scene.PAGE, "app": Scene.APP}

MiniProgramUser: TypeAlias = Callable[[str], Awaitable[tuple[str, str]]]


class Orders:
    """Makes orders for programs. ``user_of`` tells who a login code of the mini-program is: its app, and the openid."""

    def __init__(
        self, database: Database, cashier: Cashier, links: payments.ReceiptLinks, user_of: MiniProgramUser, *, base: str
    ) -> None:
        self._database = database
        self._cashier = cashier
        self._links = links
        self._user_of = user_of
        self._base = base

    async def pay(self, sign: Sign, form: LanePayForm | PayForm, *, bill: Id, place: PayPlace) -> DriverOrder:
        """Have a channel open an order for a bill of a sign, where the payer stands."""
        return await self.open(sign.by, form, bill=bill, place=place, back=f"c={sign.code}")

    async def open(self, by: Caller, form: WayForm, *, bill: Id, place: PayPlace, back: str) -> DriverOrder:
        """Have a channel open an order where the payer stands; ``back`` tells the app's page what it was about."""
        kind, scene = form.channel, SCENES[form.way]
        app = payer = None
        if scene is Scene.APP:
            kind = ChannelKind.WECHATPAY
            app, payer = await self._user_of(form.payer_code or "")
        paying = await self._cashier.pay(
            bill=bill, by=by, kind=kind, scene=scene, payer=payer, app=app, place=place,
            back=f"{self._base}{APP}?{back}" if scene is Scene.PAGE else None,
        )  # fmt: skip
        attempt = paying.attempt
        return DriverOrder(
            attempt=attempt.id, channel=attempt.channel, pay_url=attempt.pay_url, due=money(attempt.amount),
            expires_at=instant(attempt.expires_at), receipt=self._links.address(LinkKind.ATTEMPT, attempt.id),
            order=self._links.link(LinkKind.ATTEMPT, attempt.id), client=paying.client_fields,
        )  # fmt: skip

    async def payment(self, sign: Sign, order: str) -> DriverPayment:
        """Tell what became of an order made here. Raises ``NotFound("e_receipt.not_found")`` for any other."""
        kind, named = self._links.read(order, now=self._database.clocks.machine.now())
        if kind is not LinkKind.ATTEMPT:
            raise NotFound("e_receipt.not_found")
        attempt, barrier = await self._database.read(partial(_payment, sign=sign, attempt=named), by=sign.by)
        is_paid = attempt.state is AttemptState.PAID
        receipt = self._links.address(LinkKind.ATTEMPT, attempt.id) if is_paid else None
        return DriverPayment(state=attempt.state, due=money(attempt.amount), receipt=receipt, barrier=barrier)


def _payment(reader: Reader, sign: Sign, attempt: Id) -> tuple[payments.Attempt, Barrier | None]:
    # The caller's scope is this lot: an order of another one is not found.
    found = payments.attempt_by_id(reader, attempt=attempt)
    if sign.lane is None or found.state is not AttemptState.PAID:
        return found, None
    return found, barrier_of(reader, lane=sign.lane.id, bill=found.bill)
