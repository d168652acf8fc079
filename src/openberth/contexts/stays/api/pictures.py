"""Routes of pictures: a link for who may see one, and the picture for who has the link."""

import asyncio
from functools import partial
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from openberth.contexts.stays.model.entities import PICTURES_MAX, picture_name
from openberth.contexts.stays.service.pictures import LINK_MAX, Pass, make_link, picture_of, read_link
from openberth.infra.blobs import Blobs
from openberth.infra.database import Database
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.auth import COMPANY_HEADER, anybody, bearer, may
from openberth.kernel.authority import Caller, Scope, system
from openberth.kernel.errors import NotFound, Problem
from openberth.kernel.ids import Id

JPEG = "image/jpeg"
PICTURES = "/v1/pictures"
PICTURE_READ = "picture.read"


class Sessions(Protocol):
    """Knows sessions, and what they may do now."""

    async def session_of(self, token: str) -> Id | None:
        """Return the session of an access token, None for the operator token. Raises ``Unknown``."""
        ...

    async def of_session(self, session: Id, address: str | None, company: str | None = None) -> Caller:
        """Return who a session belongs to, and what it may do now. Raises ``Problem``."""
        ...


class PictureLinkView(View):
    """Where a picture is, until when. It is for who asked: signed out, the link is over."""

    url: str
    expires_at: When


class PicturesApi:
    """Serves the routes."""

    def __init__(self, database: Database, blobs: Blobs, sessions: Sessions) -> None:
        self._database = database
        self._blobs = blobs
        self._sessions = sessions
        self.router = APIRouter(tags=["pictures"])
        self.router.add_api_route("/v1/passages/{passage}/pictures/{number}", self.link, methods=["GET"])
        self.router.add_api_route(
            PICTURES, self.picture, methods=["GET"], response_class=Response,
            responses={200: {"content": {JPEG: {"schema": {"type": "string", "format": "binary"}}}}},
        )  # fmt: skip

    async def link(
        self,
        passage: Annotated[Id, Path()],
        number: Annotated[int, Path(ge=0, lt=PICTURES_MAX)],
        request: Request,
        by: Annotated[Caller, Depends(may(PICTURE_READ))],
    ) -> PictureLinkView:
        """Return a link to a picture of a passage, good for five minutes."""
        token = bearer(request.headers.get("authorization"))
        session = None if token is None else await self._sessions.session_of(token)
        use_case = partial(
            make_link, passage=passage, number=number, session=session, place=request.headers.get(COMPANY_HEADER)
        )
        link, until = await self._database.write(use_case, by=by)
        return PictureLinkView(url=f"{PICTURES}?link={link}", expires_at=instant(until))

    async def picture(
        self,
        address: Annotated[str | None, Depends(anybody)],
        link: Annotated[str, Query(min_length=1, max_length=LINK_MAX, description="as it was given")],
    ) -> Response:
        """Return a picture as JPEG. A link that is over, changed, or of somebody who may no longer see it is none."""
        told = await self._database.read(partial(read_link, link=link), by=system("pictures"))
        by = await self._asker(told, address)
        try:
            await self._database.read(partial(picture_of, passage=told.passage, number=told.number), by=by)
            jpeg = await asyncio.to_thread(self._blobs.get, picture_name(told.passage, told.number))
        except NotFound:
            raise NotFound("picture.not_found") from None
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
        return Response(jpeg, media_type=JPEG, headers=headers)

    async def _asker(self, told: Pass, address: str | None) -> Caller:
        """Return who a link was made for, as far as it may still look."""
        if told.session is None:  # the operator of this machine, or a request that was signed: until the link ends
            return Caller(system("pictures").actor, Scope(told.company, (told.lot,)), frozenset((PICTURE_READ,)))
        try:
            by = await self._sessions.of_session(told.session, address, told.place)
        except Problem:
            raise NotFound("picture.not_found") from None
        if by.actor.name != told.actor or not by.may(PICTURE_READ):
            raise NotFound("picture.not_found")
        return by
