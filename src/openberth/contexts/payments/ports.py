"""What payments needs from outside: a channel that takes money.

A channel is the source of truth about its orders. We choose the number of an order and write it down before we call, so
an order is found again whatever happens to the answer. All instants here are machine time: channels know no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from openberth.contexts.payments.model.reconciling import RowKind as RowKind
from openberth.contexts.payments.model.reconciling import StatementRow as StatementRow
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
    channel's id of the payer and ``payer_address`` the payer's IP address, for the scenes that want them. ``back`` is
    where a browser goes that has paid on the channel's page.
    """

    number: str
    amount: Money
    subject: str
    expires_at: Instant
    scene: Scene = Scene.CODE
    payer: str | None = field(default=None, repr=False)
    payer_address: str | None = field(default=None, repr=False)
    back: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """A proven notification that something became of a refund: ask for its state by our number."""

    number: str


@dataclass(frozen=True, slots=True)
class NothingNew:
    """A proven notification that tells of nothing we wait for; it is acknowledged and changes nothing."""


Notice = PaidNotice | RefundNotice | NothingNew


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
    Giving money back and telling of a whole day are protocols of their own: not every channel can.
    """

    @property
    def name(self) -> str:
        """The word that attempts and receipts carry, e.g. ``sandpay``."""
        ...

    @property
    def scenes(self) -> frozenset[Scene]:
        """Where the payer of this channel may stand."""
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

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        """Prove and read what the channel sent to our address.

        ``path`` is the request target exactly as received, still percent-encoded, with the query. Raises ``Unknown``
        (``channel.bad_signature``, ``channel.stale``, ``channel.replayed``), ``Malformed`` (``channel.bad_notice``)
        for genuine content that cannot be understood, and ``Overloaded`` (``channel.too_many_notices``).
        """
        ...

    def acknowledgement(self) -> Acknowledgement:
        """Return the answer to a notification whose payment is on disk."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """What a channel is made of: plain parameters, secrets in clear, and the address that it notifies."""

    params: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    notify_url: str


class ChannelMaker(Protocol):
    """Makes the channels of one kind; the only place that knows what its parameters and secrets are called."""

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        """Refuse what no channel can be made of.

        Raises ``Malformed``: ``channel.setting`` with the setting and what is wrong with it; in production also
        ``channel.loopback`` for an address of this machine and ``channel.sandbox_key`` for a published mock key.
        """
        ...

    def make(self, spec: ChannelSpec) -> Channel:
        """Return the channel of a contract that was checked."""
        ...


class RefundProgress(StrEnum):
    """What a channel says about a refund."""

    UNDER_WAY = "under_way"
    DONE = "done"
    REFUSED = "refused"  # nothing went back and by this number nothing ever will
    ABNORMAL = "abnormal"  # the payer's bank does not take it: a person has to find another way
    UNKNOWN = "unknown"  # the channel has no such refund: asking again with the same number is safe


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What a channel shall give back.

    ``number`` is ours, 1-32 ASCII letters and digits, unique at the channel and the same at every repetition: another
    number would be another refund. ``order`` and ``transaction`` name the payment, ``paid`` is all of it. ``reason`` is
    shown to the payer, at most 80 characters, and carries nothing personal.
    """

    number: str
    order: str
    transaction: str
    amount: Money
    paid: Money
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """A refund as the channel sees it. ``refunded`` is set when it is done; ``reason`` is the channel's own code."""

    number: str
    progress: RefundProgress
    refunded: Money | None = None
    channel_refund: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.refunded is not None) != (self.progress is RefundProgress.DONE):
            raise ValueError("the sum of a refund belongs to one that is done and only to it")


@runtime_checkable
class RefundingChannel(Protocol):
    """A channel that gives money back. Raises as ``Channel`` does."""

    async def refund(self, order: RefundOrder) -> RefundState:
        """Ask for a refund. Safe to repeat with the same values; one without an answer is asked after, not renewed."""
        ...

    async def query_refund(self, order: RefundOrder) -> RefundState:
        """Ask what became of a refund."""
        ...


@dataclass(frozen=True, slots=True)
class Statement:
    """A channel's statement of one day (of the channel, Beijing time), proved: its digest and sums are right."""

    day: date
    rows: tuple[StatementRow, ...]


class StatementNotReady(Problem):
    """There is no statement of that day yet; ask again later. ``params``: channel, day."""

    status = 503


@runtime_checkable
class BillingChannel(Protocol):
    """A channel that tells what happened on a whole day."""

    async def statement(self, day: date) -> Statement:
        """Return the statement of a day; a day without any payment has no rows.

        Raises ``StatementNotReady("channel.statement_not_ready")``, ``ChannelRefused``, and ``ChannelUnreachable``:
        also (``channel.unclear``) for a file whose digest or sums are wrong.
        """
        ...


class PayerKnown(Protocol):
    """Finds out who pays inside the channel's own app, whose browser knows it: a browser goes there and comes back."""

    def way(self, *, back: str, state: str) -> str:
        """Return the address to send the browser to.

        It comes back to ``back`` with the query parameters ``code`` and ``state``, which is letters and digits only.
        """
        ...

    async def payer_of(self, code: str) -> str:
        """Return the channel's id of who came back with a code, as ``ChannelOrder.payer`` takes it.

        Raises ``Unknown("wechat.code")`` for a code that is none, is over or was used, ``Refused`` for a person who
        cannot be known, ``Denied`` for one who is blocked, and ``Overloaded`` when nobody answers in time.
        """
        ...


@runtime_checkable
class KnowingChannel(Protocol):
    """A channel that may find out who pays."""

    @property
    def payers(self) -> PayerKnown | None:
        """Who finds it out; None where the contract names no account for it."""
        ...


@runtime_checkable
class AppChannel(Protocol):
    """A channel whose payers are known to an app of the channel's, e.g. a mini-program of WeChat's."""

    @property
    def app_of_payers(self) -> str:
        """The id of that app: payers whom another app knows pay nothing here."""
        ...
