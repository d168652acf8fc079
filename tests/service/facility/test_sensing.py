"""Reports of sensors into spaces, events and alarms, on every database."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import DeviceKind, Reading, SpaceState
from openberth.contexts.facility.model import Collector, Sensor, SensorModel
from openberth.contexts.facility.model.sensing import COLLECTOR_GRACE_US, FLAP_CHANGES, QUIET_US, SILENT_AFTER_US
from openberth.contexts.facility.reactions import CollectorDirectory, CollectorEntry, SensorDesk, SensorSweeper
from openberth.contexts.facility.service.collectors import issue_collector_credentials
from openberth.contexts.facility.service.sensing import REPORTS_KEPT_US, Taken
from openberth.contexts.facility.service.spaces import reports_of, sensor_named
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import MINUTE_US, SECOND_US
from tests.service.acting import events, lot_file, of_company, read, write

FREE, OCCUPIED, UNKNOWN = SpaceState.FREE, SpaceState.OCCUPIED, SpaceState.UNKNOWN
SECRET = "5e" * 32
MAGNETIC, CHIRPSTACK = DeviceKind.GEOMAGNETIC_TCP, DeviceKind.CHIRPSTACK_HTTP


class Site:
    """The office with sensors at some spaces of its deck, and both clocks."""

    def __init__(self, db: Database, business: ManualClock, machine: ManualClock) -> None:
        self.db, self.business, self.machine = db, business, machine
        self.company = write(db, tenancy.ensure_company, code="demo").id
        office = replace(lot_file("office"), collectors=(), sensors=())
        networks = office.devices[0].networks
        self.file = replace(
            office,
            collectors=(
                Collector("mag-1", MAGNETIC, networks, "C-0001"), Collector("lora", CHIRPSTACK, networks, None, 7_200),
            ),
            sensors=(
                *(Sensor(f"m{number}", "mag-1", str(number), f"L{number:02}") for number in (1, 2, 3)),
                Sensor("t1", "lora", "70b3d5e75e00470c", "L21", SensorModel.TPS110),
            ),
        )  # fmt: skip
        self.lot = write(db, facility.apply_lot, company=self.company, lot=self.file).lot
        self.directory = CollectorDirectory(db)
        asyncio.run(self.directory.reload())
        found = self.directory.by_serial(MAGNETIC, "C-0001", "127.0.0.1")
        assert found is not None
        self.magnetic: CollectorEntry = found

    def says(self, sensor: str, occupied: bool | None, key: str | None = None, **more: Any) -> Taken:
        reading = Reading(sensor, occupied, {"Q": 900}, **more)
        desk = SensorDesk(self.db)
        return asyncio.run(desk.take(self.magnetic, [reading], address="127.0.0.1", key=key))

    def advance(self, span_us: int) -> None:
        self.business.advance(span_us)
        self.machine.advance(span_us)

    def sweep(self) -> int:
        return asyncio.run(SensorSweeper(self.db).sweep())

    def now(self, code: str) -> facility.SensorNow:
        return read(self.db, sensor_named, lot=self.lot, code=code)

    def alarms(self) -> list[tuple[str, str]]:
        return [(each.kind, str(each.params.get("sensor"))) for each in read(self.db, alarms.standing)]


@pytest.fixture
def site(db: Database, business: ManualClock, machine: ManualClock) -> Site:
    return Site(db, business, machine)


def test_a_report_makes_a_state_an_event_and_is_kept_as_it_came(site: Site) -> None:
    assert site.now("m1").known.state is UNKNOWN
    assert site.says("1", True, confidence=90) == Taken(1, ())
    known = site.now("m1")
    assert (known.known.state, known.known.since, known.known.confidence) == (OCCUPIED, site.business.now(), 90)
    assert known.heard_at == site.machine.now()
    [told] = events(site.db, "facility.space_state_changed")
    assert (told.body["code"], told.body["before"], told.body["after"]) == ("L01", "unknown", "occupied")
    assert (told.company, told.lot, str(told.key)) == (site.company, site.lot, told.body["space"])
    assert site.says("1", True) == Taken(0, ())  # the state of every ten minutes
    kept = read(site.db, reports_of, sensor=known.sensor.id, before=BEYOND_ALL, limit=10)
    assert [each.raw for each in kept] == [{"Q": 900}, {"Q": 900}]
    assert write(site.db, facility.purge_sensor_reports) == 0
    site.advance(REPORTS_KEPT_US + SECOND_US)
    assert write(site.db, facility.purge_sensor_reports) == 2


def test_what_is_sent_twice_is_taken_once_and_strangers_change_nothing(site: Site) -> None:
    assert site.says("1", True, key="a").changed == 1
    again = site.says("1", False, key="a")
    assert (again.repeated, site.now("m1").known.state) == (True, OCCUPIED)
    assert site.says("99", True) == Taken(0, ("99",))
    assert site.says("x" * 900, True).unknown == ("x" * 64,)
    assert len(events(site.db, "facility.space_state_changed")) == 1


def test_a_change_of_mind_waits_and_is_settled_by_time(site: Site) -> None:
    site.says("1", True)
    site.advance(60 * SECOND_US)
    site.says("1", False)
    site.advance(SECOND_US)
    site.says("1", True)
    assert site.now("m1").known.state is FREE
    assert site.sweep() == 0
    site.advance(4 * SECOND_US)
    assert site.sweep() == 1
    assert (site.now("m1").known.state, site.sweep()) == (OCCUPIED, 0)


def test_flapping_is_an_alarm_and_ends(site: Site) -> None:
    site.says("1", False)
    for turn in range(FLAP_CHANGES):
        site.advance(20 * SECOND_US)
        site.says("1", turn % 2 == 0)
    assert site.now("m1").flags == ("flapping",)
    assert site.alarms() == [("sensor_flapping", "m1")]
    site.advance(QUIET_US)
    assert site.sweep() == 1
    assert (site.alarms(), site.now("m1").flags, site.now("m1").known.state) == ([], (), FREE)
    told = events(site.db, "facility.alarm_raised", "facility.alarm_ended")
    assert [each.body["alarm"] for each in told] == ["sensor_flapping"] * 2


def test_batteries_and_faults_are_alarms_until_they_are_well(site: Site) -> None:
    site.says("1", True, battery_mv=3_100, battery_low=True)
    site.says("2", None, fault="code 4")
    assert sorted(site.alarms()) == [("sensor_battery", "m1"), ("sensor_fault", "m2")]
    assert site.now("m2").known.state is UNKNOWN
    site.says("1", True, battery_mv=3_600, battery_low=False)
    site.says("2", False)
    assert site.alarms() == []
    assert site.now("m2").known.state is FREE


def test_who_is_silent_for_too_long_leaves_nothing_known(site: Site) -> None:
    desk = SensorDesk(site.db)
    desk.heard(site.magnetic, address="127.0.0.1")
    asyncio.run(desk.flush())
    site.says("1", False)
    site.advance(SILENT_AFTER_US[MAGNETIC] - SECOND_US)
    assert site.sweep() == 0
    site.advance(SECOND_US)
    assert site.sweep() == 1
    assert site.now("m1").known.state is UNKNOWN
    assert site.alarms() == [("sensor_silent", "m1")]
    assert site.sweep() == 0
    site.says("1", False)
    assert (site.now("m1").known.state, site.alarms()) == (FREE, [])


def test_a_collector_that_is_silent_takes_its_spaces_along_a_minute_later(site: Site) -> None:
    desk = SensorDesk(site.db)

    def flush() -> int:
        return asyncio.run(desk.flush())

    desk.heard(site.magnetic, address="127.0.0.1")
    flush()
    site.says("1", False)
    site.advance(8 * SECOND_US)
    assert flush() == 0
    site.advance(SECOND_US)
    assert flush() == 1
    assert [each.kind for each in read(site.db, alarms.standing)] == ["collector_silent"]
    [mag] = [each for each in read(site.db, facility.collectors_of, lot=site.lot) if each.code == "mag-1"]
    assert mag.heard is not None
    assert (mag.heard.online, mag.sensors) == (False, 3)
    assert site.now("m1").known.state is FREE
    # Back at once: nothing is lost, though its sensors speak only every ten minutes.
    desk.heard(site.magnetic, address="127.0.0.1", state={"signal": 9})
    flush()
    site.advance(2 * COLLECTOR_GRACE_US)
    desk.heard(site.magnetic, address="127.0.0.1")
    assert (site.sweep(), site.now("m1").known.state, site.alarms()) == (0, FREE, [])
    site.advance(9 * SECOND_US)
    assert flush() == 1
    site.advance(COLLECTOR_GRACE_US)
    assert site.sweep() == 1
    assert site.now("m1").known.state is UNKNOWN
    assert [each.kind for each in read(site.db, alarms.standing)] == ["collector_silent"]  # not one of each sensor


def test_a_collector_that_a_dead_process_held_is_found_by_its_row(site: Site) -> None:
    dead = SensorDesk(site.db)
    dead.heard(site.magnetic, address="127.0.0.1", state={"fault": "code 2"})
    asyncio.run(dead.flush())
    assert [each.kind for each in read(site.db, alarms.standing)] == ["collector_fault"]
    other = SensorDesk(site.db)
    site.advance(MINUTE_US)
    assert asyncio.run(other.find_left()) == 0
    site.advance(SECOND_US)
    assert asyncio.run(other.find_left()) == 1
    assert asyncio.run(other.find_left()) == 0
    site.advance(SECOND_US)
    other.heard(site.magnetic, address="127.0.0.1", state={})
    asyncio.run(other.flush())
    assert read(site.db, alarms.standing) == []


def test_sums_of_areas_and_spaces_on_the_plan(site: Site) -> None:
    site.says("1", True)
    site.says("2", False)
    [deck] = read(site.db, facility.sensed_areas, lots=[site.lot]).values()
    assert (deck.occupied, deck.free, deck.unknown, deck.sensors) == (1, 1, 2, 4)
    assert read(site.db, facility.lots_with_sensors) == [site.lot]
    assert read(site.db, facility.sensor_model, collector=Id(int=1), name="70b3d5e75e00470c") is None


def test_files_come_back_as_they_went_in(site: Site) -> None:
    again = write(site.db, facility.apply_lot, company=site.company, lot=site.file)
    assert not again.changes
    less = replace(site.file, sensors=site.file.sensors[1:])
    assert write(site.db, facility.apply_lot, company=site.company, lot=less).changes.counts() == {"sensor.retired": 1}
    assert site.says("1", True).unknown == ("1",)


def test_secrets_of_collectors(site: Site) -> None:
    made = write(site.db, issue_collector_credentials, lot=site.lot, collector="lora", secret=SECRET)
    asyncio.run(site.directory.reload())
    found = site.directory.by_secret(SECRET)
    assert found is not None
    assert (found.id, found.span_us) == (made.collector, 7_200 * SECOND_US)
    write(site.db, issue_collector_credentials, lot=site.lot, collector="lora", secret="6f" * 32)
    asyncio.run(site.directory.reload())
    assert site.directory.by_secret(SECRET) is None
    with pytest.raises(NotFound):  # it is known by its name and its network
        write(site.db, issue_collector_credentials, lot=site.lot, collector="mag-1", secret="70" * 32)
    assert site.directory.by_serial(MAGNETIC, "C-0001", "192.0.2.1") is None


def test_others_see_nothing_of_it(site: Site, db: Database) -> None:
    site.says("1", True)
    stranger = of_company(Id(int=0xBAD))
    assert read(db, facility.sensors_of, by=stranger, lot=site.lot) == []
    assert read(db, facility.sensed_areas, by=stranger, lots=[site.lot]) == {}
    assert read(db, facility.collectors_of, by=stranger, lot=site.lot) == []


def test_reports_of_two_processes_do_not_lose_one(site: Site) -> None:
    async def both() -> None:
        desks = SensorDesk(site.db), SensorDesk(site.db)
        readings = [Reading(str(number), True, {}) for number in (1, 2, 3)]
        await asyncio.gather(*(desk.take(site.magnetic, readings, address="127.0.0.1") for desk in desks))

    asyncio.run(both())
    assert len(events(site.db, "facility.space_state_changed")) == 3
