"""The alarm list: what is wrong with a company's affairs until its cause is gone.

An alarm is no message that somebody has to put away. Whoever looks after a kind of trouble tells which alarms of it
stand now (``tell``); those that are not named any more are over. ``since`` is the business instant at which the trouble
was first seen. The text is the catalogue's, ``alarm.<kind>`` with the parameters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from openberth.infra.database.schema import alarm
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.errors import Param
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

STANDING_MAX = 500
PLATFORM = Id(int=0)  # stands for the installation itself: seen by whoever sees all companies


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: its kind, what it is about, what its text takes, and the lot that alone it concerns."""

    kind: str
    subject: str
    params: Mapping[str, Param]
    lot: Id | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Trouble that stands since an instant."""

    company: Id
    kind: str
    subject: str
    since: Instant
    params: Mapping[str, Any]
    lot: Id | None = None

    @property
    def code(self) -> str:
        """Return the catalogue's code of the text."""
        return f"alarm.{self.kind}"


_C = alarm.c
_OF = (_C.company_id == bindparam("company"), _C.kind == bindparam("of_kind"))
_ONE = (*_OF, _C.subject == bindparam("of_subject"))
_COLUMNS = (_C.company_id, _C.kind, _C.subject, _C.since, _C.params, _C.lot_id)

_STANDING = Query(select(*_COLUMNS).order_by(_C.since, _C.kind, _C.subject).limit(STANDING_MAX), Alarm)
_OF_KIND = Query(select(*_COLUMNS).where(*_OF).order_by(_C.subject), Alarm)
_ALL_OF_KIND = Query(
    select(*_COLUMNS).where(_C.kind == bindparam("of_kind")).order_by(_C.since).limit(STANDING_MAX), Alarm
)
_ONE_OF = Query(select(*_COLUMNS).where(*_ONE), Alarm)
_INSERT = insert_into(alarm)
# Who acts for some lots, such as a device, may let an alarm of its own lot stand, and none of the whole company.
_INSERT.checked = ("company_id", "lot_id")
_UPDATE = Write(update(alarm).where(*_ONE).values(params=bindparam("new_params")))
_DELETE = Write(delete(alarm).where(*_ONE))


def tell(unit: Unit, *, company: Id, kinds: Iterable[str], troubles: Iterable[Trouble]) -> None:
    """Make the standing alarms of some kinds exactly these; those that stood already keep their ``since``."""
    known = tuple(kinds)
    unit.lock(("alarms", company))
    wanted = {(one.kind, one.subject): one for one in troubles}
    assert all(kind in known for kind, _ in wanted), "only alarms of the kinds that are told of can be cleared again"
    found = [one for kind in known for one in unit.all(_OF_KIND, company=company, of_kind=kind)]
    before = {(one.kind, one.subject): one for one in found}
    for key, one in wanted.items():
        stood = before.pop(key, None)
        if stood is None:
            unit.run(
                _INSERT, company_id=company, kind=one.kind, subject=one.subject, since=unit.now,
                params=dict(one.params), lot_id=one.lot,
            )  # fmt: skip
        elif stood.params != dict(one.params):
            unit.run(_UPDATE, company=company, of_kind=one.kind, of_subject=one.subject, new_params=dict(one.params))
    for kind, subject in before:
        unit.run(_DELETE, company=company, of_kind=kind, of_subject=subject)


def stand(unit: Unit, *, company: Id, trouble: Trouble) -> bool:
    """Make one alarm stand, whatever else stands of its kind; one that stood already keeps its ``since``. Tells whether
    it is new.

    For troubles that several processes tell of, each of its own: none knows what the others see.
    """
    unit.lock(("alarms", company))
    found = find(unit, company=company, kind=trouble.kind, subject=trouble.subject)
    if found is None:
        unit.run(
            _INSERT, company_id=company, kind=trouble.kind, subject=trouble.subject, since=unit.now,
            params=dict(trouble.params), lot_id=trouble.lot,
        )  # fmt: skip
    elif found.params != dict(trouble.params):
        unit.run(
            _UPDATE, company=company, of_kind=trouble.kind, of_subject=trouble.subject, new_params=dict(trouble.params)
        )
    return found is None


def over(unit: Unit, *, company: Id, kind: str, subject: str) -> bool:
    """End one alarm; tells whether it stood."""
    return unit.run(_DELETE, company=company, of_kind=kind, of_subject=subject) == 1


def find(reader: Reader, *, company: Id, kind: str, subject: str) -> Alarm | None:
    """Return one alarm, if it stands."""
    return reader.one(_ONE_OF, company=company, of_kind=kind, of_subject=subject)


def of_kind(reader: Reader, *, kind: str) -> list[Alarm]:
    """Return the standing alarms of a kind in the caller's companies; at most 500."""
    return reader.all(_ALL_OF_KIND, of_kind=kind)


def standing(reader: Reader) -> list[Alarm]:
    """Return the alarms of the caller's companies, the oldest first; at most 500.

    Who looks after some lots is told what concerns those, and what concerns the company as a whole, such as calendars:
    so rows are left out here, where the scope of a statement would leave out the second kind, too.
    """
    scope = reader.caller.scope
    return [one for one in reader.all(_STANDING) if one.lot is None or scope.allows(one.company, one.lot)]
