"""Showing somebody what is held about it, and forgetting it: hindered, done, what the law keeps, and its end."""

import json
from typing import Any

import pytest

from openberth.contexts import payments, permits, tenancy
from openberth.contexts.permits.model import ALWAYS, Permit, PermitKind
from openberth.contexts.permits.service.granting import set_holder
from openberth.contexts.stays import KEEPERS
from openberth.contexts.stays.service.e_receipts import payers_receipt, stay_receipt
from openberth.contexts.tenancy.model.accounts import AccountState
from openberth.contexts.tenancy.model.holding import RETAINED, YEAR_US
from openberth.contexts.tenancy.model.organisation import NodeState
from openberth.contexts.tenancy.model.people import Evidence, Field, Values
from openberth.contexts.tenancy.service import accounts, forgetting, people, sessions, signing_in
from openberth.contexts.tenancy.service.sessions import digest_of
from openberth.contexts.tenancy.store.companies import INSERT_COMPANY
from openberth.infra import vault
from openberth.infra.database import Database
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US
from openberth.migrations.tables import metadata
from tests.service.acting import COMPANY, events, read, receipts_in, write
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.service.tenancy.test_accounts import PHONE

NAME, TEL, NUMBER = "甲乙丙", "+8613800138000", "11010519491231002X"
BY = Caller(Actor(ActorKind.PERSON, "operator"), EVERYTHING, tenancy.PERMISSIONS)


@pytest.fixture
def driver(street: Street) -> Id:
    """Somebody with an account, a verified identity and a permit for its car."""
    outcome = write(
        street.db, signing_in.sign_in_driver, openid="app:one", phone=TEL, device=PHONE, refresh=digest_of("r")
    )  # fmt: skip
    assert outcome.session is not None
    account = outcome.session.account
    for number in (NUMBER, None):
        write(
            street.db, people.reverify, by=BY, person_id=account, values=Values(name=NAME, identity=number),
            evidence=Evidence.IDENTITY_CARD, reason="showed it",
        )  # fmt: skip
    wanted = [
        Permit("p-1", Plate.read(CAR), PermitKind.RESIDENT, ALWAYS),
        Permit("p-2", Plate.read(OTHER_CAR), PermitKind.RESIDENT, ALWAYS),
    ]
    write(street.db, permits.apply_permits, company=COMPANY, lot=street.lot, permits=wanted)
    hold(street, "p-1", account)
    return account


def hold(street: Street, code: str, holder: Id | None) -> None:
    write(
        street.db, set_holder, by=BY, company=COMPANY, lot=street.lot, code=code, holder=holder
    )  # fmt: skip


def own(account: Id) -> Caller:
    return Caller(Actor(ActorKind.PERSON, str(account)), EVERYTHING, frozenset())


def erase(street: Street, person: Id) -> Any:
    return write(street.db, forgetting.erase, by=BY, person_id=person, keepers=KEEPERS, reason="asked for it")


def is_kept(db: Database, kind: VaultKind, text: str) -> bool:
    return db.read_now(lambda reader: vault.find(reader, kind, text), by=BY) is not None


def paid_visit(street: Street) -> None:
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(120)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")


def test_somebody_sees_everything_of_itself_in_clear(street: Street, driver: Id) -> None:
    street.arrive("in-1", CAR)
    shown = write(street.db, forgetting.export_own, by=own(driver), account=driver, keepers=KEEPERS)
    assert (shown["person"]["name"], shown["person"]["phone"], shown["person"]["identity"]) == (NAME, TEL, NUMBER)
    assert [each["plate"] for each in shown["permits"]] == [CAR]
    assert [each["plate"] for each in shown["stays"]] == [CAR]
    assert shown["account"]["sessions"]
    json.dumps(shown)
    with pytest.raises(Denied):
        write(street.db, forgetting.export_own, by=own(Id(int=1)), account=driver, keepers=KEEPERS)


