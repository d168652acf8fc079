"""The audit trail on real databases: whole under load, closed to changes, and every trace of a hand in it is found."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import LotState
from openberth.contexts.tenancy.model.audit import FIELDS, GENESIS, Entry, Fault, sealed
from openberth.contexts.tenancy.reactions import Refusals, audit_consumer
from openberth.contexts.tenancy.service import audit
from openberth.contexts.tenancy.store import audit as store
from openberth.entrypoints.cli.audit import walked
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.infra.database.partitions import drop_before
from openberth.infra.database.statement import Write
from openberth.infra.outbox import ConsumerRunner
from openberth.infra.refusals import WAITING_MAX, Refusal
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, Overloaded, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US
from tests.service.acting import COMPANY, OTHER_COMPANY, SYSTEM, mall, of_company, read, write
from tests.service.conftest import MACHINE_START
from tests.service.infra.facts import following, running
from tests.service.tenancy.trail import GUARD, all_entries, deed, faults, head, sql, unlocked, write_deeds
from tests.waiting import until


def test_a_deed_is_written_with_all_that_is_known(db: Database) -> None:
    by = Caller(Actor(ActorKind.PERSON, "account-7", "192.0.2.7"), EVERYTHING, frozenset())
    assert db.write_now(lambda unit: tenancy.record(unit, deed(reason="换人 粤B12345")), by=by) == 1
    (entry,) = all_entries(db)
    assert (entry.number, entry.at, entry.previous) == (1, MACHINE_START, GENESIS)
    assert (entry.actor_kind, entry.actor_name, entry.address) == ("person", "account-7", "192.0.2.7")
    assert (entry.deed, entry.outcome, entry.subject_kind, entry.subject) == (
        "account.closed", "done", "account", "account-1",
    )  # fmt: skip
    assert (entry.company_id, entry.lot_id, entry.cause) == (COMPANY, Id(int=0x10), None)
    assert (entry.reason, entry.old_values, entry.new_values) == (
        "换人 粤B·**345", '{"state":"active"}', '{"state":"closed"}',
    )  # fmt: skip
    assert sealed(entry) == entry


def test_a_deed_and_its_entry_stand_or_fall_together(db: Database) -> None:
    def fails(unit: Unit) -> None:
        tenancy.record(unit, deed())
        raise Refused("state.changed")

    write_deeds(db, 2)
    with pytest.raises(Refused):
        db.write_now(fails, by=GUARD)
    write_deeds(db, 1)
    assert [entry.number for entry in all_entries(db)] == [1, 2, 3]
    assert faults(db) == []


def test_many_write_at_once_and_no_number_is_missing_or_twice(db: Database) -> None:
    """Callers of any scope add to the one chain, also those who see none of it."""
    lot = Id(int=0x10)
    callers = [SYSTEM, GUARD, of_company(COMPANY, lot), of_company(OTHER_COMPANY, Id(int=0x11))]
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(write_deeds, db, 6, callers[index % 4]) for index in range(8)]
    for each in done:
        each.result()
    assert [entry.number for entry in all_entries(db)] == list(range(1, 49))
    assert faults(db, head(db)) == []


@pytest.mark.parametrize("verb", ["UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry WHERE number = 2"])
def test_the_database_refuses_changes(db: Database, verb: str) -> None:
    write_deeds(db, 2)
    with pytest.raises(Exception, match="audit_entry is append-only"):
        sql(db, verb)
    assert len(all_entries(db)) == 2


def test_the_ways_around_are_closed_where_the_database_can(db: Database) -> None:
    write_deeds(db, 1)
    around = {
        "postgresql": "TRUNCATE TABLE audit_entry",
        "sqlite": "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
        "mysql": "REPLACE INTO audit_entry SELECT * FROM audit_entry",
    }
    with pytest.raises(Exception, match="audit_entry is append-only"):
        sql(db, around[db.kind])
    assert faults(db, head(db)) == []


def test_no_retention_reaches_the_trail(db: Database, machine: ManualClock) -> None:
    """No days are given after which entries go: 184 are the least that the law asks for, and never is more."""
    write_deeds(db, 1)
    machine.advance(400 * DAY_US)
    with pytest.raises(ValueError, match="audit_entry holds no history"):
        drop_before(db, store.audit_entry, machine.now())
    writes = {name for name, value in vars(store).items() if isinstance(value, Write)}
    assert writes == {"APPEND"}
    assert len(all_entries(db)) == 1


# -- tampering ---------------------------------------------------------------------------------------------------------


def other_value(db: Database, column: str) -> str:
    """Return SQL for a value of a column that no entry of these tests has."""
    if column in ("company_id", "lot_id", "cause"):
        return f"'{Id(int=0x77)}'" if db.kind == "postgresql" else f"X'{Id(int=0x77).hex}'"
    return "5" if column == "at" else "'7'"


def put(*entries: Entry) -> Callable[[Unit], list[int]]:
    """Return what writes rows as they are."""
    return lambda unit: [unit.run(store.APPEND, entry) for entry in entries]


def keyed(db: Database, entry: Entry) -> Entry:
    """Return an entry as who owns the database and the key file would forge it."""
    return replace(entry, mac=tenancy.mac_of(db.keys, entry.hash))


def test_every_column_of_a_row_is_held(db: Database) -> None:
    write_deeds(db, 3)
    columns = [*(name for name in FIELDS if name != "number"), "hash", "mac"]
    nullable = ["mac", "company_id", "lot_id", "reason", "old_values", "new_values"]
    changes = [(each, other_value(db, each)) for each in columns] + [(each, "NULL") for each in nullable]
    chain = all_entries(db)
    with unlocked(db):
        for column, value in changes:
            sql(db, f"UPDATE audit_entry SET {column} = {value} WHERE number = 2")
            fault = Fault.FORGED if column == "mac" else Fault.CHANGED
            assert (fault, 2, 2) in faults(db), (column, value)
            sql(db, "DELETE FROM audit_entry WHERE number = 2")
            db.write_now(put(chain[1]), by=SYSTEM)
    assert faults(db) == []


def test_a_row_that_was_moved_deleted_or_swapped_is_named(db: Database) -> None:
    write_deeds(db, 6)
    carried = head(db)
    with unlocked(db):
        sql(db, "DELETE FROM audit_entry WHERE number IN (2, 3)")
        assert faults(db, carried) == [(Fault.GAP, 2, 3)]
        sql(db, "UPDATE audit_entry SET number = 3 WHERE number = 4")
        assert faults(db) == [(Fault.GAP, 2, 2), (Fault.CHANGED, 3, 3), (Fault.GAP, 4, 4)]
        sql(db, "UPDATE audit_entry SET number = 4 WHERE number = 3", "DELETE FROM audit_entry WHERE number = 1")
        assert faults(db) == [(Fault.GAP, 1, 3)]
        swap = (
            "SET number = 99 WHERE number = 4",
            "SET number = 4 WHERE number = 5",
            "SET number = 5 WHERE number = 99",
        )
        sql(db, *(f"UPDATE audit_entry {each}" for each in swap))
        found = faults(db)
        assert {(Fault.CHANGED, 4, 4), (Fault.CHANGED, 5, 5), (Fault.BROKEN, 6, 6)} <= set(found)


def test_a_cut_at_the_end_shows_against_a_head_that_was_carried_away(db: Database) -> None:
    write_deeds(db, 5)
    carried = head(db)
    write_deeds(db, 1)
    with unlocked(db):
        sql(db, "DELETE FROM audit_entry WHERE number > 3")
    assert faults(db) == []  # nobody can know without
    assert faults(db, carried) == [(Fault.CUT, 4, 5)]
    write_deeds(db, 4)  # the gap is filled with what never happened
    assert faults(db) == []
    assert faults(db, carried) == [(Fault.REWRITTEN, 5, 5)]


def forged_after(chain: list[Entry], place: int) -> list[Entry]:
    """Return a history in which one entry says something else and everything after it was hashed anew."""
    forged = [sealed(replace(chain[place], subject="somebody else"))]
    for entry in chain[place + 1 :]:
        forged.append(sealed(replace(entry, previous=forged[-1].hash)))
    return forged


def test_an_entry_that_was_put_in_or_a_history_hashed_anew_is_found(db: Database) -> None:
    """Also when whoever did it had the key file, as long as a head was carried away."""
    write_deeds(db, 4)
    carried = head(db)
    chain = all_entries(db)
    follows = [keyed(db, each) for each in forged_after(chain, 1)]
    with unlocked(db):
        sql(db, "DELETE FROM audit_entry WHERE number = 2")
        db.write_now(put(follows[0]), by=SYSTEM)
        assert faults(db) == [(Fault.BROKEN, 3, 3)]
        sql(db, "DELETE FROM audit_entry WHERE number > 1")
        db.write_now(put(*follows), by=SYSTEM)
        assert faults(db) == []
        assert faults(db, carried) == [(Fault.REWRITTEN, 4, 4)]
        db.write_now(put(keyed(db, sealed(replace(chain[0], number=-3, previous=GENESIS)))), by=SYSTEM)
        assert (Fault.ORDER, -3, -3) in faults(db)


def without_keys(entry: Entry) -> Entry:
    return sealed(replace(entry, mac=None))


def copied_mac(entry: Entry) -> Entry:
    return sealed(entry)


@pytest.mark.parametrize("forge", [without_keys, copied_mac])
def test_who_owns_the_database_alone_forges_nothing(db: Database, forge: Callable[[Entry], Entry]) -> None:
    """An entry after the end, in the place of another, or a whole history: none has the keyed hash."""
    write_deeds(db, 3)
    chain = all_entries(db)
    after = forge(replace(chain[2], number=4, previous=chain[2].hash, reason="never"))
    with unlocked(db):
        db.write_now(put(after), by=SYSTEM)
        assert faults(db) == [(Fault.FORGED, 4, 4)]
        sql(db, "DELETE FROM audit_entry WHERE number IN (2, 3, 4)")
        anew = [forge(each) for each in forged_after(chain, 1)]
        db.write_now(put(*anew), by=SYSTEM)
        assert faults(db) == [(Fault.FORGED, 2, 2), (Fault.FORGED, 3, 3)]


def test_entries_from_before_keyed_hashes_are_counted(db: Database) -> None:
    write_deeds(db, 3)
    chain = all_entries(db)
    with unlocked(db):
        sql(db, "DELETE FROM audit_entry WHERE number < 3")
        db.write_now(put(*(replace(each, mac=None) for each in chain[:2])), by=SYSTEM)
        assert faults(db) == []
        assert walked(db, []).unkeyed == 2


OTHER_MAC = "SELECT mac FROM (SELECT mac FROM audit_entry WHERE number = 1) AS other"
TAMPERINGS: dict[str, tuple[tuple[str, ...], list[tuple[Fault, int, int]]]] = {
    "the first is deleted": (("DELETE FROM audit_entry WHERE number = 1",), [(Fault.GAP, 1, 1)]),
    "one in the middle is deleted": (("DELETE FROM audit_entry WHERE number = 3",), [(Fault.GAP, 3, 3)]),
    "the last is deleted": (("DELETE FROM audit_entry WHERE number = 5",), [(Fault.CUT, 5, 5)]),
    "all are deleted": (("DELETE FROM audit_entry",), [(Fault.CUT, 1, 5)]),
    "two are swapped": (
        ("UPDATE audit_entry SET number = 99 WHERE number = 2", "UPDATE audit_entry SET number = 2 WHERE number = 3",
         "UPDATE audit_entry SET number = 3 WHERE number = 99"),
        [(Fault.BROKEN, 2, 2), (Fault.CHANGED, 2, 2), (Fault.BROKEN, 3, 3), (Fault.CHANGED, 3, 3),
         (Fault.BROKEN, 4, 4)],
    ),
    "the last is renumbered": (
        ("UPDATE audit_entry SET number = 6 WHERE number = 5",), [(Fault.GAP, 5, 5), (Fault.CHANGED, 6, 6)],
    ),
    "a keyed hash is copied": (
        (f"UPDATE audit_entry SET mac = ({OTHER_MAC}) WHERE number = 4",),
        [(Fault.FORGED, 4, 4)],
    ),
    "one is refused instead of done": (
        ("UPDATE audit_entry SET outcome = 'refused' WHERE number = 4",), [(Fault.CHANGED, 4, 4)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERINGS)
def test_what_a_hand_did_is_named(db: Database, case: str) -> None:
    statements, expected = TAMPERINGS[case]
    write_deeds(db, 5)
    carried = head(db)
    assert faults(db, carried) == []
    with unlocked(db):
        sql(db, *statements)
        assert faults(db, carried) == expected


def test_a_value_that_no_entry_can_hold_is_named_and_the_rest_still_read(db: Database) -> None:
    if db.kind != "sqlite":
        pytest.skip("only SQLite puts any value into any column")
    write_deeds(db, 3)
    with unlocked(db):
        sql(db, "UPDATE audit_entry SET company_id = 'text' WHERE number = 2")
        assert faults(db) == [(Fault.UNREADABLE, 2, 2)]
        sql(db, "UPDATE audit_entry SET company_id = NULL, deed = X'00ff' WHERE number = 2")
        assert faults(db) == [(Fault.CHANGED, 2, 2)]


def test_a_long_chain_is_read_in_pages(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE_MAX", 3)
    write_deeds(db, 7)
    assert faults(db, head(db)) == []
    with unlocked(db):
        sql(db, "UPDATE audit_entry SET deed = 'x' WHERE number = 6")
    assert faults(db) == [(Fault.CHANGED, 6, 6)]


# -- heads -------------------------------------------------------------------------------------------------------------


def test_a_head_is_believed_only_when_this_installation_gave_it(db: Database) -> None:
    write_deeds(db, 2)
    signed = read(db, tenancy.audit_head)
    assert (signed.head.number, signed.head.at) == (2, MACHINE_START)
    assert read(db, tenancy.check_head, signed=signed) == signed.head
    for forged in (
        replace(signed, head=replace(signed.head, number=1)), replace(signed, head=replace(signed.head, hash=GENESIS)),
        replace(signed, mac="0" * 64),
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            read(db, tenancy.check_head, signed=forged)
        assert caught.value.code == "audit.head_forged"
    with pytest.raises(Refused) as caught:
        read(db, tenancy.check_head, signed=replace(signed, key="0" * 16))
    assert caught.value.code == "audit.head_other_key"


def test_an_empty_chain_has_a_head_too(db: Database) -> None:
    assert (head(db).number, head(db).hash) == (0, GENESIS)
    assert faults(db, head(db)) == []


# -- reading -----------------------------------------------------------------------------------------------------------


def test_auditors_see_what_lies_in_their_scope(db: Database, machine: ManualClock) -> None:
    write_deeds(db, 2)
    machine.advance(1_000_000)
    other = deed(3, company=OTHER_COMPANY, lot=None, deed="role.changed")
    db.write_now(lambda unit: tenancy.record(unit, other), by=SYSTEM)
    db.write_now(lambda unit: tenancy.record(unit, deed(4, company=None, lot=None)), by=SYSTEM)
    auditor = Caller(Actor(ActorKind.PERSON, "a"), of_company(COMPANY).scope, frozenset({"audit.read"}))
    assert [entry.number for entry in all_entries(db, by=auditor)] == [1, 2]
    assert [entry.number for entry in all_entries(db)] == [1, 2, 3, 4]
    for wanted, numbers in (
        ({"actor": "operator"}, [1, 2]), ({"deed": "role.changed"}, [3]), ({"subject": "account-2"}, [2]),
        ({"since": MACHINE_START + 1}, [3, 4]), ({"until": MACHINE_START + 1, "subject": "account-1"}, [1]),
        ({"outcome": "refused"}, []), ({"outcome": "done", "deed": "account.closed", "actor": "test"}, [4]),
    ):  # fmt: skip
        assert [entry.number for entry in all_entries(db, **wanted)] == numbers, wanted
    page = read(db, audit.entries, wanted=audit.Wanted(), below=4, limit=2)
    assert [entry.number for entry in page] == [3, 2]
    nobody = Caller(Actor(ActorKind.PERSON, "b"), EVERYTHING, frozenset({"lot.read"}))
    with pytest.raises(Denied):
        all_entries(db, by=nobody)
    of_a_part = Caller(auditor.actor, auditor.scope, frozenset({"audit.export"}))
    for by in (auditor, of_a_part):
        with pytest.raises(Denied):
            read(db, tenancy.audit_head, by=by)


# -- what the log and the edge tell ------------------------------------------------------------------------------------


def test_deeds_of_the_log_are_written_once_however_often_the_consumer_starts(db: Database) -> None:
    lot = mall(db)
    person = Caller(Actor(ActorKind.PERSON, "manager", "192.0.2.9"), EVERYTHING, tenancy.PERMISSIONS)

    async def main() -> None:
        for state in (LotState.FULL, LotState.OPEN):
            async with following(db) as tail, running(ConsumerRunner(db, tail, audit_consumer()).run()):
                change = partial(facility.change_state, lot=lot, state=state, reason="洪水，联系13812345678")
                await db.write(change, by=person)
                await until(lambda wanted=state: _changed(db)[-1:] == [f'{{"state":"{wanted.value}"}}'])
        async with (
            following(db) as tail,
            running(*(ConsumerRunner(db, tail, audit_consumer()).run() for _ in range(2))),
        ):
            await asyncio.sleep(0.1)

    asyncio.run(main())
    assert _changed(db) == ['{"state":"full"}', '{"state":"open"}']
    entry = all_entries(db, deed="lot.state_changed")[0]
    assert (entry.actor_name, entry.address, entry.subject) == ("manager", "192.0.2.9", str(lot))
    assert (entry.old_values, entry.reason, entry.lot_id) == ('{"state":"open"}', "洪水，联系138****5678", lot)
    assert entry.cause is not None
    assert len(all_entries(db, deed="lot.configured")) == 1
    assert faults(db) == []


def _changed(db: Database) -> list[str | None]:
    return [entry.new_values for entry in all_entries(db, deed="lot.state_changed")]


REFUSAL = Refusal("person", "account-7", "192.0.2.7", "POST", "/v1/lots/{lot}/state", 403, "auth.denied")


def test_refusals_are_counted_bounded_and_written(db: Database) -> None:
    refusals = Refusals(db)
    for _ in range(3):
        refusals.note(REFUSAL)
    for number in range(WAITING_MAX + 4):
        refusals.note(replace(REFUSAL, address=f"2001:db8::{number:x}"))
    asyncio.run(refusals.flush())
    asyncio.run(refusals.flush())  # nothing is left
    found = all_entries(db)
    assert len(found) == WAITING_MAX + 1
    assert (found[0].deed, found[0].outcome, found[0].subject, found[0].reason) == (
        "request.refused", "refused", "POST /v1/lots/{lot}/state", "auth.denied",
    )  # fmt: skip
    assert (found[0].actor_name, found[0].address, found[0].new_values) == (
        "account-7", "192.0.2.7", '{"status":403,"times":3}',
    )  # fmt: skip
    assert (found[-1].deed, found[-1].new_values) == ("request.refusals_lost", '{"times":5}')
    assert faults(db) == []


def test_what_a_busy_database_does_not_take_waits_on(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = Refusals(db)
    refusals.note(REFUSAL)

    async def busy(*_: Any, **__: Any) -> None:
        raise Overloaded("queue.full", queue="background")

    with monkeypatch.context() as patch:
        patch.setattr(db, "write", busy)
        asyncio.run(refusals.flush())
    refusals.note(REFUSAL)
    asyncio.run(refusals.flush())
    assert [entry.new_values for entry in all_entries(db)] == ['{"status":403,"times":2}']


def test_people_cannot_write_what_only_the_edge_and_the_log_do(db: Database) -> None:
    with pytest.raises(Denied):
        write(db, audit.record_refusals, by=GUARD, refusals=[(REFUSAL, 1)], lost=0)
    assert all_entries(db) == []
