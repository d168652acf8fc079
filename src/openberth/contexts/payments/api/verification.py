"""Routes of verification: whether the books agree."""

from typing import Annotated

from fastapi import APIRouter, Depends

from openberth.contexts.payments.service import watching as service
from openberth.contexts.payments.store.watching import Standing, Walk
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.auth import may
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

SHOWN_MAX = 100


class WalkView(View):
    """A walk: ``nightly`` looks at everything, ``young`` at the rows of the last two hours every few minutes.

    ``finished_at`` and ``rows`` are of the last one that came to its end; ``checking`` is what the one that is under
    way looks at. ``error`` says why the last run could not go on.
    """

    name: str
    finished_at: When | None
    rows: int | None
    started_at: When
    checking: str | None
    looked_at: int
    error: str | None


class StandingView(View):
    """A row that does not agree: what it should be and what it is, in minor units or as a count."""

    what: str
    subject: Id
    lot: Id | None
    expected: int
    found: int
    found_at: When


class VerificationView(View):
    """Whether the books agree: ``count`` rows do not, of which the oldest 100 are named."""

    walks: list[WalkView]
    count: int
    differences: list[StandingView]


class VerificationApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["ledger"])
        self.router.add_api_route("/ledger/verification", self.verification, methods=["GET"])

    async def verification(self, by: Annotated[Caller, Depends(may("bill.read"))]) -> VerificationView:
        """Return when the books were verified last, and what does not agree in the caller's scope."""
        return await self._database.read(_verification, by=by)


def _verification(reader: Reader) -> VerificationView:
    return VerificationView(
        walks=[_walk(walk) for walk in service.walks(reader).values()], count=service.how_many(reader),
        differences=[_standing(one) for one in service.standing(reader, limit=SHOWN_MAX)],
    )  # fmt: skip


def _walk(walk: Walk) -> WalkView:
    return WalkView(
        name=walk.name, finished_at=instant_or_none(walk.finished_at), rows=walk.finished_rows,
        started_at=instant(walk.started_at), checking=walk.check, looked_at=walk.looked_at, error=walk.error,
    )  # fmt: skip


def _standing(one: Standing) -> StandingView:
    of = one.difference
    return StandingView(
        what=of.what, subject=of.subject, lot=of.lot, expected=of.expected, found=of.found,
        found_at=instant(one.found_at),
    )  # fmt: skip