def test_staff_sees_it_masked_unless_it_may_unmask(street: Street, driver: Id) -> None:
    street.arrive("in-1", CAR)
    some = Caller(Actor(ActorKind.PERSON, str(Id(int=9))), EVERYTHING, frozenset(("person.export",)))
    params: dict[str, Any] = {"person_id": driver, "keepers": KEEPERS, "reason": "asked by letter"}
    masked = json.dumps(write(street.db, forgetting.export, by=some, **params), ensure_ascii=False)
    assert not [each for each in (NAME, TEL, TEL[3:], NUMBER, CAR) if each in masked]
    with pytest.raises(Denied, match=r"auth\.denied"):
        write(street.db, forgetting.export, by=some, in_clear=True, **params)
    assert NUMBER in str(write(street.db, forgetting.export, by=BY, in_clear=True, **params))
    with pytest.raises(Refused, match=r"reason\.missing"):
        write(street.db, forgetting.export, by=BY, person_id=driver, keepers=KEEPERS, reason="")


def test_nobody_is_forgotten_while_a_car_is_inside_or_money_is_open(street: Street, driver: Id) -> None:
    hold(street, "p-2", driver)
    stay = street.arrive("in-1", CAR).stay
    found = read(street.db, forgetting.hindrances, by=BY, person_id=driver, keepers=KEEPERS)
    assert [(each.kind, each.subject) for each in found] == [("car_inside", stay)]
    with pytest.raises(Refused, match=r"person\.hindered"):
        erase(street, driver)
    with pytest.raises(Refused, match=r"person\.hindered"):
        write(street.db, forgetting.erase_own, by=own(driver), account=driver, keepers=KEEPERS)
    assert is_kept(street.db, VaultKind.PHONE, TEL)


def test_who_is_forgotten_leaves_ids_behind(street: Street, driver: Id) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(5)
    street.arrive("out-1", CAR)  # free, so nobody keeps the plate
    gone = erase(street, driver)
    assert (gone["permits"], gone["plates"], gone["kept"]) == (1, 1, 0)
    for kind, text in (
        (VaultKind.NAME, NAME), (VaultKind.PHONE, TEL), (VaultKind.IDENTITY, NUMBER), (VaultKind.OPENID, "app:one"),
        (VaultKind.PLATE, CAR),
    ):  # fmt: skip
        assert not is_kept(street.db, kind, text), kind
    found = read(street.db, people.person, by=BY, person=driver)
    assert found.erased_at is not None
    assert set(read(street.db, people.shown, by=BY, found=found).values()) == {None}
    assert all(before is after is None for _, before, after in read(street.db, people.changes_of, by=BY, person=driver))
    account = read(street.db, accounts.account, by=BY, account=driver)
    assert (account.state, account.name) == (AccountState.CLOSED, None)
    assert read(street.db, sessions.open_sessions, by=BY, account=driver) == []
    assert is_kept(street.db, VaultKind.PLATE, OTHER_CAR), "of somebody else"
    with pytest.raises(Refused, match=r"person\.erased"):
        erase(street, driver)
    with pytest.raises(NotFound):
        hold(street, "p-2", driver)
    assert [event.body["kept"] for event in events(street.db, "tenancy.person_erased")] == [0]
    again = write(
        street.db, signing_in.sign_in_driver, openid=None, phone=TEL, device=PHONE, refresh=digest_of("again")
    )  # fmt: skip
    assert again.session is not None
    assert again.session.account != driver


