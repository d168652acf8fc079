"""What payments needs from outside: a channel that takes money.

A channel is the source of truth about its orders. We choose the number of an order and write it down before we call, so
an order is found again whatever happens to the answer. All instants here are machine time: channels know no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from openberth.kernel.errors import Problem
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


class Scene(StrEnum):
    """Where the payer stands when paying; a channel refuses a scene that it does not serve."""

    CODE = "code"  # scans a code from a screen or a sign (WeChat Native, Alipay precreate)
    PAGE = "page"  # follows a link in a phone's browser (WeChat H5, Alipay wap)
    APP = "app"  # pays inside the channel's own app (WeChat JSAPI and mini-program, Alipay trade.create)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """What we ask a channel to collect.

    ``number`` is ours, unique at the channel, 1-32 ASCII letters and digits (what every channel accepts); asking again
    with the same values gives the same order. ``subject`` is shown to the payer and carries no plate. ``payer`` is the
    channel's id of the payer and ``payer_address`` the payer's IP address, for the scenes that want them.
    """

    number: str
    amount: Money
    subject: str
    expires_at: Instant
    scene: Scene = Scene.CODE
    payer: str | None = field(default=None, repr=False)
    payer_address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOrder:
    """An order that can be paid now.

    ``pay_url`` is the address to open or to show as a code; None where the channel's app pays by ``client_fields``
    (already signed, handed to the app as they are). ``channel_order`` is the channel's own id, None if it gives none.
    """

    pay_url: str | None
    channel_order: str | None = None
    client_fields: Mapping[str, str] = field(default_factory=dict, repr=False)


class OrderState(StrEnum):
    """What a channel says about an order."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"  # nobody can pay it any more
    UNKNOWN = "unknown"  # the channel has no such order; a request still under way may yet make it until it expires


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """An order as the channel sees it. ``paid``, ``transaction`` and ``paid_at`` are set exactly when it is paid."""

    number: str
    state: OrderState
    paid: Money | None = None
    transaction: str | None = None
    paid_at: Instant | None = None

    def __post_init__(self) -> None:
        facts = (self.paid is not None, self.transaction is not None, self.paid_at is not None)
        if facts != (self.state is OrderState.PAID,) * 3:
            raise ValueError("payment facts belong to a paid order and only to it")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidNotice:
    """A proven notification that an order was paid. It may come twice and late; ``transaction`` tells repeats apart."""

    number: str
    transaction: str
    paid: Money
    paid_at: Instant


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer that stops a channel from telling the same again; given only when the fact is on disk."""

    status: int
    content_type: str
    body: bytes


class ChannelUnreachable(Problem):
    """No usable answer came: the outcome is unknown and must be found out by ``query``, never assumed."""

    status = 503


class ChannelRefused(Problem):
    """The channel understood and said no: nothing was done. ``reason`` is the channel's own code."""

    status = 502

    def __init__(self, *, channel: str, reason: str) -> None:
        super().__init__("channel.refused", channel=channel, reason=reason)
        self.reason = reason


class Channel(Protocol):
    """A payment channel of one merchant.

    Every call may raise ``ChannelUnreachable`` (``channel.unreachable``: no answer in time; ``channel.unclear``: an
    answer that cannot be understood) or ``ChannelRefused``. Calls are never repeated by the channel object itself.
    Refunds will be a protocol of their own, ``RefundingChannel``, because not every channel gives money back.
    """

    @property
    def name(self) -> str:
        """The word that attempts and receipts carry, e.g. ``sandpay``."""
        ...

    async def open(self, order: ChannelOrder) -> OpenedOrder:
        """Make the order payable. Safe to repeat with the same values."""
        ...

    async def query(self, number: str) -> ChannelState:
        """Ask what became of an order."""
        ...

    async def close(self, number: str) -> ChannelState:
        """Make the order unpayable and return what it is then: ``closed``, or ``paid`` when the payer was faster.

        ``unknown`` when the channel has no such order.
        """
        ...

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> PaidNotice:
        """Prove and read what the channel sent to our address.

        ``path`` is the request target exactly as received, still percent-encoded, with the query. Raises ``Unknown``
        (``channel.bad_signature``, ``channel.stale``, ``channel.replayed``), ``Malformed`` (``channel.bad_notice``)
        for genuine content that cannot be understood, and ``Overloaded`` (``channel.too_many_notices``).
        """
        ...

    def acknowledgement(self) -> Acknowledgement:
        """Return the answer to a notification whose payment is on disk."""
        ...
