"""Devices that fall silent, whose clocks are wrong, that do not do what they are told. On every database."""

import asyncio
from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import CommandKind, Outcome
from openberth.contexts.facility.reactions import HealthWatch
from openberth.contexts.facility.service.commands import tell_device
from openberth.contexts.facility.service.health import CLOCK, FAILING, OFFLINE, Heard, history_of, look_at_commands
from openberth.contexts.facility.service.presence import SILENCE_US, silent_devices, write_heard, write_lost
from openberth.infra import alarms
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US
from tests.service.acting import COMPANY, events, ids_of, mall, read, write

CAMERA = "cam-in-1"


def hear(db: Database, lot: Id, *, offset_s: int | None = None, firmware: str | None = None) -> Id:
    ids = ids_of(db, lot)
    offset = None if offset_s is None else offset_s * SECOND_US
    one = Heard(
        ids[CAMERA], COMPANY, lot, ids["in-1"], CAMERA, db.clocks.machine.now(), "10.0.0.9", offset, None, firmware
    )  # fmt: skip
    write(db, write_heard, heard=[one])
    return ids[CAMERA]


def standing(db: Database, kind: str) -> list[dict[str, object]]:
    return [dict(one.params) for one in read(db, alarms.standing) if one.kind == kind]


def told(db: Database, lot: Id, *outcomes: Outcome) -> None:
    ids = ids_of(db, lot)
    for outcome in outcomes:
        issue = partial(facility.issue_command, company=COMPANY, lot=lot, lane=ids["in-2"], kind=CommandKind.OPEN)
        made = write(db, issue, passage=None)
        write(db, facility.report_outcome, command=made.id, outcome=outcome, detail="locked")


def test_a_silent_device_stands_in_the_list_until_it_is_heard_and_remembers_it(
    db: Database, machine: ManualClock
) -> None:
    lot = mall(db)
    device = hear(db, lot)
    machine.advance(SILENCE_US + SECOND_US)
    assert write(db, write_lost, silent=read(db, silent_devices)) == 1
    assert standing(db, OFFLINE) == [{"lot": "mall", "device": CAMERA, "address": "10.0.0.9"}]
    hear(db, lot)
    assert standing(db, OFFLINE) == []
    [ended] = read(db, history_of, device=device).ended
    assert (ended.kind, ended.subject) == (OFFLINE, device)


def test_a_wrong_clock_stands_in_the_list_until_it_is_right(db: Database) -> None:
    lot = mall(db)
    device = hear(db, lot, offset_s=29)
    assert standing(db, CLOCK) == []
    hear(db, lot, offset_s=-180)
    assert standing(db, CLOCK) == [{"lot": "mall", "device": CAMERA, "offset": "-180"}]
    hear(db, lot)  # a heartbeat tells nothing of a clock
    assert len(standing(db, CLOCK)) == 1
    hear(db, lot, offset_s=1)
    assert standing(db, CLOCK) == []
    assert [one.kind for one in read(db, history_of, device=device).ended] == [CLOCK]


def test_each_firmware_is_remembered_with_its_beginning(db: Database) -> None:
    lot = mall(db)
    hear(db, lot, firmware="1.0")
    hear(db, lot, firmware="1.0")
    device = hear(db, lot, firmware="1.1")
    assert [one.text for one in read(db, history_of, device=device).firmwares] == ["1.1", "1.0"]


@pytest.mark.parametrize("last", [Outcome.DONE, Outcome.UNCERTAIN])
def test_a_device_that_does_not_do_what_it_is_told_stands_in_the_list(db: Database, last: Outcome) -> None:
    lot = mall(db)
    device = ids_of(db, lot)["cam-in-2"]
    told(db, lot, Outcome.REJECTED, Outcome.UNREACHABLE)
    write(db, look_at_commands, devices=[device])
    assert standing(db, FAILING) == []
    told(db, lot, Outcome.REJECTED)
    write(db, look_at_commands, devices=[device])
    [params] = standing(db, FAILING)
    assert (params["device"], params["outcome"], params["detail"]) == ("cam-in-2", "rejected", "locked")
    told(db, lot, last)
    write(db, look_at_commands, devices=[device])
    assert standing(db, FAILING) == []
    assert len(read(db, history_of, device=device).commands) == (3 if last is Outcome.DONE else 4)


def test_the_log_tells_whose_commands_failed(db: Database) -> None:
    lot = mall(db)

    watch, seen = HealthWatch(db), 0
    asyncio.run(watch.start())
    for outcome, stands in ((Outcome.REJECTED, 1), (Outcome.DONE, 0)):
        told(db, lot, *([outcome] * 3))
        happened = events(db)
        watch.watch(happened[seen:])
        seen = len(happened)
        asyncio.run(watch.flush())
        assert len(standing(db, FAILING)) == stands


def test_a_device_is_told_to_restart_only_while_it_is_heard(db: Database) -> None:
    lot = mall(db)
    ids = ids_of(db, lot)
    place: dict[str, Any] = {"company": COMPANY, "lot": lot, "lane": ids["in-1"], "device": ids[CAMERA]}
    with pytest.raises(Refused, match=r"device\.not_here"):
        write(db, tell_device, **place, kind=CommandKind.RESTART, reason="it hangs")
    hear(db, lot)
    with pytest.raises(Malformed, match=r"device\.not_to_itself"):
        write(db, tell_device, **place, kind=CommandKind.OPEN, reason="let me in")
    with pytest.raises(Refused, match=r"reason\.missing"):
        write(db, tell_device, **place, kind=CommandKind.RESTART, reason=" ")
    made = write(db, tell_device, **place, kind=CommandKind.SET_TIME, reason="its clock is slow")
    assert (made.kind, made.reason, made.device_id) == (CommandKind.SET_TIME, "its clock is slow", ids[CAMERA])
