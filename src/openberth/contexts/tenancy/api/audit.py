"""The audit trail over HTTP: pages of entries, and the signed head that is carried away."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from openberth.contexts.tenancy.model.audit import Entry
from openberth.contexts.tenancy.model.heads import document_of
from openberth.contexts.tenancy.service import audit
from openberth.contexts.tenancy.service.audit import Wanted
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Moment
from openberth.infra.http.auth import may
from openberth.infra.http.pages import AskedByCode, Page, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


class AuditActorView(View):
    """Who did it, and from which address; ``nobody`` for who did not prove it."""

    kind: str
    name: str
    address: str | None


class AuditSubjectView(View):
    """What it was done to."""

    kind: str
    id: str


class AuditEntryView(View):
    """An entry of the chain. ``at`` is machine time; ``before`` and ``after`` hold ids and masked values only."""

    number: int
    at: When
    actor: AuditActorView
    deed: str
    text: str
    outcome: str
    subject: AuditSubjectView
    company: Id | None
    lot: Id | None
    reason: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    cause: Id | None
    previous: str
    hash: str


class AuditHeadView(View):
    """The newest number and hash, signed; ``openberth audit verify --head`` takes it as it is."""

    format: str
    number: int
    hash: str
    at: When
    method: str
    key: str
    mac: str
    jws: str | None


ActorName = Annotated[str | None, Query(max_length=80, description="name or id of who did it")]
DeedWord = Annotated[str | None, Query(max_length=60, description="e.g. `gate.commanded`")]
SubjectId = Annotated[str | None, Query(max_length=120, description="id or code of what it was done to")]
OutcomeWord = Annotated[Literal["done", "refused"] | None, Query()]
Since = Annotated[Moment | None, Query(description="entries at or after this instant")]
Until = Annotated[Moment | None, Query(description="entries before this instant")]


class AuditApi:
    """Serves the audit trail to auditors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/audit", tags=["audit"])
        self.router.add_api_route("", self.entries, methods=["GET"])
        self.router.add_api_route("/head", self.head, methods=["GET"])

    async def entries(
        self,
        request: Request,
        ask: AskedByCode,
        by: Annotated[Caller, Depends(may("audit.read"))],
        actor: ActorName = None,
        deed: DeedWord = None,
        subject: SubjectId = None,
        outcome: OutcomeWord = None,
        since: Since = None,
        until: Until = None,
    ) -> Page[AuditEntryView]:
        """Return entries of the audit trail, newest first."""
        below = audit.read_cursor(ask.after)
        wanted = Wanted(actor, deed, subject, outcome, since, until)
        found = await self._database.report(
            partial(audit.entries, wanted=wanted, below=below, limit=ask.limit), by=by
        )  # fmt: skip
        language = language_of_scope(request.scope)
        more = str(found[-1].number) if len(found) == ask.limit else None
        return page_of([_view(entry, language) for entry in found], more)

    async def head(self, by: Annotated[Caller, Depends(may("audit.export"))]) -> AuditHeadView:
        """Return the newest number and hash of the chain, to be kept where nobody of this installation can write."""
        return AuditHeadView(**document_of(await self._database.read(audit.head, by=by)))


def _view(entry: Entry, language: Language) -> AuditEntryView:
    return AuditEntryView(
        number=entry.number, at=instant(entry.at),
        actor=AuditActorView(kind=entry.actor_kind, name=entry.actor_name, address=entry.address), deed=entry.deed,
        text=text(f"audit.deed.{entry.deed}", language), outcome=entry.outcome,
        subject=AuditSubjectView(kind=entry.subject_kind, id=entry.subject), company=entry.company_id,
        lot=entry.lot_id, reason=entry.reason, before=_values(entry.old_values), after=_values(entry.new_values),
        cause=entry.cause, previous=entry.previous, hash=entry.hash,
    )  # fmt: skip


def _values(stored: str | None) -> Mapping[str, Any] | None:
    return None if stored is None else json.loads(stored)