def test_the_plate_of_a_paid_stay_is_kept_for_its_years_and_then_goes(street: Street, driver: Id) -> None:
    write(street.db, permits.apply_permits, company=COMPANY, lot=street.lot, permits=[
        Permit("p-1", Plate.read(CAR), PermitKind.RESIDENT, ALWAYS),
    ])  # fmt: skip
    hold(street, "p-2", driver)  # its permit is over, its visits are paid
    paid_visit(street)
    assert erase(street, driver)["kept"] == 1
    assert is_kept(street.db, VaultKind.PLATE, OTHER_CAR)
    assert not is_kept(street.db, VaultKind.NAME, NAME)
    years = RETAINED["stay"].years
    assert years is not None
    for wait, kept in ((years * YEAR_US - DAY_US, True), (3 * DAY_US, False)):
        street.machine.advance(wait)
        write(street.db, tenancy.let_go_of_kept, keepers=KEEPERS)
        assert is_kept(street.db, VaultKind.PLATE, OTHER_CAR) is kept


def test_links_to_the_receipts_of_the_forgotten_lead_nowhere(street: Street, driver: Id) -> None:
    """The plate is kept for the law, which is no reason to show it; what its car pays later is somebody's own."""
    write(street.db, permits.apply_permits, company=COMPANY, lot=street.lot, permits=[
        Permit("p-1", Plate.read(CAR), PermitKind.RESIDENT, ALWAYS),
    ])  # fmt: skip
    hold(street, "p-2", driver)
    street.db.write_now(
        lambda unit: unit.run(
            INSERT_COMPANY, id=COMPANY, code="demo", name="演示", created_at=unit.now, partner_id=None, name_en="Demo",
            state=NodeState.ACTIVE, version=1,
        ),
        by=BY,
    )  # fmt: skip

    def latest() -> Id:
        paid_visit(street)
        return receipts_in(street.db, street.lot)[0].id

    def shown(receipt: Id) -> str | None:
        found = read(street.db, payers_receipt, by=BY, kind=payments.LinkKind.RECEIPT, named=receipt)
        assert found.visit is not None
        return str(found.visit.plate)

    before = latest()
    assert shown(before) == Plate.read(OTHER_CAR).masked
    assert erase(street, driver)["kept"] == 1
    with pytest.raises(NotFound, match=r"e_receipt\.not_found"):
        shown(before)
    assert read(street.db, stay_receipt, by=BY, receipt=before).visit is not None, "the books are kept"
    street.pass_minutes(5)
    assert shown(latest()) == Plate.read(OTHER_CAR).masked


def test_a_plate_that_somebody_else_holds_stays(street: Street, driver: Id) -> None:
    wanted = [Permit("p-1", Plate.read(CAR), PermitKind.RESIDENT, ALWAYS)]
    other = write(street.db, permits.apply_permits, company=COMPANY, lot=street.lot, permits=[
        *wanted, Permit("p-2", Plate.read(OTHER_CAR), PermitKind.RESIDENT, ALWAYS),
    ])  # fmt: skip
    assert not other
    partner = write(street.db, people.register, by=BY, company=COMPANY, values=Values(name=NAME))
    hold(street, "p-1", partner.id)
    erase(street, partner.id)
    assert not is_kept(street.db, VaultKind.PLATE, CAR)
    assert is_kept(street.db, VaultKind.NAME, NAME), "two people of one name"
    assert (
        read(street.db, people.shown, by=BY, found=read(street.db, people.person, by=BY, person=driver))[Field.NAME]
        == "甲**"
    )


def test_staff_is_forgotten_by_its_employer_only(street: Street) -> None:
    from tests.service.tenancy.test_accounts import made

    desk = made(street.db, "desk-1")
    with pytest.raises(Refused, match=r"person\.staff"):
        write(street.db, forgetting.erase_own, by=own(desk.id), account=desk.id, keepers=KEEPERS)
    erase(street, desk.id)
    assert read(street.db, accounts.account, by=BY, account=desk.id).login is None
    with pytest.raises(Denied):
        write(
            street.db, forgetting.erase, by=own(desk.id), person_id=desk.id, keepers=KEEPERS, reason="x"
        )  # fmt: skip


def test_retention_names_tables_that_there_are() -> None:
    assert set(RETAINED) <= set(metadata.tables)
    assert all(each.law for each in RETAINED.values())
