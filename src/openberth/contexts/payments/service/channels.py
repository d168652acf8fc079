"""Use cases and queries of channel accounts: whose account takes the money of a lot."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openberth.contexts import tenancy
from openberth.contexts.payments.model import ChannelAccountChanged
from openberth.contexts.payments.model.channels import (
    ChannelAccount,
    ChannelAccountState,
    ChannelKind,
    check_words,
    that_hold,
)
from openberth.contexts.payments.store import channels as store
from openberth.contexts.tenancy.model.organisation import Node, places_on
from openberth.infra import alarms, jobs, vault
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, later

JOB_QUIET = "payments.not_ours_over"
NOT_OURS = "channel_not_ours"


@needs("channel.write")
def add_account(
    unit: Unit, *, node: Node, kind: ChannelKind, name: str, params: Mapping[str, Any], secrets: Mapping[str, str],
    rank: int = 100,
) -> ChannelAccount:  # fmt: skip
    """Write a contract down. Its adapter has checked ``params`` and ``secrets`` before.

    Raises ``Malformed``: ``channel.name``, ``channel.rank``; ``Refused("channel.name_taken")``; ``Denied`` beyond the
    caller's scope.
    """
    if not unit.caller.scope.allows(node.company, node.lot):
        raise Denied("auth.out_of_scope")
    kept = check_words(name, rank)
    unit.lock(("channels", node.id))
    if unit.one(store.OF_NAME, node=node.id, kind=kind, name=kept) is not None:
        raise Refused("channel.name_taken", name=kept)
    made = ChannelAccount(
        id=unit.new_id(), node=node, kind=kind, name=kept, params=params, secrets=_kept(unit, secrets),
        state=ChannelAccountState.ACTIVE, rank=rank,
    )  # fmt: skip
    unit.run(store.INSERT, **store.account_row(made))
    _tell(unit, made, "made", {})
    return made


@needs("channel.write")
def change_account(
    unit: Unit, *, account: Id, name: str, params: Mapping[str, Any], secrets: Mapping[str, str], rank: int
) -> ChannelAccount:
    """Change a contract; secrets that are not named stay as they are, one that is empty is taken away.

    Raises ``NotFound("channel.not_found")``, ``Refused("channel.closed")`` and as ``add_account`` does.
    """
    before = _open_one(unit, account)
    staying = {name: key for name, key in before.secrets.items() if name not in secrets}
    after = replace(
        before, name=check_words(name, rank), params=params, rank=rank, secrets={**staying, **_kept(unit, secrets)}
    )
    taken = unit.one(store.OF_NAME, node=before.node.id, kind=before.kind, name=after.name)
    if taken is not None and taken.id != before.id:
        raise Refused("channel.name_taken", name=after.name)
    if after != before:
        _save(unit, after)
        _quiet(unit, after)
        _tell(unit, after, "changed", _plain(before))
    return after


@needs("channel.write")
def set_account_state(unit: Unit, *, account: Id, state: ChannelAccountState) -> ChannelAccount:
    """Pause, resume or close a contract; a closed one never opens again. Raises ``Refused("channel.closed")``."""
    before = _open_one(unit, account)
    after = replace(before, state=state)
    if after != before:
        _save(unit, after)
        _tell(unit, after, state.value, _plain(before))
    return after


def accounts(reader: Reader) -> list[ChannelAccount]:
    """Return the contracts of the caller's scope."""
    return reader.all(store.ACCOUNTS)


def account_by_id(reader: Reader, *, account: Id) -> ChannelAccount:
    """Return a contract of the caller's scope. Raises ``NotFound("channel.not_found")``."""
    found = reader.one(store.ACCOUNT, account=account)
    if found is None:
        raise NotFound("channel.not_found")
    return found


def accounts_for(reader: Reader, *, company: Id, lot: Id) -> list[ChannelAccount]:
    """Return the active contracts that take the money of a lot, by rank, wherever they were made."""
    way = tenancy.way_to(reader, Node.of_lot(company, lot))
    found = reader.all(store.AT_NODES, **places_on(way))
    return that_hold([one for one in found if one.node.lot is None or one.node.company == company], way)


def is_contract_of(reader: Reader, *, account: Id, company: Id, lot: Id) -> bool:
    """Tell whether a contract, whatever its state, is one that a lot of a company may dispose over."""
    found = reader.one(store.ANY_ACCOUNT, account=account)
    if found is None or found.node.id not in tenancy.way_to(reader, Node.of_lot(company, lot)):
        return False
    return found.node.lot is None or found.node.company == company


