"""Rollups of random histories: fed, rebuilt, and added up from the tables they are the same, whatever happens."""

import asyncio

import pytest
from sqlalchemy import bindparam, delete

from openberth.contexts import insight, payments
from openberth.contexts.insight.model.finance import Dimension, Line
from openberth.contexts.insight.model.movements import KINDS, Measure
from openberth.contexts.insight.service import feeding, rebuilding
from openberth.contexts.payments.service import ledger, prepaid
from openberth.infra.database import Unit
from openberth.infra.database.log import read_after
from openberth.infra.database.schema import event
from openberth.infra.database.statement import Write
from openberth.infra.outbox import ConsumerRunner, Tail, standing
from openberth.kernel.errors import Denied
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, MINUTE_US
from tests.service.acting import COMPANY, OTHER_COMPANY, of_company, read, write
from tests.service.databases import ONCE
from tests.service.insight.accountant import Accountant, History
from tests.service.stays.street import CAR


def codes_of(line: Line) -> list[str | None]:
    return [None if one is None else one.code for one in line.names]


LOST = Write(delete(event).where(event.c.position <= bindparam("last")))


@pytest.mark.parametrize("seed", [2, 9])
def test_fed_rebuilt_and_added_up_from_the_tables_are_the_same(accountant: Accountant, seed: int) -> None:
    history = History(accountant.street, seed)
    history.go_on(18)
    accountant.consume(most=40)  # the rest is on its way: no difference either
    assert accountant.differences() == []
    accountant.consume()
    assert accountant.differences() == []

    [total] = accountant.ask().totals.values()
    assert total.minor(Measure.BILLED) == accountant.billed()
    assert total.minor(Measure.PUT_IN) == accountant.put_in()
    by_method = {codes_of(line)[0]: line.figures for line in accountant.ask(Dimension.METHOD).lines}
    received = accountant.received()
    assert {name: by_method[name].minor(Measure.RECEIVED) for name in received} == received
    assert total.minor(Measure.PAID_OUT) == accountant.sent_back()["pay_out"]
    back = accountant.sent_back()
    assert (total.minor(Measure.RETURNED), total.minor(Measure.REFUNDED)) == (back["surplus"], back["by_hand"])
    lot = {code: minor for (code, _), minor in read(accountant.db, ledger.balances, lot=accountant.street.lot).items()}
    assert total.minor(Measure.WRITTEN_OFF) == lot.get("written_off", 0)

    assert [each for each in Measure if not total.minor(each)] == [Measure.RELIEVED], "the dice left something out"

    fed = accountant.rows()
    accountant.rebuild()
    assert accountant.rows() == fed
    assert read(accountant.db, feeding.serving) == 2


