"""Alarms about what stands on a lot: raised once, told of in the log, and remembered for a while when they are over.

Whoever finds something wrong calls ``raise_alarm`` as often as it is still so, and ``end_alarm`` when it is not; each
needs a text ``alarm.KIND`` in the catalogue. ``subject`` is the id of what it is about: a device, a collector, a
sensor, an area.
"""

from collections.abc import Mapping

from openberth.contexts.facility.model.troubles import AlarmEnded, AlarmRaised, EndedAlarm
from openberth.contexts.facility.store import troubles as store
from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.errors import Param
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.time import DAY_US

KEPT_US = 180 * DAY_US  # an alarm that is over is remembered for half a year
PAGE_MAX = 200


@inner
def raise_alarm(unit: Unit, *, company: Id, lot: Id, kind: str, subject: Id, params: Mapping[str, Param]) -> bool:
    """Let an alarm stand; one that stands already keeps its beginning and takes the new parameters. Tells whether it
    is new.
    """
    new = alarms.stand(unit, company=company, trouble=Trouble(kind, str(subject), params, lot))
    if new:
        unit.append(AlarmRaised(kind, subject, int(unit.now)), company=company, lot=lot, key=subject)
    return new


@inner
def end_alarm(unit: Unit, *, company: Id, lot: Id, kind: str, subject: Id) -> bool:
    """End an alarm and remember it; tells whether it stood."""
    stood = alarms.find(unit, company=company, kind=kind, subject=str(subject))
    if stood is None or not alarms.over(unit, company=company, kind=kind, subject=str(subject)):
        return False
    unit.run(
        store.INSERT, id=unit.new_id(), company_id=company, lot_id=lot, kind=kind, subject_id=subject,
        since_at=stood.since, ended_at=unit.now, params=dict(stood.params),
    )  # fmt: skip
    unit.append(AlarmEnded(kind, subject, int(stood.since)), company=company, lot=lot, key=subject)
    return True


def ended_alarms(reader: Reader, *, lot: Id, before: Id, limit: int, subject: Id | None = None) -> list[EndedAlarm]:
    """Return a page of a lot's alarms that are over, or of those about one thing, the last that ended first."""
    most = min(limit, PAGE_MAX)
    if subject is not None:
        found = reader.all(store.OF_SUBJECT, of_subject=subject, before=before, limit=most)
        return [each for each in found if each.lot == lot]
    return reader.all(store.OF_LOT, lot=lot, before=before, limit=most)


@by_construction
def purge_ended_alarms(unit: Unit) -> int:
    """Forget some alarms that have been over for half a year; call again while it returns ``PURGE_MAX``."""
    old = unit.all(store.OLD, before=lowest_at((unit.machine_now - KEPT_US) // 1_000))
    for one in old:
        unit.run(store.DELETE, alarm=one)
    return len(old)
