"""The cars of areas added up in every way that there is; what differs for long is an alarm. On every database."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import DeviceKind, Reading
from openberth.contexts.facility.model import Collector, Sensor
from openberth.contexts.facility.service.sensing import take_readings
from openberth.contexts.stays import Comparing
from openberth.contexts.stays.service.comparing import ALARM, AreaFound, checks_of
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.time import SECOND_US
from tests.service.acting import events, lot_file, read, write


class Site:
    """The office with sensors at some spaces of its deck."""

    def __init__(self, db: Database, business: ManualClock) -> None:
        self.db, self.business = db, business
        self.company = write(db, tenancy.ensure_company, code="demo").id
        office = replace(lot_file("office"), collectors=(), sensors=())
        self.rules = replace(office.rules, occupancy_band=2, occupancy_band_s=600)
        collector = Collector("mag-1", DeviceKind.GEOMAGNETIC_TCP, office.devices[0].networks, "C-0001")
        sensors = tuple(Sensor(f"m{n}", "mag-1", str(n), f"L{n:02}") for n in range(1, 6))
        file = replace(office, rules=self.rules, collectors=(collector,), sensors=sensors)
        self.lot = write(db, facility.apply_lot, company=self.company, lot=file).lot
        [self.collector] = [each.id for each in read(db, facility.collectors_of, lot=self.lot)]

    def compare(self) -> int:
        return asyncio.run(Comparing(self.db).compare())

    def found(self, area: str) -> AreaFound:
        return next(each for each in read(self.db, checks_of, lot=self.lot) if each.code == area)

    def standing(self) -> list[tuple[str, Any]]:
        return [
            (each.kind, each.params.get("area") or each.params["sensor"]) for each in read(self.db, alarms.standing)
        ]

    def adjust(self, area: str, by: int) -> None:
        write(
            self.db, facility.adjust, company=self.company, lot=self.lot, area=area, adjustment=by, reason="counted"
        )  # fmt: skip

    def sense(self, **spaces: bool) -> None:
        readings = [Reading(name.removeprefix("m"), taken, {}) for name, taken in spaces.items()]
        write(self.db, take_readings, collector=self.collector, readings=readings)


@pytest.fixture
def site(db: Database, business: ManualClock) -> Site:
    return Site(db, business)


def test_what_differs_for_long_is_an_alarm_with_its_numbers_and_nothing_is_adjusted(site: Site) -> None:
    assert site.found("garage").check is None
    assert site.compare() == 0
    site.adjust("garage", 7)
    assert site.compare() == 0  # not yet
    check = site.found("garage").check
    assert check is not None
    assert (check.counted, check.stays, check.apart, check.differs_since) == (7, 0, 7, site.business.now())
    site.business.advance(600 * SECOND_US)
    assert site.compare() == 1
    assert site.compare() == 1
    assert site.standing() == [(ALARM, "garage")]
    [told] = events(site.db, "facility.alarm_raised")
    assert told.body["alarm"] == ALARM
    assert [each.count for each in read(site.db, facility.occupancy, lot=site.lot)] == [0, 0]
    site.adjust("garage", 2)  # within the band
    assert site.compare() == 0
    assert site.standing() == []
    assert not site.found("garage").is_told


def test_more_taken_spaces_than_cars_contradict_and_their_sensors_are_flagged(site: Site) -> None:
    site.sense(m1=True, m2=True, m3=True, m4=True, m5=False)
    site.compare()
    check = site.found("deck").check
    assert check is not None
    assert (check.sensed_occupied, check.sensed_free, check.sensed_unknown, check.apart) == (4, 1, 0, 4)
    assert site.standing() == []
    site.business.advance(600 * SECOND_US)
    assert site.compare() == 1
    assert sorted(site.standing()) == [
        (ALARM, "deck"), *(("sensor_contradicts", f"m{n}") for n in range(1, 5))
    ]  # fmt: skip
    assert [each.flags for each in read(site.db, facility.sensors_of, lot=site.lot)] == [("contradicts",)] * 4 + [()]
    site.sense(m1=False, m2=False, m3=False, m4=False)
    assert site.compare() == 0
    assert site.standing() == []


def test_loops_count_from_the_cars_that_were_there_and_anew_when_people_count(site: Site) -> None:
    site.adjust("deck", 3)
    by = Caller(Actor(ActorKind.DEVICE, "cam"), Scope(site.company, (site.lot,)))
    for inward in (True, True, False):
        write(site.db, facility.count_loop, by=by, lot=site.lot, area="deck", inward=inward)
    deck = site.found("deck")
    assert deck.check is None
    site.compare()
    check = site.found("deck").check
    assert check is not None
    assert (check.loops, check.counted, check.apart) == (4, 3, 4)
    site.adjust("deck", 0)
    site.compare()
    check = site.found("deck").check
    assert check is not None
    assert (check.loops, check.apart) == (0, 0)
