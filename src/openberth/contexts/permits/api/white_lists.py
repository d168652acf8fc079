"""Operator routes of the lists that cameras hold: how each stands, and having one read back."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from openberth.contexts.permits.model.white_lists import Flaw
from openberth.contexts.permits.service.white_lists import Report, ask_to_compare, report_of
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View, When, instant_or_none
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

DevicePath = Annotated[Id, Path(description="id of a camera")]


class ListDifferenceView(View):
    """A car that the camera held otherwise than was believed; the plate is masked."""

    plate: str
    flaw: Flaw


class WhiteListView(View):
    """The list of cars that a camera lets in by itself. Instants are machine time.

    ``wanted`` is what permits say, ``held`` what the camera has confirmed, ``left_out`` what it has no room for. It is
    behind since ``behind_since``, for ``trouble`` if there is one. When it was read back last (``compared_at``) it held
    ``found`` cars, and these ``differences`` were put right.
    """

    wanted: int
    held: int
    left_out: int
    in_step_at: When | None
    behind_since: When | None
    trouble: str | None
    compared_at: When | None
    found: int | None
    differences: list[ListDifferenceView]


class WhiteListsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/devices", tags=["permits"])
        add = self.router.add_api_route
        add("/{device}/white-list", self.white_list, methods=["GET"])
        add("/{device}/white-list/compare", self.compare, methods=["POST"], status_code=204, response_class=Response)

    async def white_list(self, device: DevicePath, by: Annotated[Caller, Depends(may("device.read"))]) -> WhiteListView:
        """Return how a camera's list stands to what permits say."""
        return _view(await self._database.read(partial(report_of, device=device), by=by))

    async def compare(
        self, device: DevicePath, by: Annotated[Caller, Depends(may("device.command"))], key: Key
    ) -> Response:
        """Have a camera's list read back within a minute; the report tells what was found."""

        def effect(unit: Unit) -> None:
            ask_to_compare(unit, device=device)

        return answered(await self._database.write(once(key, effect, status=204), by=by))


def _view(report: Report) -> WhiteListView:
    one = report.standing
    return WhiteListView(
        wanted=one.wanted, held=report.held, left_out=one.left_out, in_step_at=instant_or_none(one.in_step_at),
        behind_since=instant_or_none(one.behind_since), trouble=one.trouble,
        compared_at=instant_or_none(one.compared_at), found=one.found,
        differences=[ListDifferenceView(plate=plate, flaw=flaw) for plate, flaw in report.differences],
    )  # fmt: skip
