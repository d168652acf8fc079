"""People: unverified and verified fields, the one way to change those, history, notices, consents, unmasking."""

import itertools
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, update

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import AccountKind
from openberth.contexts.tenancy.model.people import Channel, Evidence, Field, How, Person, Purpose, Values
from openberth.contexts.tenancy.service import accounts, consents, notices, people, sessions, signing_in, unmasking
from openberth.contexts.tenancy.service.audit import Wanted, entries
from openberth.contexts.tenancy.service.sessions import digest_of
from openberth.contexts.tenancy.store.people import consent
from openberth.infra import vault
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit, Write
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.persons import Phone
from openberth.kernel.time import HOUR_US
from tests.service.acting import events, read, write
from tests.service.tenancy.test_accounts import PHONE, company, made, person

NUMBERS = itertools.count()
NAME, OTHER_NAME = "甲乙丙", "丁戊"
TEL, OTHER_TEL = "+8613800138000", "+8613900139000"
NUMBER = "11010519491231002X"  # the example of GB 11643-1999


def by_staff(*permissions: str, company: Id | None = None, name: Id | None = None) -> Caller:
    """Return somebody of the staff with some permissions."""
    return Caller(Actor(ActorKind.PERSON, str(name or Id(int=7))), Scope(company), frozenset(permissions))


def holder(db: Database, company_id: Id | None = None, **values: str) -> Person:
    return write(
        db, people.register, by=by_staff("person.write", company=company_id), company=company_id,
        values=Values(**({"name": NAME, "phone": TEL} | values)),
    )  # fmt: skip


def reverified(db: Database, found: Person, **values: str) -> Person:
    return write(
        db, people.reverify, by=by_staff("person.reverify"), person_id=found.id, values=Values(**values),
        evidence=Evidence.IDENTITY_CARD, reason="showed the card",
    )  # fmt: skip


def driver(db: Database, phone: str | None = TEL, openid: str | None = None) -> Id:
    outcome = write(
        db, signing_in.sign_in_driver, openid=openid, phone=phone, device=PHONE,
        refresh=digest_of(f"refresh {next(NUMBERS)}"),
    )  # fmt: skip
    assert outcome.session is not None
    return outcome.session.account


def its_own(account: Id) -> Caller:
    return Caller(Actor(ActorKind.PERSON, str(account)), EVERYTHING, frozenset())


def trail(db: Database, deed: str) -> list[Any]:
    return read(
        db, entries, by=by_staff("audit.read"), wanted=Wanted(deed=deed), below=None, limit=100
    )  # fmt: skip


def in_vault(db: Database, kind: VaultKind, text: str) -> bool:
    return db.read_now(lambda reader: vault.find(reader, kind, text), by=by_staff()) is not None


def test_everybody_with_an_account_is_a_person(db: Database) -> None:
    desk = made(db, "desk", company(db))
    found = read(db, people.person, person=desk.id)
    assert (found.account, found.company, found.is_verified) == (desk.id, desk.company, False)
    came = driver(db)
    assert read(db, people.shown, found=read(db, people.person, person=came))[Field.PHONE] == "138****8000"
    assert [event.body["account"] for event in events(db, "tenancy.person_made")] == [str(desk.id), str(came)]


def test_what_is_not_verified_may_be_changed_and_leaves_nothing_behind(db: Database) -> None:
    found = holder(db)
    by = by_staff("person.write")
    changed = write(db, people.change, by=by, person_id=found.id, values=Values(phone=OTHER_TEL), reason="asked for it")
    assert changed.phone != found.phone
    assert not in_vault(db, VaultKind.PHONE, TEL)
    (change, before, after), *_ = read(db, people.changes_of, person=found.id)
    assert (change.how, change.old, change.new, before, after) == (How.STAFF, None, None, None, None)
    (entry,) = trail(db, "person.changed")
    assert (entry.old_values, entry.new_values) == ('{"phone":"138****8000"}', '{"phone":"139****9000"}')


