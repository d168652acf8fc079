"""A lot comes to another company with cars in it: what lives goes on there, what happened stays, nobody pays twice."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select

from openberth.contexts import facility, payments, permits, stays, tariffs, tenancy
from openberth.contexts.facility import LotState
from openberth.contexts.facility.reactions import DeviceDirectory
from openberth.contexts.payments.model import AccountCode, BillState, RefundState
from openberth.contexts.payments.service import refunds
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.store.tables import ledger_transfer
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.permits.service.granting import claim
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tenancy.model.accounts import AccountKind, Level
from openberth.contexts.tenancy.model.organisation import Company, Node
from openberth.contexts.tenancy.model.settings import PICTURES_DAYS
from openberth.contexts.tenancy.service import accounts, grants, moving, organisation, sessions, settings
from openberth.contexts.tenancy.service.sessions import Device
from openberth.contexts.tenancy.service.signing_in import sign_in_machine, standing, usable
from openberth.infra.database import Database, Query, Reader
from openberth.infra.database.moving import tables_of_lots
from openberth.infra.database.schema import OnMove
from openberth.kernel.errors import NotFound, Problem, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US
from openberth.migrations.tables import metadata
from tests.service.acting import (
    COMPANY,
    ROOT,
    SYSTEM,
    events,
    following,
    lot_file,
    of_company,
    read,
    receipts_in,
    write,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street
from tests.waiting import PATIENCE_S

CARRIERS = (facility.carry_lot, permits.carry_lot, tariffs.carry_lot, stays.carry_lot)
CARS_MAX = 2_000  # that come while it moves, however long the machine lets it wait
OBJECTIONS = (facility.refuse_closing, stays.refuse_closing, payments.refuse_closing)


def other_company(db: Database, code: str = "second") -> Company:
    return write(db, organisation.found_company, code=code, name="第二", name_en="Second")


def move(street: Street, target: Company, source: Id = COMPANY) -> None:
    write(
        street.db, moving.move_lot, lot=street.lot, code="mall", source=source, target=target.code, reason="sold",
        carriers=CARRIERS,
    )  # fmt: skip


def companies_in(db: Database) -> dict[str, set[Id]]:
    """Return which companies the rows of each table of lots belong to."""

    def query(reader: Reader) -> dict[str, set[Id]]:
        return {
            each.name: set(reader.all(Query(select(each.c[each.info["scope"][0]]), lambda found: found)))
            for each in tables_of_lots()
        }

    return db.read_now(query, by=SYSTEM)


def test_every_table_of_lots_says_what_happens_when_one_moves() -> None:
    assert metadata.tables
    for each in tables_of_lots():
        moves = each.info["moves"]
        assert moves in tuple(OnMove) or callable(moves), f"{each.name}: give it moves= (see infra/database/schema.py)"


def test_what_lives_comes_along_and_what_happened_stays(street: Street) -> None:
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(61)
    street.permit(THIRD_CAR, PermitKind.RESIDENT)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.react()
    assert len(street.closed()) == 1
    target = other_company(street.db)
    move(street, target)
    theirs, ours = of_company(target.id), of_company(COMPANY)
    assert read(street.db, facility.lot_by_id, by=theirs, lot=street.lot).company == target.id
    with pytest.raises(NotFound):
        read(street.db, facility.lot_by_id, by=ours, lot=street.lot)
    found = companies_in(street.db)
    for name in ("lot", "area", "lane", "device", "space", "open_stay", "permit", "occupancy"):
        assert found[name] == {target.id}, name
    for name in ("stay", "receipt", "bill", "ledger_transfer"):
        assert found[name] == {COMPANY}, name
    assert found["segment"] == {COMPANY}
    assert found["passage"] == {COMPANY, target.id}  # of the car that left, of the one inside
    told = {each.kind: each for each in events(street.db, "tenancy.lot_left", "tenancy.lot_came")}
    assert (told["tenancy.lot_left"].company, told["tenancy.lot_came"].company) == (COMPANY, target.id)


def test_cars_inside_go_on_and_nobody_pays_twice(street: Street) -> None:
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(61)
    street.pay_in_advance(CAR)
    street.arrive("out-1", OTHER_CAR)
    waiting = street.bill_at("out-1")
    target = other_company(street.db)
    move(street, target)
    street.company = target.id
    assert street.arrive("out-2", CAR).opens  # paid to the old company
    standing = read(street.db, payments.open_bill_of, kind=waiting.subject_kind, subject=waiting.subject_id)
    assert standing is not None
    assert (standing.company, standing.due, standing.id != waiting.id) == (target.id, waiting.left, True)
    assert read(street.db, payments.bill_by_id, bill=waiting.id).state is BillState.SUPERSEDED
    assert street.bill_at("out-1").id == standing.id
    street.pay_cash("out-1")
    assert street.inside() == []
    owed = {company: owed_to(street.db, company) for company in (COMPANY, target.id)}
    assert owed == {COMPANY: 0, target.id: 0}


def test_what_went_back_in_the_old_company_goes_back_in_no_other(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.pay_in_advance(CAR)
    [receipt] = receipts_in(street.db, street.lot)
    give = partial(write, street.db, refunds.refund, receipt=receipt.id, amount=receipt.amount, reason="wrong")
    before = give(by=of_company(COMPANY))
    if before.state is not RefundState.DONE:
        write(street.db, refunds.refund_went, refund=before.id, channel_refund="R1")
    target = other_company(street.db)
    move(street, target)
    with pytest.raises(Refused, match=r"refund\.too_much"):
        give(by=of_company(target.id))


def owed_to(db: Database, company: Id) -> int:
    """Return what the books of a company say that is owed to it."""
    ask = select(ledger_transfer.c.debit, ledger_transfer.c.credit, ledger_transfer.c.amount_minor)
    rows = db.read_now(
        lambda reader: reader.all(Query(ask, lambda debit, credit, minor: (debit, credit, minor))),
        by=of_company(company),
    )
    assert rows
    return sum(
        minor * ((debit is AccountCode.RECEIVABLE) - (credit is AccountCode.RECEIVABLE))
        for debit, credit, minor in rows
    )


def test_grants_at_the_lot_end_and_its_settings_and_tariffs_come_along(street: Street) -> None:
    target = other_company(street.db)
    desk = write(
        street.db, accounts.make_account, kind=AccountKind.PERSON, login="desk-1", name="前台一", company=COMPANY,
        password=None,
    ).id  # fmt: skip
    write(street.db, grants.give, account=desk, role="guard", level=Level.LOT, node=street.lot, company=COMPANY)
    here = Node.of_lot(COMPANY, street.lot)
    write(street.db, settings.set_setting, node=here, key=PICTURES_DAYS.code, value=33)
    before = read(street.db, tariffs.versions, company=COMPANY)
    move(street, target)
    assert read(street.db, grants.grants_of, account=desk) == []
    assert read(street.db, tenancy.setting_of, key=PICTURES_DAYS, company=target.id, lot=street.lot) == 33
    assert [each.kind for each in events(street.db, "tenancy.grant_taken")]
    after = {each.code: each for each in read(street.db, tariffs.versions, company=target.id)}
    named = {"mall"} & {each.code for each in before}
    assert named <= after.keys()
    assert all(each.tariff.company_code == target.code for each in after.values())


def test_cars_that_come_while_the_lot_moves_belong_to_one_company(street: Street) -> None:
    target = other_company(street.db)
    under_way = threading.Barrier(3)

    def arrive(lane: str, letter: str) -> int:
        """Let cars come until the gateway, which thinks that the lot is the old company's, finds none."""
        for number in range(CARS_MAX):
            if number == 3:
                under_way.wait(PATIENCE_S)
            try:
                street.arrive(lane, f"粤{letter}{number:05}")
            except NotFound:
                return number
        return CARS_MAX

    with ThreadPoolExecutor(2) as threads:
        lanes = [threads.submit(arrive, lane, letter) for lane, letter in (("in-1", "C"), ("in-2", "D"))]
        under_way.wait(PATIENCE_S)
        move(street, target)
        came = sum(each.result(60) for each in lanes)
    assert 6 <= came < 2 * CARS_MAX
    assert len(street.inside()) == min(came, 200)  # at most so many are looked at
    found = companies_in(street.db)
    for name in ("open_stay", "occupancy", "lane_state", "passage"):
        assert found[name] == {target.id}, name