@by_construction
def account_with_secrets(reader: Reader, *, account: Id) -> tuple[ChannelAccount, Mapping[str, str]]:
    """Return a contract, whatever its state, with its secrets in clear: for its adapter and nobody else.

    Raises ``NotFound("channel.not_found")`` and ``Refused("channel.secret_gone")`` where one was erased.
    """
    found = reader.one(store.ANY_ACCOUNT, account=account)
    if found is None:
        raise NotFound("channel.not_found")
    plain = {name: vault.reveal(reader, key) for name, key in found.secrets.items()}
    secrets = {name: text for name, text in plain.items() if text is not None}
    if len(secrets) != len(plain):
        raise Refused("channel.secret_gone", channel=found.kind.value)
    return found, secrets


@by_construction
def told_of_others(unit: Unit, *, account: Id) -> None:
    """Let an alarm stand: a proven notification to a contract's address named another merchant or app.

    Either the contract holds wrong ids, or somebody who has its keys tries what we believe. It stands until the
    contract is changed or nothing of the kind was told for a day.
    """
    found = unit.one(store.ANY_ACCOUNT, account=account)
    if found is None:
        return
    params = {"channel": found.kind.value, "name": found.name}
    trouble = Trouble(NOT_OURS, str(account), params, found.node.lot)
    alarms.stand(unit, company=found.node.company or alarms.PLATFORM, trouble=trouble)
    jobs.cancel(unit, kind=JOB_QUIET, unique_key=account.hex)
    jobs.schedule(
        unit, kind=JOB_QUIET, body={"account": str(account)}, due_at=later(unit.machine_now, DAY_US),
        unique_key=account.hex,
    )  # fmt: skip


@by_construction
def told_of_others_no_more(unit: Unit, *, account: Id) -> None:
    """End that alarm."""
    found = unit.one(store.ANY_ACCOUNT, account=account)
    if found is not None:
        _quiet(unit, found)


@inner
def ensure_platform_account(
    unit: Unit, *, kind: ChannelKind, name: str, params: Mapping[str, Any], secrets: Mapping[str, str]
) -> ChannelAccount:
    """Keep the platform's contract of the settings file as the settings say."""
    found = unit.one(store.OF_NAME, node=Node.platform().id, kind=kind, name=name)
    if found is None:
        return add_account(unit, node=Node.platform(), kind=kind, name=name, params=params, secrets=secrets)
    return change_account(unit, account=found.id, name=name, params=params, secrets=secrets, rank=found.rank)


def _quiet(unit: Unit, account: ChannelAccount) -> None:
    alarms.over(unit, company=account.node.company or alarms.PLATFORM, kind=NOT_OURS, subject=str(account.id))


def _open_one(unit: Unit, account: Id) -> ChannelAccount:
    found = account_by_id(unit, account=account)
    unit.lock(("channels", found.node.id))
    found = account_by_id(unit, account=account)
    if found.state is ChannelAccountState.CLOSED:
        raise Refused("channel.closed", name=found.name)
    return found


def _kept(unit: Unit, secrets: Mapping[str, str]) -> dict[str, Id]:
    return {name: vault.keep(unit, VaultKind.CHANNEL_SECRET, text) for name, text in secrets.items() if text}


def _save(unit: Unit, after: ChannelAccount) -> None:
    unit.save(
        store.SAVE, account=after.id, seen=after.version, new_name=after.name, new_params=dict(after.params),
        new_secrets=store.secrets_text(after), new_state=after.state, new_rank=after.rank,
    )  # fmt: skip


def _tell(unit: Unit, after: ChannelAccount, what: str, before: Mapping[str, str]) -> None:
    told = ChannelAccountChanged(
        account=after.id, kind_of_channel=after.kind.value, level=after.node.level.value, node=after.node.id, what=what,
        before=before, after=_plain(after),
    )  # fmt: skip
    unit.append(told, company=after.node.company, lot=after.node.lot, key=after.id)


def _plain(account: ChannelAccount) -> dict[str, str]:
    """Return what an auditor sees of a contract: never a secret, but that it is another one."""
    params = {f"params.{name}": str(value)[:100] for name, value in sorted(account.params.items())}
    secrets = {f"secret.{name}": str(key)[-8:] for name, key in sorted(account.secrets.items())}
    return {"name": account.name, "state": account.state.value, "rank": str(account.rank), **params, **secrets}
