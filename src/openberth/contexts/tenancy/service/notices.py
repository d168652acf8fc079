"""The inbox of an account: what was done about it that it did not do itself."""

from collections.abc import Mapping
from typing import Any

from openberth.contexts.tenancy.model.people import Notice, NoticeKind
from openberth.contexts.tenancy.model.people_events import NoticeLeft
from openberth.contexts.tenancy.store import people as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_itself, inner
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


@inner
def leave(unit: Unit, *, account: Id, company: Id | None, kind: NoticeKind, params: Mapping[str, Any]) -> Id:
    """Leave a notice; ``params`` are words of the catalogue and masked values."""
    made = unit.new_id()
    unit.run(
        store.INSERT_NOTICE, id=made, account_id=account, kind=kind, params=params, at=unit.machine_now, read_at=None
    )
    unit.append(NoticeLeft(account, made, kind.value), company=company, lot=None, key=account)
    return made


def notices_of(reader: Reader, *, account: Id, before: Id, limit: int) -> list[Notice]:
    """Return a page of an account's notices, newest first."""
    return reader.all(store.NOTICES, account=account, before=before, most=limit)


def unread(reader: Reader, *, account: Id) -> int:
    """Return how many notices of an account were not read yet."""
    return reader.all(store.UNREAD, account=account)[0]


@by_itself
def mark_read(unit: Unit, *, account: Id, notice: Id) -> Notice:
    """Remember that a notice was read, the first time. Raises ``NotFound("notice.not_found")``."""
    unit.run(store.READ_NOTICE, notice=notice, account=account, now=unit.machine_now)
    found = unit.one(store.NOTICE, notice=notice, account=account)
    if found is None:
        raise NotFound("notice.not_found")
    return found
