"""Old pictures go after their days, in parts that a kill does not hurt; what somebody may still need stays."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts import stays, tenancy
from openberth.contexts.stays.model.entities import picture_name
from openberth.contexts.stays.recognition import Picture, PictureKind
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.reactions import drop_old_events
from openberth.contexts.tenancy.service import settings
from openberth.contexts.tenancy.service.audit import Wanted, entries
from openberth.infra.blobs import FolderBlobs
from openberth.infra.database import Database
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import NotFound, Overloaded
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US
from tests.service.acting import COMPANY, events, read, write
from tests.service.stays.street import CAR, OTHER_CAR, Street

JPEG = b"\xff\xd8\xff\xe0picture\xff\xd9"
SEEN = (Picture(PictureKind.SCENE, JPEG), Picture(PictureKind.PLATE, JPEG))
OPERATOR = Caller(Actor(ActorKind.PERSON, "operator"), EVERYTHING, tenancy.PERMISSIONS)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "pictures")


def arrive(street: Street, blobs: FolderBlobs, lane: str, plate: str | None) -> Id:
    passage = street.arrive(lane, plate, pictures=SEEN).passage
    for number in range(len(SEEN)):
        blobs.put(picture_name(passage, number), JPEG)
    return passage


def are_there(blobs: FolderBlobs, passage: Id) -> bool:
    found = []
    for number in range(len(SEEN)):
        try:
            blobs.get(picture_name(passage, number))
        except NotFound:
            continue
        found.append(number)
    assert len(found) in (0, len(SEEN))
    return bool(found)


def delete_old(db: Database, blobs: Any, **params: float) -> bool:
    return asyncio.run(stays.PictureRetention(db, blobs).delete_old(**params))


def reports(db: Database) -> list[Any]:
    return read(db, entries, by=OPERATOR, wanted=Wanted(deed="pictures.deleted"), below=None, limit=9)


def test_pictures_go_after_the_days_of_their_lot(street: Street, blobs: FolderBlobs) -> None:
    first = arrive(street, blobs, "in-1", CAR)
    street.pass_minutes(5)
    out = arrive(street, blobs, "out-1", CAR)  # within the free minutes
    street.machine.advance(59 * DAY_US)
    assert delete_old(street.db, blobs)
    assert are_there(blobs, first)
    assert reports(street.db) == []
    street.machine.advance(2 * DAY_US)
    assert delete_old(street.db, blobs)
    assert not are_there(blobs, first)
    assert not are_there(blobs, out)
    assert street.passage(first).pictures == 0
    (report,) = reports(street.db)
    assert (report.subject, report.lot_id) == (str(street.lot), street.lot)
    assert '"passages":2,"pictures":4' in report.new_values
    assert delete_old(street.db, blobs)
    assert len(reports(street.db)) == 1


def test_the_setting_of_the_lot_holds(street: Street, blobs: FolderBlobs) -> None:
    first = arrive(street, blobs, "in-1", CAR)
    street.pass_minutes(5)
    arrive(street, blobs, "out-1", CAR)
    write(
        street.db, settings.set_setting, by=OPERATOR, node=Node.of_lot(COMPANY, street.lot),
        key="retention.pictures_days", value=90,
    )  # fmt: skip
    street.machine.advance(61 * DAY_US)
    delete_old(street.db, blobs)
    assert are_there(blobs, first)
    street.machine.advance(30 * DAY_US)
    delete_old(street.db, blobs)
    assert not are_there(blobs, first)


def test_what_is_needed_stays_and_goes_later(street: Street, blobs: FolderBlobs) -> None:
    inside = arrive(street, blobs, "in-1", CAR)  # never leaves
    unread = arrive(street, blobs, "in-2", None)  # a person has to look
    came = arrive(street, blobs, "in-1", OTHER_CAR)
    street.pass_minutes(120)
    owing = arrive(street, blobs, "out-1", OTHER_CAR)  # waits with an open bill
    street.machine.advance(400 * DAY_US)
    delete_old(street.db, blobs)
    kept = (inside, unread, came, owing)
    assert [are_there(blobs, each) for each in kept] == [True] * 4
    street.pay_cash("out-1")
    delete_old(street.db, blobs)
    assert [are_there(blobs, each) for each in kept] == [True, True, False, False]
    assert street.passage(came).pictures == 0


class Stubborn:
    """A store that fails at some deletions, as a disk or a network does."""

    def __init__(self, blobs: FolderBlobs, fails_at: int) -> None:
        self._blobs, self._left = blobs, fails_at

    def delete(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Overloaded("blob.unavailable", reason="test")
        self._blobs.delete(name)


def test_a_run_that_breaks_goes_on_where_it_was(
    street: Street, blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openberth.contexts.stays.store.retention.PAGE_MAX", 2)
    passages = []
    for _ in range(3):
        passages.append(arrive(street, blobs, "in-1", CAR))
        street.pass_minutes(5)
        passages.append(arrive(street, blobs, "out-1", CAR))
        street.pass_minutes(5)
    street.machine.advance(61 * DAY_US)
    for fails_at in (3, 2):
        with pytest.raises(Overloaded):
            delete_old(street.db, Stubborn(blobs, fails_at))
    while not delete_old(street.db, blobs, work_s=0.0):
        pass
    assert not any(are_there(blobs, each) for each in passages)
    assert sum(json.loads(each.new_values)["pictures"] for each in reports(street.db)) == 12


def test_events_stay_half_a_year_at_least(street: Street, db: Database) -> None:
    street.arrive("in-1", CAR)
    street.react()
    before = len(events(db))
    street.machine.advance(183 * DAY_US)
    assert drop_old_events(db) == 0
    assert len(events(db)) == before > 0