def test_verified_fields_change_by_verifying_again_only(db: Database) -> None:
    found = reverified(db, holder(db), identity=NUMBER)
    assert found.is_verified
    assert found.verified_how == "identity_card"
    with pytest.raises(Refused, match=r"person\.verified"):
        write(
            db, people.change, by=by_staff("person.write"), person_id=found.id, values=Values(name=OTHER_NAME),
            reason="because",
        )  # fmt: skip
    later = reverified(db, found, name=OTHER_NAME)
    assert (later.name, later.identity) != (found.name, found.identity)
    (change, before, after), *_ = read(db, people.changes_of, person=found.id)
    assert (change.field, change.old, change.new) == (Field.NAME, found.name, later.name)
    assert (before, after, change.evidence) == ("甲**", "丁**", "identity_card")
    (entry,) = [
        each for each in trail(db, "person.reverified") if each.old_values != "{}" and "name" in each.old_values
    ]
    assert entry.old_values == '{"name":"\\u7532**"}'
    assert in_vault(db, VaultKind.NAME, NAME), "the old value is kept"


def test_nobody_verifies_itself_and_whoever_may_not_is_refused(db: Database) -> None:
    desk = made(db, "desk")
    with pytest.raises(Denied, match=r"person\.self"):
        write(
            db, people.reverify, by=by_staff("person.reverify", name=desk.id), person_id=desk.id,
            values=Values(phone=TEL), evidence=Evidence.IN_PERSON, reason="me",
        )  # fmt: skip
    with pytest.raises(Denied, match=r"auth\.denied"):
        write(
            db, people.reverify, by=by_staff("person.write"), person_id=desk.id, values=Values(phone=TEL),
            evidence=Evidence.IN_PERSON, reason="me",
        )  # fmt: skip
    with pytest.raises(Refused, match=r"reason\.missing"):
        write(
            db, people.reverify, by=by_staff("person.reverify"), person_id=desk.id, values=Values(phone=TEL),
            evidence=Evidence.IN_PERSON, reason="  ",
        )  # fmt: skip


def test_the_person_is_told_and_so_is_whoever_signs_in_with_the_old_number(db: Database) -> None:
    account = driver(db, phone=None, openid="app:one")
    found = reverified(db, read(db, people.person, person=account), name=NAME, phone=TEL)
    (told,) = read(db, notices.notices_of, by=its_own(account), account=account, before=BEYOND_ALL, limit=9)
    assert read(db, notices.params_shown, told=told) == {"fields": ("person.field.name", "person.field.phone")}
    assert TEL not in str(told.params)
    assert NAME not in str(told.params)
    write(db, notices.mark_read, by=its_own(account), account=account, notice=told.id)
    # A staff account and a driver's may name one number; the driver signs in with it.
    desk = made(db, "desk")
    reverified(db, reverified(db, read(db, people.person, person=desk.id), phone=TEL), phone=OTHER_TEL)
    assert [each.kind for each in read(
        db, notices.notices_of, by=its_own(account), account=account, before=BEYOND_ALL, limit=9
    )] == ["phone_left", "person_changed"]  # fmt: skip
    assert driver(db) == account == found.account
    assert {event.body["notice_kind"] for event in events(db, "tenancy.notice_left")} == {
        "person_changed",
        "phone_left",
    }
    with pytest.raises(NotFound, match=r"notice\.not_found"):
        write(db, notices.mark_read, by=its_own(desk.id), account=desk.id, notice=told.id)


def test_a_new_number_signs_in_and_the_old_one_does_not(db: Database) -> None:
    account = driver(db)
    reverified(db, read(db, people.person, person=account), name=NAME, phone=OTHER_TEL)
    assert driver(db, phone=OTHER_TEL) == account
    stranger = driver(db, phone=TEL)
    assert stranger != account
    with pytest.raises(Refused, match=r"person\.phone_taken"):
        reverified(db, read(db, people.person, person=account), phone=TEL)


def test_a_verified_phone_is_not_changed_by_signing_in(db: Database) -> None:
    account = driver(db, phone=TEL, openid="app:one")
    reverified(db, read(db, people.person, person=account), name=NAME)
    assert driver(db, phone=OTHER_TEL, openid="app:one") == account
    assert read(db, people.shown, found=read(db, people.person, person=account))[Field.PHONE] == "138****8000"


