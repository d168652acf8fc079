"""Plates that accounts call their own: bound, proven at a lane or by a licence, moved, let go, forgotten."""

import threading
from functools import partial
from typing import Any

import pytest

from openberth.contexts import tenancy
from openberth.contexts.payments import BillState
from openberth.contexts.stays import KEEPERS
from openberth.contexts.stays.service import mine
from openberth.contexts.stays.service.presence import prove_by_presence
from openberth.contexts.tenancy.model.own_plates import OwnPlate, Proof
from openberth.contexts.tenancy.service import forgetting, notices, own_plates, people, signing_in
from openberth.contexts.tenancy.service.sessions import digest_of
from openberth.infra import vault
from openberth.infra.database import Database
from openberth.infra.vault import VaultKind
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, NotFound, Problem, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.plates import Plate
from tests.service.acting import COMPANY, events, of_company, read, write
from tests.service.databases import ONCE
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.service.tenancy.test_accounts import PHONE

BY = Caller(Actor(ActorKind.PERSON, str(Id(int=7))), EVERYTHING, tenancy.PERMISSIONS)


def sign_in(db: Database, name: str) -> Id:
    outcome = write(
        db, signing_in.sign_in_driver, openid=f"app:{name}", phone=None, device=PHONE, refresh=digest_of(name)
    )
    assert outcome.session is not None
    return outcome.session.account


def own(account: Id) -> Caller:
    return Caller(Actor(ActorKind.PERSON, str(account)), EVERYTHING, frozenset())


def bind(db: Database, account: Id, plate: str = CAR) -> OwnPlate:
    return write(db, own_plates.bind, by=own(account), account=account, plate=Plate.read(plate))


def stand(street: Street, account: Id, bound: OwnPlate, lane: str = "out-1") -> OwnPlate:
    return write(
        street.db, prove_by_presence, by=own(account), account=account, own_plate=bound.id, lot=street.lot,
        lane=street.ids[lane],
    )  # fmt: skip


def by_licence(db: Database, bound: OwnPlate, plate: str = CAR, **params: Any) -> OwnPlate:
    given: dict[str, Any] = {"reason": "行驶证", "moves": False, "by": BY} | params
    return write(db, own_plates.prove_by_licence, own_plate=bound.id, plate=Plate.read(plate), **given)


def told(db: Database, account: Id) -> list[str]:
    found = read(db, notices.notices_of, account=account, before=BEYOND_ALL, limit=50)
    return [each.kind for each in found]


@pytest.fixture
def waiting(street: Street) -> Street:
    street.arrive("in-1", CAR)
    street.pass_minutes(120)
    street.arrive("out-1", CAR)
    return street


def test_a_plate_is_bound_once_and_let_go_with_its_value(street: Street) -> None:
    one, other = sign_in(street.db, "one"), sign_in(street.db, "other")
    bound = bind(street.db, one)
    assert bind(street.db, one) == bound
    bind(street.db, other)
    with pytest.raises(NotFound, match=r"own_plate\.not_found"):
        write(street.db, own_plates.unbind, by=own(other), account=other, own_plate=bound.id)
    write(street.db, own_plates.unbind, by=own(one), account=one, own_plate=bound.id)
    assert read(street.db, own_plates.own_plates, account=one) == []
    assert read(street.db, vault.find, kind=VaultKind.OWN_PLATE, text=CAR) is not None, "somebody else has it"
    [left] = read(street.db, own_plates.own_plates, account=other)
    write(street.db, own_plates.unbind, by=own(other), account=other, own_plate=left.id)
    assert read(street.db, vault.find, kind=VaultKind.OWN_PLATE, text=CAR) is None
    kinds = ("tenancy.plate_bound", "tenancy.plate_unbound")
    assert [each.kind for each in events(street.db, *kinds)] == [kinds[0], kinds[0], kinds[1], kinds[1]]
    assert CAR not in str([each.body for each in events(street.db)])


