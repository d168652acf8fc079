"""The head of the trail that is carried away every day."""

import asyncio
import json
from pathlib import Path

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.audit import Fault
from openberth.contexts.tenancy.reactions import HeadKeeper
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.time import DAY_US
from tests.service.acting import read
from tests.service.tenancy.trail import faults, sql, unlocked, write_deeds


def standing(db: Database) -> list[str]:
    return [each.kind for each in read(db, alarms.standing)]


def test_every_day_has_its_file_and_none_is_written_twice(db: Database, tmp_path: Path, machine: ManualClock) -> None:
    folder = tmp_path / "away"
    folder.mkdir()
    keeper = HeadKeeper(db, folder, node="box-1")
    for _ in range(2):
        write_deeds(db, 2)
        for _ in range(2):
            asyncio.run(keeper.look())
            write_deeds(db, 1)
        machine.advance(DAY_US)
    files = sorted(folder.iterdir())
    assert [each.name for each in files] == ["openberth-head-2026-11-20.json", "openberth-head-2026-11-21.json"]
    heads = [read(db, tenancy.check_head, signed=tenancy.read_document(json.loads(each.read_text()))) for each in files]
    assert [each.number for each in heads] == [2, 6]
    assert faults(db, *heads) == []
    with unlocked(db):
        sql(db, "DELETE FROM audit_entry WHERE number > 4")
    assert faults(db, *heads) == [(Fault.CUT, 5, 6)]


def test_a_folder_that_is_away_is_an_alarm_until_it_is_back(db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    keeper = HeadKeeper(db, folder, node="box-1")
    write_deeds(db, 1)
    asyncio.run(keeper.look())
    (alarm,) = read(db, alarms.standing)
    assert (alarm.code, alarm.params["node"]) == ("alarm.audit_head", "box-1")
    folder.mkdir()
    asyncio.run(keeper.look())
    assert standing(db) == []
    assert len(list(folder.iterdir())) == 1
