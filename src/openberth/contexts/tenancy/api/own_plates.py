"""Routes of the plates that accounts call their own, and of verifying them by the vehicle licence."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.api.signing_in import Self, account_of, own
from openberth.contexts.tenancy.model.own_plates import OwnPlate, Proof
from openberth.contexts.tenancy.service import own_plates
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MaskedPlate, View, When, instant, instant_or_none, masked
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.plates import read_plate
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.plates import MAX_INPUT

OwnPlatePath = Annotated[Id, Path(description="id of a plate of one's own")]
PlateWords = Annotated[str, Field(min_length=1, max_length=MAX_INPUT, repr=False)]


class BindForm(Form):
    """A plate to call one's own."""

    plate: PlateWords


class LicenceForm(Form):
    """Whose plate it is by the vehicle licence: the id that the driver's app shows, and the plate as it stands there.

    ``moves``: also from an account that has it verified.
    """

    own_plate: Id
    plate: PlateWords
    reason: Words
    moves: bool = False


class OwnPlateView(View):
    """A plate of one's own, whole. Once verified, visits are shown that had not ended at ``sees_from``; until it
    is verified at another visit or by its licence, those that began by ``sees_until``.
    """

    id: Id
    plate: str = Field(description="empty for one that was erased", examples=["粤B12345"])
    bound_at: When
    verified_at: When | None
    proof: Proof | None
    sees_from: When | None
    sees_until: When | None


class OwnPlatesView(View):
    """One's own plates, the oldest first."""

    items: list[OwnPlateView]


class VerifiedPlateView(View):
    """A plate that is verified now, masked."""

    id: Id
    plate: MaskedPlate | None
    verified_at: When | None
    proof: Proof | None


class OwnPlatesApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["plates"])
        add = self.router.add_api_route
        add("/me/plates", self.mine, methods=["GET"])
        add("/me/plates", self.bind, methods=["POST"], status_code=201, response_model=OwnPlateView)
        add("/me/plates/{own_plate}", self.unbind, methods=["DELETE"], status_code=204)
        add("/plates/verify", self.verify, methods=["POST"], response_model=VerifiedPlateView)

    async def mine(self, by: Self) -> OwnPlatesView:
        """Return one's own plates, whole."""
        account = account_of(by)

        def query(reader: Reader) -> OwnPlatesView:
            return OwnPlatesView(
                items=[own_plate_view(reader, each) for each in own_plates.own_plates(reader, account=account)]
            )

        return await self._database.read(query, by=own(by))

    async def bind(self, form: BindForm, request: Request, by: Self, key: Key) -> Response:
        """Call a plate one's own. Until it is verified one can pay for it, and sees nothing of the car."""
        account, plate = account_of(by), read_plate(form.plate, language_of_scope(request.scope))

        def effect(unit: Unit) -> OwnPlateView:
            return own_plate_view(unit, own_plates.bind(unit, account=account, plate=plate))

        return answered(await self._database.write(once(key, effect, status=201, secret=True), by=own(by)))

    async def unbind(self, own_plate: OwnPlatePath, by: Self) -> None:
        """Let go of a plate: what it showed is shown no more."""
        account = account_of(by)
        await self._database.write(
            lambda unit: own_plates.unbind(unit, account=account, own_plate=own_plate), by=own(by)
        )

    async def verify(
        self,
        form: LicenceForm,
        request: Request,
        by: Annotated[Caller, Depends(may("plate.verify", fresh=True))],
        key: Key,
    ) -> Response:
        """Verify whose a plate is, by the vehicle licence. The account before, if there was one, is told."""
        plate = read_plate(form.plate, language_of_scope(request.scope))

        def effect(unit: Unit) -> VerifiedPlateView:
            found = own_plates.prove_by_licence(
                unit, own_plate=form.own_plate, plate=plate, reason=form.reason, moves=form.moves
            )
            return VerifiedPlateView(
                id=found.id, plate=masked(own_plates.text_of(unit, found)),
                verified_at=instant_or_none(found.verified_at), proof=found.proof,
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect), by=by))


def own_plate_view(reader: Reader, found: OwnPlate) -> OwnPlateView:
    """Return a plate as its own account is shown it."""
    return OwnPlateView(
        id=found.id, plate=own_plates.text_of(reader, found) or "", bound_at=instant(found.bound_at),
        verified_at=instant_or_none(found.verified_at), proof=found.proof, sees_from=instant_or_none(found.sees_from),
        sees_until=instant_or_none(found.sees_until),
    )  # fmt: skip
