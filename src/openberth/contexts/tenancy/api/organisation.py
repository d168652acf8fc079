"""Routes of the organisation: partners, companies and properties, and which property a lot belongs to."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.api.places import Lots
from openberth.contexts.tenancy.model.organisation import Company, NodeState, Partner, Property
from openberth.contexts.tenancy.service import companies as company_service
from openberth.contexts.tenancy.service import moving
from openberth.contexts.tenancy.service import organisation as service
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Code, Form, Seen, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

CodePath = Annotated[str, Path(min_length=1, max_length=40)]
OfCompany = Annotated[str | None, Query(max_length=40, description="code of the company, where several have the code")]
Reading = Annotated[Caller, Depends(may("organisation.read"))]
Writing = Annotated[Caller, Depends(may("organisation.write"))]
WritingProperties = Annotated[Caller, Depends(may("property.write"))]


class NamesForm(Form):
    """A name in both languages."""

    zh: Words
    en: Words


class PartnerForm(Form):
    """A new partner."""

    code: Code
    name: NamesForm


class CompanyForm(Form):
    """A new company, of a partner when one is named."""

    code: Code
    name: NamesForm
    partner: Code | None = None


class PropertyForm(Form):
    """A new property of a company."""

    company: Code
    code: Code
    name: NamesForm


class RenameForm(Form):
    """Other names, and why."""

    name: NamesForm
    reason: Words | None = None


class ReasonForm(Form):
    """Why something is done that is not undone."""

    reason: Words = Field(min_length=1)


class MoveCompanyForm(Form):
    """The partner that a company comes under, null for none."""

    partner: Code | None
    reason: Words = Field(min_length=1)


class MoveLotForm(Form):
    """The company that a lot goes to, and why."""

    company: Code
    reason: Words = Field(min_length=1)


class PlaceLotForm(Form):
    """The property of its company that a lot comes into, null for none."""

    property: Code | None
    reason: Words | None = None


class NodeView(View):
    """A partner, company or property. Pass ``version`` on when it gets other names or a company moves."""

    id: Id
    code: str
    name_zh: str
    name_en: str
    state: NodeState
    version: int


class CompanyView(NodeView):
    """A company; ``partner`` is null for one of its own."""

    partner: Id | None


class PropertyView(NodeView):
    """A property of a company."""

    company: Id


class LotPlaceView(View):
    """Where a lot lies in the tree."""

    id: Id
    code: str
    name_zh: str
    name_en: str
    company: Id
    property: Id | None


class OrganisationView(View):
    """What of the tree the caller may see."""

    partners: list[NodeView]
    companies: list[CompanyView]
    properties: list[PropertyView]
    lots: list[LotPlaceView]


class OrganisationApi:
    """Serves the routes."""

    def __init__(self, database: Database, lots: Lots) -> None:
        self._database = database
        self._lots = lots
        self.router = APIRouter(prefix="/v1", tags=["organisation"])
        add = self.router.add_api_route
        add("/organisation", self.tree, methods=["GET"])
        add("/partners", self.make_partner, methods=["POST"], status_code=201, response_model=NodeView)
        add("/partners/{partner}", self.rename_partner, methods=["PUT"], status_code=204)
        add("/partners/{partner}/close", self.close_partner, methods=["POST"], status_code=204)
        add("/companies", self.make_company, methods=["POST"], status_code=201, response_model=CompanyView)
        add("/companies/{company}", self.rename_company, methods=["PUT"], status_code=204)
        add("/companies/{company}/partner", self.move_company, methods=["PUT"], status_code=204)
        add("/companies/{company}/close", self.close_company, methods=["POST"], status_code=204)
        add("/properties", self.make_property, methods=["POST"], status_code=201, response_model=PropertyView)
        add("/properties/{property}", self.rename_property, methods=["PUT"], status_code=204)
        add("/properties/{property}/close", self.close_property, methods=["POST"], status_code=204)
        add("/lots/{lot}/property", self.place_lot, methods=["PUT"], status_code=204)
        add("/lots/{lot}/company", self.move_lot, methods=["PUT"], status_code=204)

    async def tree(self, by: Reading) -> OrganisationView:
        """Return partners, companies, properties and lots of the caller's scope."""
        return await self._database.read(partial(_tree, lots=self._lots), by=by)

    async def make_partner(self, form: PartnerForm, by: Writing, key: Key) -> Response:
        """Make a partner."""

        def effect(unit: Unit) -> NodeView:
            return _node(service.make_partner(unit, code=form.code, name=form.name.zh, name_en=form.name.en))

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def rename_partner(
        self, partner: CodePath, form: RenameForm, by: Writing, version: Seen = None
    ) -> None:  # fmt: skip
        """Give a partner other names."""
        rename = partial(
            service.rename_partner, partner=partner, name=form.name.zh, name_en=form.name.en, reason=form.reason,
            expected=version,
        )  # fmt: skip
        await self._database.write(rename, by=by)

    async def close_partner(self, partner: CodePath, form: ReasonForm, by: Writing, key: Key) -> Response:
        """Close a partner without active companies, for ever."""
        close = partial(service.close_partner, partner=partner, reason=form.reason)
        return answered(await self._database.write(once(key, close, status=204), by=by))

    async def make_company(self, form: CompanyForm, by: Writing, key: Key) -> Response:
        """Make a company."""

        def effect(unit: Unit) -> CompanyView:
            return _company(
                service.found_company(
                    unit, code=form.code, name=form.name.zh, name_en=form.name.en, partner=form.partner
                )
            )

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def rename_company(
        self, company: CodePath, form: RenameForm, by: Writing, version: Seen = None
    ) -> None:  # fmt: skip
        """Give a company other names."""
        rename = partial(
            service.rename_company, company=company, name=form.name.zh, name_en=form.name.en, reason=form.reason,
            expected=version,
        )  # fmt: skip
        await self._database.write(rename, by=by)

    async def move_company(
        self, company: CodePath, form: MoveCompanyForm, by: Writing, version: Seen = None
    ) -> None:  # fmt: skip
        """Hang a company under another partner, or under none."""
        move = partial(
            service.move_company, company=company, partner=form.partner, reason=form.reason, expected=version
        )  # fmt: skip
        await self._database.write(move, by=by)

    async def close_company(self, company: CodePath, form: ReasonForm, by: Writing, key: Key) -> Response:
        """Close a company in which nothing is open any more, for ever."""
        close = partial(
            moving.close_company, company=company, reason=form.reason, objections=self._lots.objections
        )  # fmt: skip
        return answered(await self._database.write(once(key, close, status=204), by=by))

    async def make_property(self, form: PropertyForm, by: WritingProperties, key: Key) -> Response:
        """Make a property of a company."""

        def effect(unit: Unit) -> PropertyView:
            return _property(
                service.make_property(
                    unit, company=form.company, code=form.code, name=form.name.zh, name_en=form.name.en
                )
            )

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def rename_property(
        self,
        property: CodePath,  # noqa: A002 - the word of the path
        form: RenameForm,
        by: WritingProperties,
        company: OfCompany = None,
        version: Seen = None,
    ) -> None:
        """Give a property other names."""

        def effect(unit: Unit) -> None:
            found = service.property_named(unit, code=property, company=company)
            service.rename_property(
                unit, found=found, name=form.name.zh, name_en=form.name.en, reason=form.reason, expected=version
            )  # fmt: skip

        await self._database.write(effect, by=by)

    async def close_property(
        self,
        property: CodePath,  # noqa: A002 - the word of the path
        form: ReasonForm,
        by: WritingProperties,
        key: Key,
        company: OfCompany = None,
    ) -> Response:
        """Close a property without lots, for ever."""

        def effect(unit: Unit) -> None:
            found = service.property_named(unit, code=property, company=company)
            service.close_property(unit, found=found, reason=form.reason)

        return answered(await self._database.write(once(key, effect, status=204), by=by))

    async def place_lot(self, lot: CodePath, form: PlaceLotForm, by: WritingProperties) -> None:
        """Put a lot into a property of its company, or take it out."""
        await self._database.write(partial(_place_lot, lots=self._lots, name=lot, form=form), by=by)

    async def move_lot(self, lot: CodePath, form: MoveLotForm, by: Writing) -> None:
        """Give a lot with its cars, devices and permits to another company."""

        def effect(unit: Unit) -> None:
            found = self._lots.named(unit, lot)
            moving.move_lot(
                unit, lot=found.id, code=found.code, source=found.company, target=form.company, reason=form.reason,
                carriers=self._lots.carriers,
            )  # fmt: skip

        await self._database.write(effect, by=by)


