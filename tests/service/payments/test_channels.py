"""Whose contract with a channel takes the money of a lot."""

from functools import partial
from typing import Any

import pytest

from openberth.contexts.payments.model.channels import ChannelAccount, ChannelAccountState, ChannelKind
from openberth.contexts.payments.service import channels
from openberth.contexts.tenancy.model.organisation import Node
from openberth.infra.database import Database
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, OTHER_COMPANY, events, mall, of_company, read, write

PLATFORM, OURS, THEIRS = Node.platform(), Node.of_company(COMPANY), Node.of_company(OTHER_COMPANY)


def contract(
    db: Database, node: Node, name: str, kind: ChannelKind = ChannelKind.WECHATPAY, **more: Any
) -> ChannelAccount:
    values: dict[str, Any] = {"params": {"mchid": name}, "secrets": {"key": f"secret of {name}"}}
    return write(db, channels.add_account, node=node, kind=kind, name=name, **(values | more))


def holding(db: Database, lot: Id) -> list[str]:
    return [one.name for one in read(db, channels.accounts_for, company=COMPANY, lot=lot)]


def test_the_nearest_contract_of_a_kind_takes_the_money(db: Database) -> None:
    lot = mall(db)
    contract(db, PLATFORM, "all")
    contract(db, PLATFORM, "all of alipay", ChannelKind.ALIPAY)
    contract(db, THEIRS, "theirs")
    assert sorted(holding(db, lot)) == ["all", "all of alipay"]
    contract(db, OURS, "ours", rank=5)
    assert holding(db, lot) == ["ours", "all of alipay"]
    own = contract(db, Node.of_lot(COMPANY, lot), "the mall's", rank=900)
    contract(db, Node.of_lot(COMPANY, lot), "the mall's first", rank=1)
    assert holding(db, lot) == ["the mall's first", "all of alipay", "the mall's"]
    write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.CLOSED)
    assert holding(db, lot) == ["the mall's first", "all of alipay"]


def test_a_paused_contract_does_not_send_the_money_elsewhere(db: Database) -> None:
    lot = mall(db)
    contract(db, OURS, "ours")
    own = contract(db, Node.of_lot(COMPANY, lot), "the mall's")
    write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.PAUSED)
    assert holding(db, lot) == []
    write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.ACTIVE)
    assert holding(db, lot) == ["the mall's"]
    write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.CLOSED)
    assert holding(db, lot) == ["ours"]
    with pytest.raises(Refused, match=r"channel\.closed"):
        write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.ACTIVE)


def test_the_contract_of_a_lot_stays_its_company_s(db: Database) -> None:
    """Where the lot has gone to another company, the one before gets none of its money."""
    lot = mall(db)
    contract(db, Node.of_lot(COMPANY, lot), "the mall's")
    assert holding(db, lot) == ["the mall's"]
    assert read(db, channels.accounts_for, company=OTHER_COMPANY, lot=lot) == []


def test_money_with_the_contract_of_another_company_is_not_ours_to_give(db: Database) -> None:
    """What a car paid before its lot went to another company lies with the one before."""
    lot = mall(db)
    partner = contract(db, PLATFORM, "all")
    own, lots, theirs = (
        contract(db, OURS, "ours"),
        contract(db, Node.of_lot(COMPANY, lot), "x"),
        contract(db, THEIRS, "y"),
    )
    write(db, channels.set_account_state, account=own.id, state=ChannelAccountState.CLOSED)  # it refunds all the same
    for account, ours, others in (
        (partner, True, True),
        (own, True, False),
        (lots, True, False),
        (theirs, False, True),
    ):
        of = partial(read, db, channels.is_contract_of, account=account.id, lot=lot)
        assert (of(company=COMPANY), of(company=OTHER_COMPANY)) == (ours, others)
    assert not read(db, channels.is_contract_of, account=Id(int=9), company=COMPANY, lot=lot)


def test_secrets_are_changed_one_by_one_and_read_by_adapters_only(db: Database) -> None:
    made = contract(db, OURS, "ours", secrets={"key": "one", "pem": "two"})
    write(
        db, channels.change_account, account=made.id, name="ours", params={"mchid": "2"}, secrets={"key": "three"},
        rank=7,
    )  # fmt: skip
    found, secrets = read(db, channels.account_with_secrets, account=made.id)
    assert (found.params, found.rank, secrets) == ({"mchid": "2"}, 7, {"key": "three", "pem": "two"})
    with pytest.raises(Denied):
        read(db, channels.account_with_secrets, account=made.id, by=of_company(COMPANY))
    told = events(db, "payments.channel_account_changed")
    assert [each.body["what"] for each in told] == ["made", "changed"]
    assert "three" not in str([each.body for each in told])
    assert told[1].body["before"]["secret.key"] != told[1].body["after"]["secret.key"]


def test_contracts_of_others_are_out_of_reach(db: Database) -> None:
    theirs = contract(db, THEIRS, "theirs")
    contract(db, PLATFORM, "all")
    us = of_company(COMPANY)
    assert read(db, channels.accounts, by=us) == []
    for node in (THEIRS, PLATFORM):
        with pytest.raises(Denied):
            write(db, channels.add_account, by=us, node=node, kind=ChannelKind.ALIPAY, name="x", params={}, secrets={})
    with pytest.raises(NotFound, match=r"channel\.not_found"):
        write(db, channels.set_account_state, by=us, account=theirs.id, state=ChannelAccountState.PAUSED)


def test_names_are_unique_at_a_node_and_a_kind(db: Database) -> None:
    contract(db, OURS, "ours")
    contract(db, OURS, "ours", ChannelKind.ALIPAY)
    with pytest.raises(Refused, match=r"channel\.name_taken"):
        contract(db, OURS, " ours ")
    with pytest.raises(Malformed, match=r"channel\.name"):
        contract(db, OURS, " ")
    with pytest.raises(Malformed, match=r"channel\.rank"):
        contract(db, OURS, "other", rank=-1)
