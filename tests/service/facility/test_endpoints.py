"""Where a camera is called, set for one alone: what is refused, who wins, and what becomes of its login."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from openberth.contexts import facility, tenancy
from openberth.contexts.facility.document import lot_text
from openberth.contexts.facility.service.endpoints import called_device, set_endpoint
from openberth.contexts.facility.service.logins import set_login
from openberth.contexts.facility.service.lots import layout_of
from openberth.infra.database import Database
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, Malformed, NotFound, Problem, Refused
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, events, ids_of, lot_file, read, write
from tests.service.facility.test_logins import called, kept, lot_with_called
from tests.service.tenancy.trail import all_entries
from tests.waiting import PATIENCE_S

NEW = "https://127.9.0.1:8443"


def version(db: Database, lot: Id) -> int:
    return read(db, called_device, lot=lot, device_code="cam-in-2").version


def move(db: Database, lot: Id, endpoint: str | None, expected: int | None = None) -> bool:
    return write(db, set_endpoint, lot=lot, device_code="cam-in-2", endpoint=endpoint, expected=expected)


def test_another_address_is_called_and_the_login_given_for_the_old_one_is_not_shown_to_it(db: Database) -> None:
    lot = lot_with_called(db)
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="x")
    assert move(db, lot, NEW)
    assert (called(db), kept(db)) == ({}, 0)
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="y")
    call = called(db)["cam-in-2"].call
    assert call is not None
    assert (call.endpoint, call.gate, call.password) == (NEW, "parking", "y")
    boxes = {called(db)["cam-in-2"].box}
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="z")
    boxes.add(called(db)["cam-in-2"].box)
    assert len(boxes) == 2, "another login, perhaps another box"
    assert not move(db, lot, NEW)
    assert kept(db) == 1
    assert move(db, lot, None)
    assert called(db) == {}


def test_the_lot_file_says_it_and_the_gateways_and_the_trail_are_told(db: Database) -> None:
    company = write(db, tenancy.ensure_company, code="demo").id
    lot = lot_with_called(db, company)
    before = len(events(db, "facility.lot_applied"))
    move(db, lot, NEW)
    move(db, lot, NEW)
    [told] = events(db, "facility.lot_applied")[before:]
    assert told.body["changes"] == {"device.changed": 1}
    stands = read(db, layout_of, lot=lot)
    assert f"endpoint: {NEW}" in lot_text(stands)
    assert not write(db, facility.apply_lot, company=company, lot=stands).changes, "applied again it changes nothing"
    last = all_entries(db)[-1]
    assert (last.deed, json.loads(last.new_values or "")) == ("lot.configured", {"device cam-in-2": {"endpoint": NEW}})
    assert "device cam-in-2" in (last.old_values or "")


def test_of_several_who_read_the_same_one_wins_and_the_same_again_is_no_conflict(db: Database) -> None:
    lot = lot_with_called(db)
    seen = version(db, lot)
    ready = Barrier(4)

    def change(number: int) -> str | None:
        ready.wait(PATIENCE_S)
        try:
            move(db, lot, f"http://127.0.1.{number}", seen)
        except Problem as error:
            return error.code
        return None

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(change, range(1, 5)))
    assert sorted(each or "" for each in ends) == ["", *["state.changed"] * 3]
    won = read(db, called_device, lot=lot, device_code="cam-in-2").row.endpoint
    assert not move(db, lot, won, seen)
    now = version(db, lot)
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="x")
    with pytest.raises(Refused, match=r"state\.changed"):  # somebody gave it a login meanwhile
        move(db, lot, NEW, now)
    for _ in range(2):  # the same again is no conflict
        write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="x", expected=now)
    with pytest.raises(Refused, match=r"state\.changed"):
        write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="y", expected=now)


@pytest.mark.parametrize("said", ["http://camera.local", "127.0.0.1", "http://a:b@127.0.0.1", "http://127.0.0.1/x", ""])
def test_what_is_no_address_is_refused(db: Database, said: str) -> None:
    lot = lot_with_called(db)
    with pytest.raises(Malformed, match=r"device\.endpoint"):
        move(db, lot, said)


def test_only_what_lies_inside_of_its_own_networks_is_called_and_only_of_kinds_that_are(db: Database) -> None:
    lot = lot_with_called(db)
    for outside in ("http://10.99.0.1", "http://[::1]", "http://169.254.169.254"):
        with pytest.raises(Refused, match=r"device\.endpoint_outside"):
            move(db, lot, outside)
    with pytest.raises(Refused, match=r"device\.not_called"):
        write(db, set_endpoint, lot=lot, device_code="bar-in-1", endpoint=NEW)
    with pytest.raises(NotFound, match=r"device\.not_found"):
        write(db, set_endpoint, lot=lot, device_code="nobody", endpoint=NEW)


def test_trouble_with_calls_is_told_until_it_is_over_or_the_address_is_another_one(db: Database) -> None:
    lot = lot_with_called(db)
    device = ids_of(db, lot)["cam-in-2"]

    def trouble() -> str | None:
        found = read(db, called_device, lot=lot, device_code="cam-in-2").trouble
        return None if found is None else found.kind

    def unanswered() -> None:
        write(
            db, facility.call_unanswered, company=COMPANY, lot=lot, lot_code="mall", device=device, code="cam-in-2",
            endpoint="http://127.0.0.1", why="not_connected",
        )  # fmt: skip

    unanswered()
    assert trouble() == "device_unreached"
    assert read(db, facility.is_call_failing, company=COMPANY, device=device)
    write(
        db, facility.login_refused, company=COMPANY, lot=lot, lot_code="mall", device=device, code="cam-in-2",
        minutes=15,
    )  # fmt: skip
    assert trouble() == "device_login", "it is reached, and says no"
    assert len(read(db, facility.failing_calls)) == 1
    write(db, facility.call_answered, company=COMPANY, lot=lot, device=device)
    assert trouble() is None
    unanswered()
    move(db, lot, NEW)
    assert trouble() is None


def test_nobody_sets_it_without_the_right_to_write_lots(db: Database) -> None:
    lot = lot_with_called(db)
    guard = Caller(Actor(ActorKind.PERSON, "guard"), EVERYTHING, frozenset({"lot.read", "lane.open"}))
    with pytest.raises(Denied):
        write(db, set_endpoint, by=guard, lot=lot, device_code="cam-in-2", endpoint=NEW)


def test_the_example_mall_has_no_device_that_is_called(db: Database) -> None:
    lot = write(db, facility.apply_lot, company=COMPANY, lot=lot_file("mall")).lot
    with pytest.raises(Refused, match=r"device\.not_called"):
        read(db, called_device, lot=lot, device_code="cam-in-2")