def test_an_unverified_phone_follows_the_code_and_nothing_else(db: Database) -> None:
    account = driver(db, phone=None, openid="app:one")
    assert driver(db, phone=TEL, openid="app:one") == account
    assert read(db, people.person, person=account).phone is not None
    for use_case, by in ((people.change_own, its_own(account)), (people.change, by_staff("person.write"))):
        params: dict[str, Any] = {"account": account} if use_case is people.change_own else {
            "person_id": account, "reason": "asked"
        }  # fmt: skip
        with pytest.raises(Refused, match=r"person\.phone_signs_in"):
            write(db, use_case, by=by, values=Values(phone=OTHER_TEL), **params)
    assert write(db, people.change_own, by=its_own(account), account=account, values=Values(name=NAME)).name
    assert read(db, accounts.account, account=account).name is not None


def test_the_phone_of_staff_signs_nobody_in(db: Database) -> None:
    desk = made(db, "desk")
    write(db, people.change_own, by=its_own(desk.id), account=desk.id, values=Values(phone=TEL))
    assert driver(db) != desk.id


def test_people_of_another_company_do_not_exist(db: Database) -> None:
    one, other = company(db), company(db, "other")
    found = holder(db, one)
    by = by_staff(*tenancy.PERMISSIONS, company=other)
    assert read(db, people.people, by=by, before=BEYOND_ALL, limit=9) == []
    assert read(db, people.find, by=by, values=Values(phone=TEL)) == []
    for use_case, params in (
        (people.reverify, {"values": Values(name=NAME), "evidence": Evidence.IN_PERSON, "reason": "x"}),
        (people.change, {"values": Values(name=NAME), "reason": "x"}),
        (people.unmask_person, {"fields": [Field.NAME], "reason": "x"}),
    ):
        with pytest.raises(NotFound, match=r"person\.not_found"):
            write(db, use_case, by=by, person_id=found.id, **params)
    with pytest.raises(Denied):
        write(db, people.register, by=by, company=one, values=Values(name=NAME))
    assert [each.id for each in read(db, people.find, by=by_staff(company=one), values=Values(phone=TEL))] == [found.id]


def test_one_value_of_two_people_goes_with_the_second(db: Database) -> None:
    one, two = holder(db), holder(db)
    by = by_staff("person.write")
    write(db, people.change, by=by, person_id=one.id, values=Values(phone=OTHER_TEL), reason="x")
    assert in_vault(db, VaultKind.PHONE, TEL)
    write(db, people.change, by=by, person_id=two.id, values=Values(phone=OTHER_TEL), reason="x")
    assert not in_vault(db, VaultKind.PHONE, TEL)


# -- unmasking ---------------------------------------------------------------------------------------------------------


def unmasked(db: Database, found: Person, by: Caller, *fields: Field) -> dict[str, str | None]:
    return write(db, people.unmask_person, by=by, person_id=found.id, fields=fields, reason="called from 13800138000")


def test_unmasking_gives_the_value_once_and_is_written_down(db: Database) -> None:
    found = holder(db)
    by = by_staff("person.unmask")
    assert unmasked(db, found, by, Field.PHONE, Field.IDENTITY) == {"phone": TEL, "identity": None}
    (entry,) = trail(db, "person.unmasked")
    assert entry.reason == "called from 138****8000"
    assert entry.new_values == '{"fields":["identity","phone"]}'
    with pytest.raises(Denied, match=r"auth\.denied"):
        unmasked(db, found, by_staff("person.read"), Field.PHONE)
    with pytest.raises(Refused, match=r"reason\.missing"):
        write(db, people.unmask_person, by=by, person_id=found.id, fields=[Field.NAME], reason=" ")
    assert len(trail(db, "person.unmasked")) == 1


def test_values_of_the_history_are_unmasked_the_same_way(db: Database) -> None:
    found = reverified(db, reverified(db, holder(db)), name=OTHER_NAME)
    change = next(each for each, *_ in read(db, people.changes_of, person=found.id) if each.field is Field.NAME)
    by = by_staff("person.unmask")
    params = {"person_id": found.id, "reason": "asked in court"}
    assert write(db, people.unmask_change, by=by, change=change.id, **params) == {"before": NAME, "after": OTHER_NAME}
    with pytest.raises(NotFound, match=r"person\.change_not_found"):
        write(db, people.unmask_change, by=by, change=Id(int=1), **params)