def test_reasons_are_kept_without_what_belongs_to_people(street: Street) -> None:
    target = other_company(street.db)
    said = "sold by the owner of 粤B12345, 13800138000"
    write(
        street.db, moving.move_lot, lot=street.lot, code="mall", source=COMPANY, target=target.code,
        carriers=CARRIERS, reason=said,
    )  # fmt: skip
    write(street.db, organisation.make_partner, code="north", name="北方", name_en="North")
    write(street.db, organisation.move_company, company=target.code, partner="north", reason=said)
    write(street.db, organisation.rename_partner, partner="north", name="南方", name_en="South", reason=said)
    home = write(street.db, organisation.make_property, company=target.code, code="home", name="家", name_en="Home")
    write(street.db, organisation.place_lot, company=target.id, lot=street.lot, into=home, reason=said)
    write(street.db, organisation.place_lot, company=target.id, lot=street.lot, into=None, reason=said)
    write(street.db, organisation.close_property, found=home, reason=said)
    told = [each.body["reason"] for each in events(street.db) if "reason" in each.body]
    assert len(told) == 7
    assert set(told) == {"sold by the owner of 粤B·**345, 138****8000"}
    with pytest.raises(Refused, match=r"reason\.missing"):
        write(street.db, moving.close_company, company=target.code, reason="  ", objections=OBJECTIONS)


