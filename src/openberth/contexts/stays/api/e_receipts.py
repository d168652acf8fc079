"""Electronic receipts: for operators by permission, for payers by a link that needs no account.

Guide: ``docs/guides/receipts.md``.
"""

from functools import partial
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openberth.contexts import payments, tenancy
from openberth.contexts.stays.api import pages
from openberth.contexts.stays.api.answering import served
from openberth.contexts.stays.api.e_receipt_views import ReceiptLinkView, e_receipt_view, paper_of_stay
from openberth.contexts.stays.api.reading import language_of, wants_page
from openberth.contexts.stays.service.e_receipts import StayReceipt, payers_receipt, stay_receipt
from openberth.infra.buckets import Buckets, per_minute
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import instant
from openberth.infra.http.auth import address_of, may
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import HEAVY, spend
from openberth.infra.paper import PaperFormat, Press, digest_of
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id

LOOKS = per_minute("e_receipt", 60)  # of one address at receipts that it has links to
STRANGERS = per_minute("e_receipt_guess", 20)  # of one address at links that are none
BINARY = {"schema": {"type": "string", "format": "binary"}}


class EReceiptsApi:
    """Serves receipts to operators."""

    def __init__(self, database: Database, press: Press, links: payments.ReceiptLinks) -> None:
        self._database = database
        self._press = press
        self._links = links
        self.router = APIRouter(prefix="/v1", tags=["payments"])
        add = self.router.add_api_route
        add(
            "/receipts/{receipt}/slip", self.paper, methods=["GET"], response_class=Response,
            responses={200: {"content": {each.media_type: BINARY for each in PaperFormat}}},
        )  # fmt: skip
        add("/receipts/{receipt}/link", self.link, methods=["GET"])

    async def paper(
        self,
        receipt: Annotated[Id, Path()],
        request: Request,
        by: Annotated[Caller, Depends(may("bill.read", rate=HEAVY))],
        form: Annotated[PaperFormat, Query(alias="format")] = PaperFormat.PDF,
        lang: Annotated[Literal["zh", "en"] | None, Query(description="else as Accept-Language says")] = None,
    ) -> Response:
        """Return the electronic receipt of a payment, as PDF or as a picture; the plate is masked."""
        found = await self._database.read(partial(stay_receipt, receipt=receipt), by=by)
        return await drawn(request, self._press, self._links, found, form, lang or language_of_scope(request.scope))

    async def link(
        self, receipt: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("bill.read"))]
    ) -> ReceiptLinkView:
        """Return the link by which a payer sees the receipt without an account, for a year: to be shown or sent."""
        await self._database.read(partial(stay_receipt, receipt=receipt), by=by)
        return ReceiptLinkView(
            url=self._links.address(payments.LinkKind.RECEIPT, receipt), expires_at=instant(payments.link_ends(receipt))
        )


class PayersApi:
    """Serves receipts to whoever has a link; the routes are plain ones, no part of the operator API."""

    def __init__(self, database: Database, press: Press, links: payments.ReceiptLinks, buckets: Buckets) -> None:
        self._database = database
        self._press = press
        self._links = links
        self._buckets = buckets

    def routes(self) -> list[Route]:
        """Return the routes."""
        place = payments.PLACE + "/{link}"
        return [
            Route(place, partial(served, self._show), methods=["GET"]),
            Route(place + "/slip.{format}", partial(served, self._file), methods=["GET"]),
        ]

    async def _show(self, request: Request) -> Response:
        found, language = await self._found(request), language_of(request)
        view = e_receipt_view(found, language)
        headers = {"cache-control": "no-store", "vary": "accept, accept-language"}
        if not wants_page(request):
            body = msgspec.json.encode(view.model_dump(mode="json"))
            return Response(body, 200, headers, "application/json")
        return pages.page_response(pages.receipt_page(view, request.url.path, language), pictures="'self'")

    async def _file(self, request: Request) -> Response:
        form = _form(str(request.path_params["format"]))
        return await drawn(
            request, self._press, self._links, await self._found(request), form, language_of(request)
        )  # fmt: skip

    async def _found(self, request: Request) -> StayReceipt:
        """Return the receipt that a request's link leads to. Raises ``TooMany`` and ``NotFound``.

        A link proves itself before any row is read, so a stranger who tries links costs the database nothing.
        """
        address = address_of(request) or ""
        who = limit_key(address)
        try:
            kind, named = self._links.read(
                str(request.path_params["link"]), now=self._database.clocks.machine.now()
            )  # fmt: skip
        except NotFound:
            await spend(self._buckets, STRANGERS, who)
            raise
        await spend(self._buckets, LOOKS, who)
        payer = Caller(Actor(ActorKind.PERSON, "payer", address or None), EVERYTHING, tenancy.DRIVING)

        def query(reader: Reader) -> StayReceipt:
            return payers_receipt(reader, kind=kind, named=named)

        return await self._database.read(query, by=payer)


async def drawn(
    request: Request,
    press: Press,
    links: payments.ReceiptLinks,
    found: StayReceipt,
    form: PaperFormat,
    language: Language,
) -> Response:
    """Return a receipt as a file, or that what the asker has is still the same."""
    receipt = found.e_receipt.receipt.id
    paper = paper_of_stay(found, language, link=links.address(payments.LinkKind.RECEIPT, receipt))
    tag = f'"{digest_of(paper, form)}"'
    headers = {
        "cache-control": "private, no-cache", "etag": tag, "vary": "accept-language",
        "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    }  # fmt: skip
    if tag in (each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    file = await press.draw(paper, form)
    headers["content-disposition"] = f'inline; filename="{found.e_receipt.number}.{form.value}"'
    return Response(file, 200, headers, form.media_type)


def _form(named: str) -> PaperFormat:
    try:
        return PaperFormat(named)
    except ValueError:
        raise Malformed("e_receipt.format", formats=", ".join(PaperFormat)) from None
