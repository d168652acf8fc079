"""The life of a tariff over HTTP: drafts, versions with their states, and what differs between two of them."""

import asyncio
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from openberth.contexts import tenancy
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.api.publishing import CodePath, PublishedView, Publisher, company_of
from openberth.contexts.tariffs.document import read_tariff, tariff_to_plain
from openberth.contexts.tariffs.model import (
    CalendarDay,
    Difference,
    DifferenceKind,
    Draft,
    Tariff,
    TariffVersion,
    difference,
)
from openberth.infra.catalogue import Language, catalogue, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.documents.writing import yaml_text
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Form, Moment, document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id

DRAFT = "draft"
VERSION_MAX = 2**31 - 1
VALUE_SHOWN = 200

DraftVersion = Annotated[
    int | None, Query(alias="version", ge=0, le=VERSION_MAX, description="of the draft that was read; 0 for none")
]
Which = Annotated[str | None, Query(max_length=12, description="number of a version, or `draft`")]


class DraftView(View):
    """A draft: what a tariff may become. Pass ``version`` on when it is saved, published or given up."""

    company: str
    code: str
    version: int
    based_on: int
    changed_at: When
    changed_by: str
    text: str
    document: Mapping[str, Any]


class DraftSummary(View):
    """A draft without its text."""

    company: str
    code: str
    version: int
    based_on: int
    changed_at: When
    changed_by: str


class DraftsView(View):
    """All drafts by code, at most 1 000 of a company."""

    items: list[DraftSummary]


class PublishDraftForm(Form):
    """From when a draft holds (now without it), and until when for an event price."""

    version: int | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class VersionDocumentView(View):
    """What a version says; ``text`` is the tariff file to go on from."""

    company: str
    code: str
    number: int
    document: Mapping[str, Any]
    text: str


class DifferenceView(View):
    """One place that differs, with its path in the document and as a sentence."""

    kind: DifferenceKind
    path: str
    before: Any
    after: Any
    text: str


class DifferencesView(View):
    """What differs between two versions of a tariff; a number, or ``draft``."""

    code: str
    from_version: int | Literal["draft"]
    to_version: int | Literal["draft"]
    differences: list[DifferenceView]


class LifeApi:
    """Serves the routes."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.router = APIRouter(prefix="/v1", tags=["tariffs"])
        add = self.router.add_api_route
        add("/tariff-drafts", self.drafts, methods=["GET"])
        add("/tariffs/{code}/draft", self.draft, methods=["GET"])
        add(
            "/tariffs/{code}/draft", self.save_draft, methods=["PUT"], openapi_extra=document_body("a tariff file"),
            responses={201: {"model": DraftView}},
        )  # fmt: skip
        add("/tariffs/{code}/draft", self.drop_draft, methods=["DELETE"], status_code=204)
        add("/tariffs/{code}/draft/publish", self.publish_draft, methods=["POST"], response_model=PublishedView)
        add("/tariffs/{code}/versions/{number}", self.version, methods=["GET"])
        add("/tariffs/{code}/difference", self.difference, methods=["GET"])

    async def drafts(self, by: Annotated[Caller, Depends(may("tariff.read"))]) -> DraftsView:
        """Return what is being written, also of tariffs that were never published."""
        return await self._database.read(_drafts, by=by)

    async def draft(self, code: CodePath, by: Annotated[Caller, Depends(may("tariff.read"))]) -> DraftView:
        """Return the draft of a tariff."""
        return await self._database.read(partial(_draft, code=code), by=by)

    async def save_draft(
        self,
        code: CodePath,
        request: Request,
        response: Response,
        by: Annotated[Caller, Depends(may("tariff.write"))],
        version: DraftVersion = None,
    ) -> DraftView:
        """Save a tariff file as the draft; with ``version`` only if the draft is still that one."""
        sent = await document_text(request)
        tariff = await asyncio.to_thread(read_tariff, sent, name=code)
        if tariff.code != code:
            raise Refused("tariff.code_differs", found=tariff.code, expected=code)
        view, new = await self._database.write(partial(_save, tariff=tariff, text=sent, expected=version), by=by)
        if new:
            response.status_code = 201
        return view

    async def drop_draft(
        self, code: CodePath, by: Annotated[Caller, Depends(may("tariff.write"))], version: DraftVersion = None
    ) -> None:
        """Give the draft up."""
        await self._database.write(partial(_drop, code=code, expected=version), by=by)

    async def publish_draft(
        self,
        code: CodePath,
        form: PublishDraftForm,
        request: Request,
        by: Annotated[Caller, Depends(may("tariff.publish"))],
        key: Key,
    ) -> Response:
        """Publish the draft as a new version; it is no draft any more."""
        days = await self._days_for_draft(code, by)
        language = language_of_scope(request.scope)

        def effect(unit: Unit) -> PublishedView:
            found = _draft_of(unit, code)
            self._publisher.seed(unit, company=found.company, tariff=read_tariff(found.text, name=code), days=days)
            version, new = service.publish_draft(
                unit, company=found.company, code=code, expected=form.version, valid_from=form.valid_from,
                valid_until=form.valid_until,
            )  # fmt: skip
            return self._publisher.view(unit, version, new, language)

        return answered(await self._database.write(once(key, effect), by=by))

    async def _days_for_draft(self, code: str, by: Caller) -> Mapping[date, CalendarDay]:
        """Return the days that the draft's calendar begins with; without a draft none, which publishing tells of."""
        try:
            found = await self._database.read(partial(_draft_of, code=code), by=by)
        except NotFound:
            return {}
        return await self._publisher.days_for(await asyncio.to_thread(read_tariff, found.text, name=code), by=by)

    async def version(
        self,
        code: CodePath,
        number: Annotated[int, Path(ge=1, le=VERSION_MAX)],
        by: Annotated[Caller, Depends(may("tariff.read"))],
    ) -> VersionDocumentView:
        """Return what a version says."""
        return await self._database.read(partial(_version, code=code, number=number), by=by)

    async def difference(
        self,
        code: CodePath,
        request: Request,
        by: Annotated[Caller, Depends(may("tariff.read"))],
        before: Annotated[Which, Query(alias="from")] = None,
        after: Annotated[Which, Query(alias="to")] = None,
    ) -> DifferencesView:
        """Say what differs between two versions; without numbers, between the last one and the one before it."""
        language = language_of_scope(request.scope)
        return await self._database.read(
            partial(_difference, code=code, before=before, after=after, language=language), by=by
        )