def test_what_knows_devices_in_memory_learns_of_the_move(street: Street) -> None:
    target = other_company(street.db)
    device = street.ids["cam-in-1"]

    async def follow() -> None:
        directory = DeviceDirectory(street.db)
        await directory.reload()
        running = asyncio.create_task(directory.run())
        async with following(street.db, directory.watch), asyncio.timeout(PATIENCE_S):
            await asyncio.to_thread(move, street, target)
            while True:
                entry = directory.by_id(device)
                if entry is not None and entry.company == target.id:
                    break
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(follow())


@pytest.mark.parametrize("what", ["code", "tariff", "same", "closed", "paying", "list"])
def test_what_must_not_move_is_refused(street: Street, what: str) -> None:
    target = other_company(street.db)
    problem = {
        "code": "lot.code_taken", "tariff": "lot.tariff_taken", "same": "lot.already_there",
        "closed": "company.closed", "paying": "lot.money_in_flight",
        "list": "state.changed",
    }[what]  # fmt: skip
    if what == "code":
        write(street.db, facility.apply_lot, company=target.id, lot=lot_file("mall"))
    elif what == "tariff":
        text = (ROOT / "tariffs" / "mall.yaml").read_text(encoding="utf-8").replace("minutes: 15", "minutes: 16")
        assert "minutes: 16" in text
        write(street.db, tariffs.publish, company=target.id, tariff=read_tariff(text, name="mall"))
    elif what == "same":
        move(street, target)
    elif what == "closed":
        write(street.db, moving.close_company, company=target.code, reason="over", objections=OBJECTIONS)
    elif what == "list":
        write(street.db, claim, lot=street.lot, owner="somebody")
    else:
        street.arrive("in-1", CAR)
        street.pass_minutes(61)
        bill, _ = street.bill_in_advance(CAR)
        write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    before = companies_in(street.db)
    with pytest.raises(Problem) as refused:
        move(street, target, source=target.id if what == "same" else COMPANY)
    assert refused.value.code == problem
    assert companies_in(street.db) == before


def test_a_company_is_closed_once_nothing_is_open_there(street: Street) -> None:
    target = other_company(street.db)
    desk = write(
        street.db, accounts.make_account, kind=AccountKind.INTEGRATOR, login="robot-1", name="机器人",
        company=target.id, password=None,
    )  # fmt: skip
    write(street.db, accounts.add_secret, account=desk.id, digest="d" * 64, old_until_s=0)
    sign_in = partial(
        sign_in_machine, secret="d" * 64, client="robot-1", device=Device("robot", None), life_us=10 * MINUTE_US
    )
    first = write(street.db, sign_in).session
    assert first is not None
    assert read(street.db, standing, session=first.id) is not None
    move(street, target)
    street.company = target.id
    street.arrive("in-1", CAR)
    close = partial(
        write, street.db, moving.close_company, company=target.code, reason="over", objections=OBJECTIONS
    )  # fmt: skip

    def refused() -> str:
        with pytest.raises(Refused) as problem:
            close()
        return problem.value.code

    assert refused() == "company.has_lots"
    street.set_state(LotState.CLOSED_TO_ALL)
    assert refused() == "company.has_cars"
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    assert street.inside() == []
    write(street.db, organisation.make_property, company=target.code, code="home", name="家", name_en="Home")
    assert refused() == "company.has_properties"
    home = read(street.db, organisation.property_named, code="home")
    write(street.db, organisation.close_property, found=home, reason="over")
    close()
    assert refused() == "company.closed"
    assert read(street.db, standing, session=first.id) is None
    assert write(street.db, sign_in).session is None
    assert read(street.db, usable, account=desk.id) is None  # nor by a key
    for attempt in (
        partial(street.set_state, LotState.OPEN),
        partial(write, street.db, facility.apply_lot, company=target.id, lot=lot_file("mall")),
        partial(write, street.db, tenancy.ensure_company, code=target.code),
        partial(write, street.db, organisation.make_property, company=target.code, code="x", name="x", name_en="x"),
        partial(write, street.db, tariffs.publish, company=target.id, tariff=mall_tariff()),
        partial(
            write,
            street.db,
            accounts.make_account,
            kind=AccountKind.PERSON,
            login="desk-9",
            name="前台九",
            company=target.id,
            password=None,
        ),
    ):
        with pytest.raises(Refused, match=r"company\.closed"):
            attempt()
    assert len(street.closed()) == 1  # to be read for ever


def mall_tariff() -> tariffs.Tariff:
    return read_tariff((ROOT / "tariffs" / "mall.yaml").read_text(encoding="utf-8"), name="mall")


def test_accounts_of_a_closed_partner_are_out(street: Street) -> None:
    db = street.db
    partner = write(db, organisation.make_partner, code="north", name="北方", name_en="North").id
    boss = write(
        db, accounts.make_account, kind=AccountKind.PERSON, login="boss-1", name="主管", company=partner, password=None
    )
    session = write(db, sessions.begin, account=boss, how="password", device=Device("x", None), refresh=None)
    assert read(db, standing, session=session.id) is not None
    write(db, organisation.close_partner, partner="north", reason="over")
    assert read(db, standing, session=session.id) is None
    assert read(db, usable, account=boss.id) is None