@ONCE
def test_so_many_plates_and_no_more(street: Street) -> None:
    account = sign_in(street.db, "one")
    for number in range(5):
        bind(street.db, account, f"粤B0000{number}")
    with pytest.raises(Refused, match=r"own_plate\.too_many"):
        bind(street.db, account)
    bind(street.db, account, "粤B00000")
    with pytest.raises(Denied):
        write(street.db, own_plates.bind, by=own(Id(int=1)), account=account, plate=Plate.read(CAR))


def test_who_stands_at_the_lane_has_proven_its_plate(waiting: Street) -> None:
    account = sign_in(waiting.db, "one")
    bound, other = bind(waiting.db, account), bind(waiting.db, account, OTHER_CAR)
    assert read(waiting.db, own_plates.sights, account=account) == []
    for wrong, lane in ((other, "out-1"), (bound, "out-2"), (bound, "in-1")):
        with pytest.raises(Refused, match=r"own_plate\.not_here"):
            stand(waiting, account, wrong, lane)
    proven = stand(waiting, account, bound)
    assert (proven.proof, proven.sees_from) == (Proof.PRESENCE, waiting.business.now())
    [seen] = read(waiting.db, own_plates.sights, account=account)
    assert (seen.plate, seen.text, seen.since) == (waiting.inside()[0].plate_id, CAR, waiting.business.now())
    assert stand(waiting, account, bound) == proven
    assert told(waiting.db, account) == ["plate_verified"]
    waiting.pay_cash("out-1")
    late = sign_in(waiting.db, "two")
    with pytest.raises(Refused, match=r"own_plate\.not_here"):
        stand(waiting, late, bind(waiting.db, late))


def test_standing_at_a_lane_once_shows_that_visit_alone_and_twice_all_of_them(waiting: Street) -> None:
    account = sign_in(waiting.db, "one")
    bound = bind(waiting.db, account)
    stand(waiting, account, bound)
    first = waiting.inside()[0].id
    assert [each.id for each in read(waiting.db, mine.inside_now, account=account)] == [first]
    waiting.pay_cash("out-1")
    waiting.pass_minutes(60)
    waiting.arrive("in-1", CAR)
    assert read(waiting.db, mine.inside_now, account=account) == []
    assert [each.id for each in visits(waiting, account)] == [first]
    with pytest.raises(NotFound):
        read(waiting.db, mine.visit, account=account, stay=waiting.inside()[0].id)
    person = read(waiting.db, people.of_account, account=account)[0]
    assert read(waiting.db, forgetting.about, person=person, keepers=KEEPERS).since == {}, "it takes nothing along"
    waiting.pass_minutes(120)
    waiting.arrive("out-1", CAR)
    proven = stand(waiting, account, bound)
    assert (proven.sees_until, proven.verified_at is not None) == (None, True)
    second = waiting.inside()[0].id
    assert [each.id for each in read(waiting.db, mine.inside_now, account=account)] == [second]
    waiting.pay_cash("out-1")
    assert [each.id for each in visits(waiting, account)] == [second, first]


@ONCE
def test_a_licence_shows_all_of_them_at_once(waiting: Street) -> None:
    account = sign_in(waiting.db, "one")
    bound = bind(waiting.db, account)
    assert stand(waiting, account, bound).sees_until is not None
    assert by_licence(waiting.db, bound).sees_until is None


def visits(street: Street, account: Id) -> list[mine.OwnStay]:
    return read(street.db, mine.visits, account=account, before=BEYOND_ALL, limit=50)


def test_a_bill_of_a_merely_bound_plate_tells_nothing_of_the_car(waiting: Street) -> None:
    """Whoever knows a plate may pay for it; where its car stands and what its barrier does is told to its own."""
    stranger, owner = sign_in(waiting.db, "stranger"), sign_in(waiting.db, "owner")
    bind(waiting.db, stranger)
    stand(waiting, owner, bind(waiting.db, owner))
    bill = waiting.bill_at("out-1").id
    seen = partial(read, waiting.db, mine.own_bill, bill=bill)
    assert (seen(account=stranger).at_lane, seen(account=owner).at_lane) == (False, True)
    waiting.pay_cash("out-1")
    paid, own_one = seen(account=stranger), seen(account=owner)
    assert (paid.bill.state, paid.at_lane, paid.barrier, list(paid.receipts)) == (BillState.SETTLED, False, None, [])
    assert own_one.barrier is not None
    assert len(own_one.receipts) == 1


