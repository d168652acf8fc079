"""Routes of grants, and of roles: the built-in ones and those that a company makes."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from openberth.contexts.tenancy.api.accounts import GrantView, grant_view
from openberth.contexts.tenancy.api.places import Lots, node_named
from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.permissions import PERMISSIONS, ROLES, OwnRole
from openberth.contexts.tenancy.service import accounts, companies, grants
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Code, Form, Moment, Seen, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

RolePath = Annotated[str, Path(min_length=2, max_length=40, pattern="^[a-z][a-z0-9_]*$")]
CompanyName = Annotated[str, Query(min_length=1, max_length=40, description="code of a company")]


class GrantForm(Form):
    """Which role an account gets, where, and until when.

    ``node`` is the code of a partner, company, property or lot; ``company`` tells properties of one code apart.
    """

    account: str = Field(min_length=2, max_length=60, description="login or id")
    role: Code
    level: Level
    node: Code | None = None
    company: Code | None = None
    until: Moment | None = None


class RoleForm(Form):
    """What an own role of a company may do."""

    name: Words
    permissions: list[str] = Field(max_length=200)


class PermissionView(View):
    """A permission in words."""

    code: str
    text: str


class RoleView(View):
    """A role with its permissions; ``company`` is null for a built-in one, whose ``version`` is 0.

    Pass ``version`` on when the role is saved or dropped.
    """

    code: str
    name: str
    company: Id | None
    permissions: list[str]
    version: int


class RolesView(View):
    """The built-in roles, those of a company, and what the permissions mean."""

    items: list[RoleView]
    permissions: list[PermissionView]


class GrantsView(View):
    """The grants of an account."""

    items: list[GrantView]


class GrantsApi:
    """Serves the routes."""

    def __init__(self, database: Database, lots: Lots) -> None:
        self._database = database
        self._lots = lots
        self.router = APIRouter(prefix="/v1", tags=["accounts"])
        add = self.router.add_api_route
        add("/grants", self.grants, methods=["GET"])
        add("/grants", self.give, methods=["POST"], status_code=201, response_model=GrantView)
        add("/grants/{grant}", self.take_back, methods=["DELETE"], status_code=204)
        add("/roles", self.roles, methods=["GET"])
        add("/roles/{role}", self.save, methods=["PUT"])
        add("/roles/{role}", self.drop, methods=["DELETE"], status_code=204)

    async def grants(
        self,
        account: Annotated[str, Query(min_length=2, max_length=60)],
        by: Annotated[Caller, Depends(may("account.read"))],
    ) -> GrantsView:
        """Return the grants of an account."""
        return await self._database.read(partial(_grants, name=account), by=by)

    async def give(self, form: GrantForm, by: Annotated[Caller, Depends(may("grant.write"))], key: Key) -> Response:
        """Give a role."""

        def effect(unit: Unit) -> GrantView:
            at = node_named(unit, self._lots, level=form.level, name=form.node, company=form.company)
            found = accounts.account_named(unit, name=form.account)
            made = grants.give(
                unit, account=found.id, role=form.role, level=at.level, company=at.company, until=form.until,
                node=None if at.level is Level.PLATFORM else at.id,
            )  # fmt: skip
            return grant_view(made)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def take_back(self, grant: Annotated[Id, Path()], by: Annotated[Caller, Depends(may("grant.write"))]) -> None:
        """Take a role back."""
        await self._database.write(partial(grants.take_back, grant=grant), by=by)

    async def roles(
        self,
        request: Request,
        by: Annotated[Caller, Depends(may("role.read"))],
        company: Annotated[str | None, Query(max_length=40)] = None,
    ) -> RolesView:
        """Return the built-in roles, and the own ones of a company."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_roles, company=company, language=language), by=by)

    async def save(
        self, role: RolePath, form: RoleForm, company: CompanyName,
        by: Annotated[Caller, Depends(may("role.write"))], version: Seen = None,
    ) -> RoleView:  # fmt: skip
        """Make or change a company's own role, of permissions that one has oneself."""

        def effect(unit: Unit) -> RoleView:
            owner = companies.company_by_code(unit, code=company).id
            made = grants.save_role(
                unit, company=owner, code=role, name=form.name, permissions=form.permissions, expected=version
            )
            return _own(made, owner)

        return await self._database.write(effect, by=by)

    async def drop(
        self, role: RolePath, company: CompanyName,
        by: Annotated[Caller, Depends(may("role.write"))], version: Seen = None,
    ) -> None:  # fmt: skip
        """Drop an own role that nobody has."""

        def effect(unit: Unit) -> None:
            owner = companies.company_by_code(unit, code=company).id
            grants.drop_role(unit, company=owner, code=role, expected=version)

        await self._database.write(effect, by=by)


def _grants(reader: Reader, name: str) -> GrantsView:
    found = accounts.account_named(reader, name=name)
    return GrantsView(items=[grant_view(each) for each in grants.grants_of(reader, account=found.id)])


def _own(role: OwnRole, company: Id) -> RoleView:
    return RoleView(
        code=role.code, name=role.name, company=company, permissions=sorted(role.permissions), version=role.version
    )


def _roles(reader: Reader, company: str | None, language: Language) -> RolesView:
    items = [
        RoleView(
            code=role.value,
            name=text(f"role.{role.value}", language),
            company=None,
            permissions=sorted(permissions),
            version=0,
        )
        for role, permissions in ROLES.items()
    ]
    if company is not None:
        owner = companies.company_by_code(reader, code=company).id
        items += [_own(each, owner) for each in grants.own_roles(reader, company=owner)]
    words = [PermissionView(code=word, text=text(f"permission.{word}", language)) for word in sorted(PERMISSIONS)]
    return RolesView(items=items, permissions=words)
