"""Channel accounts: one merchant's contract with a channel, at a node of the organisation (ADR 0008)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.organisation import Node
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

NAME_MAX = 60
RANK_MAX = 1_000
CURRENCY = "CNY"  # of all channels that there are


class ChannelKind(StrEnum):
    """The channels there are adapters for."""

    SANDPAY = "sandpay"
    WECHATPAY = "wechatpay"
    ALIPAY = "alipay"


class ChannelAccountState(StrEnum):
    """Whether new orders are made. What a closed one took is still asked after, refunded and reconciled."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAccount:
    """A contract. ``params`` are plain, ``secrets`` the vault ids of what nobody may read; ``rank`` orders those of one
    node, the smallest first.
    """

    id: Id
    node: Node
    kind: ChannelKind
    name: str
    params: Mapping[str, Any]
    secrets: Mapping[str, Id] = field(repr=False)
    state: ChannelAccountState
    rank: int
    version: int = 1


def check_words(name: str, rank: int) -> str:
    """Return the name of an account as it is kept. Raises ``Malformed``: ``channel.name``, ``channel.rank``."""
    kept = name.strip()
    if not 1 <= len(kept) <= NAME_MAX or not kept.isprintable():
        raise Malformed("channel.name", most=NAME_MAX)
    if not 0 <= rank <= RANK_MAX:
        raise Malformed("channel.rank", most=RANK_MAX)
    return kept


def that_hold(accounts: Iterable[ChannelAccount], way: Sequence[Id]) -> list[ChannelAccount]:
    """Return the active accounts that hold for a lot, by rank.

    ``way`` are the nodes from the platform down to the lot. Of each kind the nearest node that has an account, active
    or paused, decides: a lot whose own account is paused does not fall back to its company's.
    """
    depth = {node: index for index, node in enumerate(way)}
    here = [one for one in accounts if one.state is not ChannelAccountState.CLOSED and one.node.id in depth]
    nearest: dict[ChannelKind, int] = {}
    for one in here:
        nearest[one.kind] = max(nearest.get(one.kind, -1), depth[one.node.id])
    found = [one for one in here if depth[one.node.id] == nearest[one.kind] and one.state is ChannelAccountState.ACTIVE]
    return sorted(found, key=lambda one: (one.rank, one.kind, one.id))


def node_of(level: Level, node: Id, company: Id | None, lot: Id | None) -> Node:
    """Return the node that a row names."""
    return Node(level, node, company, lot)