def test_a_rebuild_goes_on_after_a_kill_while_the_consumer_feeds_the_generation_that_serves(
    accountant: Accountant, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(accountant.street, 4)
    history.go_on(6)
    accountant.consume()
    monkeypatch.setattr(rebuilding, "PAGE", 7)
    write(accountant.db, insight.rebuild)
    for number in range(6):

        def killed(unit: Unit) -> None:
            rebuilding.step(unit)
            raise RuntimeError("killed")

        with pytest.raises(RuntimeError):
            write(accountant.db, lambda unit: killed(unit))
        assert accountant.step() is rebuilding.Step.GO_ON
        if number % 2:
            history.go_on(1)
            accountant.consume()
            assert read(accountant.db, feeding.serving) == 1
            assert accountant.differences() == []
    write(accountant.db, insight.rebuild)  # asked for again: the same one goes on
    while accountant.step() is not rebuilding.Step.DONE:
        pass
    assert read(accountant.db, insight.progress).building is None
    assert accountant.rows(2) == accountant.rows(1)
    history.go_on(1)
    accountant.consume()
    assert accountant.differences() == []
    while write(accountant.db, rebuilding.drop_some):
        pass
    assert accountant.rows(1) == {}
    assert accountant.differences() == []


def test_a_delivery_that_comes_twice_changes_nothing(accountant: Accountant) -> None:
    History(accountant.street, 5).go_on(3)
    accountant.consume()
    before = accountant.rows()
    page = read(accountant.db, lambda reader: read_after(reader, position=0))
    late = ConsumerRunner(accountant.db, Tail(accountant.db), insight.consumers()[0])

    async def deliver() -> bool:
        return await late._apply([one for one in page if one.kind in KINDS], page[-1].position or 0)

    assert not asyncio.run(deliver())
    assert accountant.rows() == before


def test_what_the_log_has_lost_is_copied_by_a_rebuild(accountant: Accountant) -> None:
    history = History(accountant.street, 6)
    history.go_on(4)
    accountant.consume()
    lost = read(accountant.db, lambda reader: standing.standing_of(reader, name=feeding.CONSUMER)).position
    accountant.street.pass_minutes(62 * DAY_US // MINUTE_US)
    history.go_on(4)
    accountant.consume()
    fed = accountant.rows()
    write(accountant.db, lambda unit: unit.run(LOST, last=lost // 2))
    accountant.rebuild()
    assert accountant.rows() == fed
    assert accountant.differences() == []


def test_a_day_is_that_of_the_lots_zone(accountant: Accountant) -> None:
    street = accountant.street
    street.arrive("in-1", CAR)
    street.pass_minutes(8 * 60 - 1)  # 15:59 in UTC, a minute before midnight in Shanghai
    street.arrive("out-1", CAR)
    street.pass_minutes(2)
    street.pay_cash("out-1")
    accountant.consume()
    lines = accountant.ask(Dimension.DAY).lines
    assert [codes_of(line) for line in lines] == [["2026-03-02"], ["2026-03-03"]]
    assert (lines[0].figures.minor(Measure.BILLED) > 0, lines[1].figures.minor(Measure.RECEIVED) > 0) == (True, True)
    inside = accountant.ask(first="2026-03-03", last="2026-03-03").totals["CNY"]
    assert (inside.minor(Measure.BILLED), inside.count(Measure.RECEIVED)) == (0, 1)


def test_who_did_it_and_how_it_came(accountant: Accountant) -> None:
    street = accountant.street
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    bill = street.bill_at("out-1")
    write(street.db, payments.take_cash, by=of_company(COMPANY), bill=bill.id, tendered=bill.left)
    accountant.consume()
    by = (Dimension.COMPANY, Dimension.LOT, Dimension.METHOD, Dimension.TARIFF, Dimension.OPERATOR)
    told = [codes_of(line) for line in accountant.ask(*by).lines]
    assert told == [
        [str(COMPANY), "mall", None, "mall", None],
        [str(COMPANY), "mall", "cash", "mall", "operator"],
    ]
    [line] = accountant.ask(Dimension.LOT, method="cash", tariff="mall").lines
    assert (line.figures.minor(Measure.RECEIVED), line.figures.receivable) == (bill.due.minor, 0)
    assert accountant.ask(Dimension.LOT, tariff="other").lines == ()


@ONCE
def test_who_pays_money_out_of_a_prepaid_account_is_named(accountant: Accountant) -> None:
    history = History(accountant.street, seed=1)
    bill = write(accountant.db, prepaid.top_up, account=history.account, amount=Money(3_000, "CNY"))
    write(accountant.db, payments.take_cash, by=of_company(COMPANY), bill=bill.id, tendered=bill.left)
    history.pay_out()
    accountant.consume()
    paid_out = {
        codes_of(line)[0]: line.figures.minor(Measure.PAID_OUT) for line in accountant.ask(Dimension.OPERATOR).lines
    }
    assert {name: minor for name, minor in paid_out.items() if minor} == {"operator": accountant.sent_back()["pay_out"]}


def test_an_answer_says_up_to_where_it_counts_and_for_whom(accountant: Accountant) -> None:
    street = accountant.street
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    accountant.consume()
    assert (accountant.ask().as_of.at, accountant.ask().as_of.behind) == (street.business.now(), False)
    happened = street.business.now()
    street.arrive("out-1", CAR)
    street.pass_minutes(10)
    stale = accountant.ask()
    assert (stale.as_of.at, stale.as_of.behind, stale.lines) == (happened, True, ())
    accountant.consume()
    fresh = accountant.ask()
    assert (fresh.as_of.behind, len(fresh.lines)) == (False, 1)
    assert fresh.as_of.position > stale.as_of.position
    elsewhere = of_company(OTHER_COMPANY)
    assert accountant.ask(caller=elsewhere).lines == ()
    with pytest.raises(Denied):
        write(street.db, insight.rebuild, by=of_company(COMPANY))