@ONCE
def test_a_car_that_a_lane_has_kept_for_long_proves_nothing(waiting: Street) -> None:
    account = sign_in(waiting.db, "one")
    bound = bind(waiting.db, account)
    waiting.pass_minutes(31)
    with pytest.raises(Refused, match=r"own_plate\.not_here"):
        stand(waiting, account, bound)


@ONCE
def test_a_proven_plate_moves_by_the_licence_alone(waiting: Street) -> None:
    db = waiting.db
    one, other = sign_in(db, "one"), sign_in(db, "other")
    first, second = bind(db, one), bind(db, other)
    stand(waiting, one, first)
    with pytest.raises(Refused, match=r"own_plate\.held"):
        stand(waiting, other, second)
    with pytest.raises(Refused, match=r"own_plate\.held"):
        by_licence(db, second)
    with pytest.raises(NotFound, match=r"own_plate\.not_found"):
        by_licence(db, second, OTHER_CAR, moves=True)
    with pytest.raises(Denied, match=r"own_plate\.self"):
        by_licence(db, second, moves=True, by=Caller(own(other).actor, EVERYTHING, tenancy.PERMISSIONS))
    with pytest.raises(Denied, match=r"auth\.denied"):
        by_licence(db, second, by=own(Id(int=8)))
    with pytest.raises(Denied, match=r"auth\.out_of_scope"):
        by_licence(db, second, moves=True, by=of_company(COMPANY))
    assert by_licence(db, second, moves=True).proof is Proof.LICENCE
    [still] = read(db, own_plates.own_plates, account=one)
    assert not still.is_verified
    assert (told(db, one), told(db, other)) == (["plate_moved", "plate_verified"], ["plate_verified"])
    moved = events(db, "tenancy.plate_verified")[-1].body
    assert (moved["account"], moved["taken_from"], moved["reason"]) == (str(other), str(one), "行驶证")


def test_two_accounts_at_once_do_not_both_prove_a_plate(waiting: Street) -> None:
    accounts = [sign_in(waiting.db, f"n{number}") for number in range(4)]
    bound = [bind(waiting.db, each) for each in accounts]
    outcomes: list[str] = []

    def go(number: int) -> None:
        try:
            stand(waiting, accounts[number], bound[number])
            outcomes.append("proven")
        except Problem as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=partial(go, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["own_plate.held"] * 3 + ["proven"]


@ONCE
def test_who_takes_its_data_along_sees_visits_from_the_proof_on_and_is_forgotten_with_its_plates(
    waiting: Street,
) -> None:
    db, account = waiting.db, sign_in(waiting.db, "one")
    waiting.pay_cash("out-1")  # somebody else's visit: it ended before
    waiting.pass_minutes(5)
    waiting.arrive("in-1", CAR)
    waiting.pass_minutes(120)
    waiting.arrive("out-1", CAR)
    by_licence(db, bind(db, account))
    shown = write(db, forgetting.export_own, by=own(account), account=account, keepers=KEEPERS)
    assert [(each["plate"], each["proof"]) for each in shown["plates"]] == [(CAR, "licence")]
    assert [each["left_at"] for each in shown["stays"]] == [None]
    with pytest.raises(Refused, match=r"person\.hindered"):
        write(db, forgetting.erase_own, by=own(account), account=account, keepers=KEEPERS)
    waiting.pay_cash("out-1")
    write(db, forgetting.erase_own, by=own(account), account=account, keepers=KEEPERS)
    assert read(db, own_plates.own_plates, account=account) == []
    assert read(db, vault.find, kind=VaultKind.OWN_PLATE, text=CAR) is None
    stranger = sign_in(db, "two")
    bind(db, stranger)
    shown = write(db, forgetting.export_own, by=own(stranger), account=stranger, keepers=KEEPERS)
    assert (shown["stays"], [each["proof"] for each in shown["plates"]]) == ([], [None])