def _draft_of(reader: Reader, code: str) -> Draft:
    """Return the draft with a code; one that several companies have names none."""
    companies = tenancy.companies(reader)
    found = [service.draft(reader, company=company.id, code=code) for company in companies]
    drafts = [each for each in found if each is not None]
    if len(drafts) != 1:
        raise NotFound("draft.not_found", tariff=code)
    return drafts[0]


def _drafts(reader: Reader) -> DraftsView:
    items = [
        DraftSummary(
            company=company.code, code=each.code, version=each.version, based_on=each.based_on,
            changed_at=instant(each.changed_at), changed_by=each.changed_by,
        )
        for company in tenancy.companies(reader)
        for each in service.drafts(reader, company=company.id)
    ]  # fmt: skip
    return DraftsView(items=sorted(items, key=lambda each: (each.code, each.company)))


def _draft(reader: Reader, code: str) -> DraftView:
    return _draft_view(_draft_of(reader, code))


def _draft_view(found: Draft) -> DraftView:
    tariff = read_tariff(found.text, name=found.code)
    return DraftView(
        company=tariff.company_code, code=found.code, version=found.version, based_on=found.based_on,
        changed_at=instant(found.changed_at), changed_by=found.changed_by, text=found.text,
        document=tariff_to_plain(tariff),
    )  # fmt: skip


def _save(unit: Unit, tariff: Tariff, text: str, expected: int | None) -> tuple[DraftView, bool]:
    company = tenancy.ensure_company(unit, code=tariff.company_code)
    saved, new = service.save_draft(unit, company=company.id, tariff=tariff, text=text, expected=expected)
    return _draft_view(saved), new


def _drop(unit: Unit, code: str, expected: int | None) -> None:
    service.drop_draft(unit, company=_draft_of(unit, code).company, code=code, expected=expected)


def _version(reader: Reader, code: str, number: int) -> VersionDocumentView:
    found = service.numbered(reader, company=company_of(reader, code), code=code, number=number)
    document = tariff_to_plain(found.tariff)
    return VersionDocumentView(
        company=found.tariff.company_code, code=code, number=number, document=document, text=yaml_text(document)
    )


def _difference(
    reader: Reader, code: str, before: str | None, after: str | None, language: Language
) -> DifferencesView:
    company = company_of(reader, code)
    last = service.newest(reader, company=company, code=code)
    to_name, to_tariff = _named(reader, company, code, after or str(last.number))
    default = last.number if to_name == DRAFT else max(1, int(to_name) - 1)
    from_name, from_tariff = _named(reader, company, code, before or str(default))
    found = difference(tariff_to_plain(from_tariff), tariff_to_plain(to_tariff))
    return DifferencesView(
        code=code, from_version=_shown(from_name), to_version=_shown(to_name),
        differences=[_difference_view(one, language) for one in found],
    )  # fmt: skip


def _named(reader: Reader, company: Id, code: str, name: str) -> tuple[str, Tariff]:
    if name == DRAFT:
        found = service.draft(reader, company=company, code=code)
        if found is None:
            raise NotFound("draft.not_found", tariff=code)
        return name, read_tariff(found.text, name=code)
    if not name.isascii() or not name.isdigit() or not 1 <= int(name) <= VERSION_MAX:
        raise Malformed("tariff.which", found=name)
    version: TariffVersion = service.numbered(reader, company=company, code=code, number=int(name))
    return str(version.number), version.tariff


def _shown(name: str) -> int | Literal["draft"]:
    return "draft" if name == DRAFT else int(name)


def _difference_view(one: Difference, language: Language) -> DifferenceView:
    words = text(
        f"tariff.difference.{one.kind.value}", language, place=_place_words(one.path, language),
        before=_value_words(one.before, language), after=_value_words(one.after, language),
    )  # fmt: skip
    return DifferenceView(kind=one.kind, path=one.place, before=one.before, after=one.after, text=words)


def _place_words(path: tuple[str, ...], language: Language) -> str:
    words = ""
    for part in path:
        if part.startswith("["):
            words += part
        else:
            words += (" › " if words else "") + _part_words(part, language)
    return words


def _part_words(part: str, language: Language) -> str:
    code = f"tariff.part.{part}"
    return text(code, language) if code in catalogue().codes() else part


def _value_words(value: Any, language: Language) -> str:
    if isinstance(value, Mapping):
        words = ", ".join(
            f"{_part_words(str(key), language)} {_value_words(inner, language)}" for key, inner in value.items()
        )
    elif isinstance(value, list | tuple):
        words = ", ".join(_value_words(inner, language) for inner in value)
    elif isinstance(value, bool):
        words = text("tariff.part.yes" if value else "tariff.part.no", language)
    else:
        words = "–" if value is None else str(value)
    return words if len(words) <= VALUE_SHOWN else words[: VALUE_SHOWN - 1] + "…"
