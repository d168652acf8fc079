"""Alarms about what stands on a lot: told of once at each end, and remembered. On every database."""

from typing import Any

from openberth.contexts import facility, tenancy
from openberth.contexts.facility.service.troubles import KEPT_US
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import SECOND_US
from tests.service.acting import events, ids_of, mall, read, write


def test_an_alarm_is_told_of_at_both_ends_and_remembered(
    db: Database, business: ManualClock, machine: ManualClock
) -> None:
    company = write(db, tenancy.ensure_company, code="demo").id
    lot = mall(db, company)
    camera, other = ids_of(db, lot)["cam-in-1"], ids_of(db, lot)["cam-in-2"]
    about: dict[str, Any] = {"company": company, "lot": lot, "kind": "device_stray", "subject": camera}
    began = business.now()
    assert write(db, facility.raise_alarm, **about, params={"times": 1})
    business.advance(SECOND_US)
    assert not write(db, facility.raise_alarm, **about, params={"times": 2})  # it stands already, and knows more
    [stands] = read(db, alarms.standing)
    assert (stands.since, stands.params, stands.lot) == (began, {"times": 2}, lot)
    business.advance(SECOND_US)
    assert write(db, facility.end_alarm, **about)
    assert not write(db, facility.end_alarm, **about)
    assert read(db, alarms.standing) == []
    kinds = [event.kind for event in events(db, "facility.alarm_raised", "facility.alarm_ended")]
    assert kinds == ["facility.alarm_raised", "facility.alarm_ended"]
    asked: dict[str, Any] = {"lot": lot, "before": BEYOND_ALL, "limit": 10}
    [over] = read(db, facility.ended_alarms, **asked)
    assert (over.since, over.ended_at, over.params) == (began, business.now(), {"times": 2})
    assert read(db, facility.ended_alarms, **asked, subject=camera) == [over]
    assert read(db, facility.ended_alarms, **asked, subject=other) == []
    assert read(db, facility.ended_alarms, lot=Id(int=1), before=BEYOND_ALL, limit=10, subject=camera) == []
    assert write(db, facility.purge_ended_alarms) == 0
    machine.advance(KEPT_US + 2 * SECOND_US)
    assert write(db, facility.purge_ended_alarms) == 1
    assert read(db, facility.ended_alarms, **asked) == []