def _place_lot(unit: Unit, lots: Lots, name: str, form: PlaceLotForm) -> None:
    lot = lots.named(unit, name)
    owner = company_service.company_by_id(unit, company=lot.company).code
    into = None if form.property is None else service.property_named(unit, code=form.property, company=owner)
    service.place_lot(unit, company=lot.company, lot=lot.id, into=into, reason=form.reason)


def _tree(reader: Reader, lots: Lots) -> OrganisationView:
    property_of = service.lots_of_properties(reader)
    return OrganisationView(
        partners=[_node(each) for each in service.partners(reader)],
        companies=[_company(each) for each in company_service.companies(reader)],
        properties=[_property(each) for each in service.properties(reader)],
        lots=[
            LotPlaceView(
                id=lot.id, code=lot.code, name_zh=lot.name_zh, name_en=lot.name_en, company=lot.company,
                property=property_of.get(lot.id),
            )
            for lot in lots.every(reader)
        ],
    )  # fmt: skip


def _node(found: Partner) -> NodeView:
    return NodeView(
        id=found.id, code=found.code, name_zh=found.name, name_en=found.name_en, state=found.state,
        version=found.version,
    )  # fmt: skip


def _company(found: Company) -> CompanyView:
    return CompanyView(
        id=found.id, code=found.code, name_zh=found.name, name_en=found.name_en, state=found.state,
        partner=found.partner, version=found.version,
    )  # fmt: skip


def _property(found: Property) -> PropertyView:
    return PropertyView(
        id=found.id, code=found.code, name_zh=found.name, name_en=found.name_en, state=found.state,
        company=found.company, version=found.version,
    )  # fmt: skip
