"""Routes of the settings that inherit downward."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field, StrictBool, StrictInt, StrictStr
from starlette.requests import Request

from openberth.contexts.tenancy.api.places import Lots, node_named
from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.settings import Effective
from openberth.contexts.tenancy.service import settings as service
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Code, Form, Seen
from openberth.infra.http.auth import may
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller

KeyPath = Annotated[str, Path(min_length=1, max_length=60)]
AtLevel = Annotated[Level, Query(description="where: platform, partner, company, property or lot")]
AtNode = Annotated[str | None, Query(min_length=1, max_length=40, description="code there; none for the platform")]
OfCompany = Annotated[str | None, Query(max_length=40, description="code of the company, where several have the code")]


class SettingForm(Form):
    """A value at a node; null leaves it at what holds there. ``locked`` true forbids another one below, null leaves
    the lock as it is.
    """

    level: Level
    node: Code | None = None
    company: Code | None = None
    value: StrictBool | StrictInt | Annotated[StrictStr, Field(max_length=40)] | None = None
    locked: StrictBool | None = None


class SettingView(View):
    """A setting as it holds at a node.

    ``source`` is the level that the value comes from, null for the default; ``locked_by`` the level whose lock decides.
    ``own`` is what was set at the node itself, ``overruled`` when a lock above makes it of no effect. A number lies
    from ``least`` to ``most``; a word is one of ``words``. ``version`` is that of ``own``, 0 for nothing: pass it
    on when another value is set or this one is taken back.
    """

    key: str
    text: str
    value: bool | int | str
    default: bool | int | str
    levels: list[Level]
    source: Level | None
    locked_by: Level | None
    own: bool | int | str | None
    own_locked: bool
    version: int
    overruled: bool
    least: int | None
    most: int | None
    words: list[str]


class SettingsView(View):
    """All settings at a node."""

    level: Level
    node: str | None
    items: list[SettingView]


class SettingsApi:
    """Serves the routes."""

    def __init__(self, database: Database, lots: Lots) -> None:
        self._database = database
        self._lots = lots
        self.router = APIRouter(prefix="/v1", tags=["settings"])
        add = self.router.add_api_route
        add("/settings", self.settings, methods=["GET"])
        add("/settings/{key}", self.set, methods=["PUT"])
        add("/settings/{key}", self.clear, methods=["DELETE"])

    async def settings(
        self,
        request: Request,
        by: Annotated[Caller, Depends(may("setting.read"))],
        level: AtLevel = Level.PLATFORM,
        node: AtNode = None,
        company: OfCompany = None,
    ) -> SettingsView:
        """Return what holds at a node, where it comes from and what locks it."""
        language = language_of_scope(request.scope)

        def query(reader: Reader) -> SettingsView:
            at = node_named(reader, self._lots, level=level, name=node, company=company)
            found = service.settings_at(reader, node=at)
            return SettingsView(level=level, node=node, items=[_view(each, language) for each in found])

        return await self._database.read(query, by=by)

    async def set(
        self, request: Request, key: KeyPath, form: SettingForm,
        by: Annotated[Caller, Depends(may("setting.write"))], version: Seen = None,
    ) -> SettingView:  # fmt: skip
        """Set a value at a node, lock it for all below, or unlock it."""

        def effect(unit: Unit) -> Effective:
            at = node_named(unit, self._lots, level=form.level, name=form.node, company=form.company)
            return service.set_setting(
                unit, node=at, key=key, value=form.value, locked=form.locked, expected=version
            )  # fmt: skip

        return _view(await self._database.write(effect, by=by), language_of_scope(request.scope))

    async def clear(
        self,
        request: Request,
        key: KeyPath,
        by: Annotated[Caller, Depends(may("setting.write"))],
        level: AtLevel,
        node: AtNode = None,
        company: OfCompany = None,
        version: Seen = None,
    ) -> SettingView:
        """Take back what was set at a node."""

        def effect(unit: Unit) -> Effective:
            at = node_named(unit, self._lots, level=level, name=node, company=company)
            return service.clear_setting(unit, node=at, key=key, expected=version)

        return _view(await self._database.write(effect, by=by), language_of_scope(request.scope))


def _view(found: Effective, language: Language) -> SettingView:
    own, key = found.own, found.key
    is_number = not key.words and not isinstance(key.default, bool)
    return SettingView(
        key=key.code, text=text(f"setting.key.{key.code}", language), value=found.value, default=key.default,
        levels=list(key.levels), source=found.source, locked_by=found.locked_by,
        own=None if own is None else own.value, own_locked=own is not None and own.locked,
        version=0 if own is None else own.version,
        overruled=found.is_overruled, least=key.least if is_number else None, most=key.most if is_number else None,
        words=list(key.words),
    )  # fmt: skip