def test_an_account_unmasks_a_bounded_number_an_hour(db: Database, machine: ManualClock) -> None:
    found, by = holder(db), by_staff("person.unmask")
    for _ in range(unmasking.UNMASKED_PER_HOUR):
        unmasked(db, found, by, Field.NAME)
    with pytest.raises(unmasking.TooManyUnmasked):
        unmasked(db, found, by, Field.NAME)
    unmasked(db, found, by_staff("person.unmask", name=Id(int=8)), Field.NAME)  # the bound is each account's
    machine.advance(HOUR_US + 1)
    unmasked(db, found, by, Field.NAME)


# -- consents ----------------------------------------------------------------------------------------------------------


def say(db: Database, account: Id, purpose: Purpose, *, given: bool, document: str = "2026-01") -> Any:
    return write(
        db, consents.give_own, by=its_own(account), account=account, purpose=purpose, document=document, given=given,
        channel=Channel.APP,
    )  # fmt: skip


def test_consents_are_added_to_and_the_newest_holds(db: Database) -> None:
    account = driver(db)
    first = say(db, account, Purpose.PRIVACY_POLICY, given=True)
    assert say(db, account, Purpose.PRIVACY_POLICY, given=True).id == first.id
    say(db, account, Purpose.PRIVACY_POLICY, given=True, document="2026-02")
    said = read(db, consents.consents_of, person=account)
    assert [each.document for each in said] == ["2026-02", "2026-01"]
    assert consents.now_given(said)[Purpose.PRIVACY_POLICY].document == "2026-02"
    with pytest.raises(Denied):
        write(
            db, consents.write_down, by=by_staff("person.write"), person_id=account, purpose=Purpose.PHONE,
            document="1", given=True, channel=Channel.PAPER,
        )  # fmt: skip
    written = write(
        db, consents.write_down, by=by_staff("consent.write"), person_id=account, purpose=Purpose.PHONE, document="1",
        given=True, channel=Channel.PAPER,
    )  # fmt: skip
    assert written.by == str(Id(int=7))
    assert len(trail(db, "consent.recorded")) == 0, "the trail hears of it by the log"
    assert [event.body["given"] for event in events(db, "tenancy.consent_recorded")] == [True] * 3


def _run(unit: Unit, statement: Write) -> None:
    unit.run(statement)


def test_no_statement_changes_a_consent(db: Database) -> None:
    account = driver(db)
    say(db, account, Purpose.PRIVACY_POLICY, given=True)
    for statement in (Write(delete(consent)), Write(update(consent).values(document="2000"))):
        with pytest.raises(Exception, match="append-only"):
            db.write_now(partial(_run, statement=statement), by=by_staff())
    assert len(read(db, consents.consents_of, person=account)) == 1


def test_taking_a_consent_back_has_its_effect_at_once(db: Database) -> None:
    account = driver(db, openid="app:one")
    reverified(db, read(db, people.person, person=account), name=NAME, identity=NUMBER)
    say(db, account, Purpose.IDENTITY, given=False)
    found = read(db, people.person, person=account)
    assert (found.identity, found.is_verified) == (None, False)
    assert not in_vault(db, VaultKind.IDENTITY, NUMBER)
    say(db, account, Purpose.PHONE, given=False)
    assert read(db, people.person, person=account).phone is None
    assert not in_vault(db, VaultKind.PHONE, TEL)
    assert read(db, sessions.open_sessions, account=account)
    say(db, account, Purpose.PRIVACY_POLICY, given=False)
    assert read(db, sessions.open_sessions, account=account) == []


def test_a_machine_is_no_person(db: Database) -> None:
    robot = write(
        db, accounts.make_account, kind=AccountKind.INTEGRATOR, login="robot", name="robot", company=None, password=None
    )  # fmt: skip
    with pytest.raises(NotFound, match=r"person\.not_found"):
        write(db, people.change_own, by=its_own(robot.id), account=robot.id, values=Values(name=NAME))


def test_nobody_is_registered_without_anything(db: Database) -> None:
    with pytest.raises(Malformed, match=r"person\.nothing"):
        write(db, people.register, by=by_staff("person.write"), company=None, values=Values())
    assert Phone(TEL).masked == "138****8000"
    assert person(made(db, "desk"), EVERYTHING, tenancy.Role.AUDITOR).may("person.read")
