"""Drafts of tariffs: one mutable row per code, saved under its version."""

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from openberth.contexts.tariffs.model import Draft
from openberth.contexts.tariffs.store.tables import tariff_draft
from openberth.infra.database.statement import Query, Write, insert_into


def _draft(*columns: Any) -> Draft:
    return Draft(**dict(zip(_NAMES, columns, strict=True)))


_C = tariff_draft.c
_NAMES = ("company", "code", "version", "based_on", "changed_at", "changed_by", "text")
_COLUMNS = (_C.company_id, _C.code, _C.version, _C.based_on, _C.changed_at, _C.changed_by, _C.text)
_OF_CODE = (_C.company_id == bindparam("company"), _C.code == bindparam("draft_code"))

DRAFT = Query(select(*_COLUMNS).where(*_OF_CODE), _draft)
DRAFTS = Query(select(*_COLUMNS).where(_C.company_id == bindparam("company")).order_by(_C.code).limit(1_000), _draft)
INSERT_DRAFT = insert_into(tariff_draft, once=True)
UPDATE_DRAFT = Write(
    update(tariff_draft)
    .where(*_OF_CODE, _C.version == bindparam("old_version"))
    .values(
        text=bindparam("new_text"),
        based_on=bindparam("new_base"),
        changed_at=bindparam("now"),
        changed_by=bindparam("by"),
        version=_C.version + 1,
    )
)
DELETE_DRAFT = Write(delete(tariff_draft).where(*_OF_CODE, _C.version == bindparam("old_version")))
