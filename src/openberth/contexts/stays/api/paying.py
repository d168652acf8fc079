"""Paying from the page behind a sign: in WeChat's own browser, in Alipay's, and in any other.

A browser is sent to the channel's page; inside WeChat it is first sent to WeChat to learn who pays, comes back with a
code, and the app takes the order over; what cannot be paid in the browser at hand is shown as a code. Afterwards every
one of them finds what became of it at ``/c/{code}/payment``.
"""

from functools import partial

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openberth.contexts import payments
from openberth.contexts.payments import LinkKind, PayPlace
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import Scene
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.stays.api import errands, pages
from openberth.contexts.stays.api.answering import served
from openberth.contexts.stays.api.browsers import browser_of, own_first, scene_in
from openberth.contexts.stays.api.errands import Errands
from openberth.contexts.stays.api.reading import PAID_COOKIE, keep
from openberth.contexts.stays.api.signs import Sign, Signs
from openberth.contexts.stays.service.codes import take_errand
from openberth.infra.database import Database
from openberth.infra.http.answers import money
from openberth.kernel.errors import Denied, NotFound, Overloaded, Refused, Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, SECOND_US

PAID_KEPT_S = DAY_US // SECOND_US  # the way home, and to the computer
LOOKS_MAX = 24  # by itself; then only when the reader asks
BACK = "/c/{code}/wechat"


class PayPages:
    """Leads browsers to the channels and back. ``base`` is the address under which phones reach this service."""

    def __init__(
        self, database: Database, cashier: Cashier, signs: Signs, links: payments.ReceiptLinks, *, base: str
    ) -> None:
        self._database = database
        self._cashier = cashier
        self._signs = signs
        self._links = links
        self._base = base
        self._errands = Errands(database.keys)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route(BACK, partial(served, self.back), methods=["GET"])]

    async def kinds(self, request: Request, sign: Sign) -> list[ChannelKind]:
        """Return the channels of a lot in the order in which a page offers them in this browser."""
        found = await self._cashier.kinds_for(company=sign.lot.company, lot=sign.lot.id)
        return own_first(found, browser_of(request))

    async def pay(
        self, request: Request, sign: Sign, *, bill: Id, kind: ChannelKind | None, by_code: bool
    ) -> Response:  # fmt: skip
        """Lead a browser to where it pays a bill; ``by_code`` shows a code whatever else were possible."""
        if kind is None:
            kind = next(iter(await self.kinds(request, sign)), None)
        if kind is None:
            raise Refused("channel.none")
        scene = Scene.CODE if by_code else scene_in(browser_of(request), kind)
        if scene is Scene.APP:
            knowing = await self._cashier.knowing(bill=bill, by=sign.by, kind=kind)
            if knowing is not None:
                state, kept = self._errands.begin(
                    sign=sign.code, bill=bill, account=knowing.account, now=self._database.clocks.machine.now()
                )
                back = f"{self._base}{BACK.format(code=sign.code)}?lang={sign.language}"
                sent = RedirectResponse(knowing.payers.way(back=back, state=state), 303, headers=pages.HEADERS)
                keep(request, sent, errands.COOKIE, kept, errands.LIFE_S)
                return sent
            scene = Scene.CODE
        after = f"{self._base}{_payment(sign)}" if scene is Scene.PAGE else None
        paying = await self._cashier.pay(bill=bill, by=sign.by, kind=kind, scene=scene, place=_place(sign), back=after)
        attempt = paying.attempt
        web = attempt.pay_url is not None and attempt.pay_url.startswith(("https://", "http://"))
        target = attempt.pay_url if web and scene is Scene.PAGE else _payment(sign)
        response = RedirectResponse(target or _payment(sign), 303, headers=pages.HEADERS)
        self._keep_paid(request, response, attempt.id)
        return response

    async def back(self, request: Request) -> Response:
        """Take a browser back that WeChat knows, and give the order to the app around it."""
        sign = await self._signs.find(request)
        errand = self._errands.read(
            sign=sign.code, state=request.query_params.get("state", ""), kept=request.cookies.get(errands.COOKIE, ""),
            now=self._database.clocks.machine.now(),
        )  # fmt: skip
        take = partial(take_errand, state=request.query_params["state"], until=errand.until)
        if not await self._database.write(take, by=sign.by):
            raise Refused("payer.state")
        kind = ChannelKind.WECHATPAY
        knowing = await self._cashier.knowing(bill=errand.bill, by=sign.by, kind=kind)
        if knowing is None or knowing.account != errand.account:  # the contract was changed meanwhile
            raise Refused("payer.state")
        try:
            payer = await knowing.payers.payer_of(request.query_params.get("code", ""))
        except (Unknown, Denied, Overloaded, Refused) as problem:
            word = problem.code if problem.code == "wechat.snapshot" else "page.not_known"
            page = pages.not_known_page(word, sign.code, errand.bill, await self.kinds(request, sign), sign.language)
            return pages.page_response(page, problem.status)
        paying = await self._cashier.pay(
            bill=errand.bill, by=sign.by, kind=kind, scene=Scene.APP, payer=payer, place=_place(sign),
            account=errand.account,
        )  # fmt: skip
        attempt = paying.attempt
        page = pages.app_page(
            sign.code, money(attempt.amount), paying.client_fields, _payment(sign), sign.language
        )  # fmt: skip
        response = pages.script_response(page)
        response.delete_cookie(errands.COOKIE, path="/c/")
        self._keep_paid(request, response, attempt.id)
        return response

    async def payment(self, request: Request) -> Response:
        """Show what became of what this phone paid here last; a browser that paid nothing is sent to the sign."""
        sign = await self._signs.find(request)
        home = RedirectResponse(f"{pages.place_of(sign.code)}?lang={sign.language}", 303, headers=pages.HEADERS)
        link = request.cookies.get(PAID_COOKIE)
        if link is None:
            return home
        try:
            kind, named = self._links.read(link, now=self._database.clocks.machine.now())
            if kind is not LinkKind.ATTEMPT:
                return home
            attempt = await self._database.read(partial(payments.attempt_by_id, attempt=named), by=sign.by)
        except NotFound:
            return home
        seen = request.query_params.get("n", "")
        looks = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 4 else 0
        code = None
        if attempt.state is payments.AttemptState.OPEN and attempt.scene == Scene.CODE and attempt.pay_url is not None:
            code = _picture(attempt.pay_url)
        page = pages.payment_page(
            sign.code, attempt, code, receipt=self._links.address(kind, named), language=sign.language,
            again_at=looks + 1 if looks < LOOKS_MAX else None,
        )  # fmt: skip
        return pages.page_response(page, pictures="data:")

    def _keep_paid(self, request: Request, response: Response, attempt: Id) -> None:
        """Let the phone that pays find the payment and its receipt again; whoever else knows the plate does not."""
        keep(request, response, PAID_COOKIE, self._links.link(LinkKind.ATTEMPT, attempt), PAID_KEPT_S)


def _place(sign: Sign) -> PayPlace:
    return PayPlace.PREPAY if sign.lane is None else PayPlace.EXIT


def _payment(sign: Sign) -> str:
    return f"{pages.place_of(sign.code)}/payment?lang={sign.language}"


def _picture(code: str) -> str:
    """Return a QR code as the address of a picture that holds itself."""
    return str(segno.make_qr(code, error="m").png_data_uri(scale=8, border=4))
