"""What drivers send to and get from a code. Guide: ``docs/guides/lane-codes.md``."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from openberth.contexts.facility import LaneKind, LotState
from openberth.contexts.payments import AttemptState
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.stays.api.views import DueView
from openberth.contexts.stays.model.entities import Ask, Barrier
from openberth.infra.http.answers import MaskedPlate, MoneyView, NameView, View, When
from openberth.infra.http.asks import Form
from openberth.kernel.ids import Id

PASS_MAX = 64
PAYER_CODE_MAX = 200
CLAIM_PATTERN = re.compile(r"^[A-Za-z0-9_-]{22,64}$")  # 128 bits or more


class DriverWaiting(View):
    """The car that waits at the lane, and what it has to do. ``channels`` are the ways to pay, the usual one first."""

    passage: Id
    plate: MaskedPlate | None
    ask: Ask
    bill: DueView | None
    channels: list[ChannelKind] = Field(default_factory=list)


class DriverLane(View):
    """A lane as its code shows it. ``zone`` is the lot's: times at the sign are read by its clock."""

    kind: Literal["lane"] = "lane"
    lot: str
    zone: str
    lane: str
    name: NameView
    direction: LaneKind
    waiting: DriverWaiting | None


class DriverLot(View):
    """A lot as its code shows it. ``zone`` is its own: times at the sign are read by its clock."""

    kind: Literal["lot"] = "lot"
    lot: str
    zone: str
    name: NameView
    free: int
    state: LotState


class DriverOrder(View):
    """Where to pay, by which channel, and how long (machine time); ``receipt`` is where the receipt will be once it is
    paid, for whoever has this address, and ``order`` what asks what became of it. ``client`` is for the channel's own
    app: what ``wx.requestPayment`` takes.
    """

    attempt: Id
    channel: str
    pay_url: str | None
    due: MoneyView
    expires_at: When
    receipt: str
    order: str
    client: Mapping[str, str] = Field(default_factory=dict, repr=False)


class DriverPayment(View):
    """What became of an order, for whoever made it; ``barrier`` is null away from lanes and while nothing is paid."""

    state: AttemptState
    due: MoneyView
    receipt: str | None = Field(description="where the receipt is; null while nothing is paid")
    barrier: Barrier | None


class DriverPass(View):
    """The pass of a car without a readable plate; it is the plate of this stay."""

    token: str = Field(alias="pass", repr=False)
    passage: Id


class DriverBill(View):
    """What a stay costs by now, and the ways to pay it when something is due, the usual one first.

    ``receipts`` are where the receipts of what was paid are: told to whoever has the pass, nobody by a plate alone.
    """

    bill: DueView
    channels: list[ChannelKind] = Field(default_factory=list)
    receipts: list[str] = Field(default_factory=list)


class WayForm(Form):
    """By which channel is paid; without one the lot's first.

    ``way`` says where the payer stands: before a code to be scanned by another phone (so, too, without a word), on the
    channel's page in a browser, or in a mini-program, which shows by ``payer_code`` (of ``wx.login``) who pays.
    """

    channel: ChannelKind | None = None
    way: Literal["code", "page", "app"] | None = None
    payer_code: str | None = Field(None, min_length=1, max_length=PAYER_CODE_MAX, repr=False)


class PayForm(WayForm):
    """Which bill is paid at the code of a lot, and how."""

    bill: Id


class LanePayForm(WayForm):
    """How the car that waits at a lane pays.

    ``bill`` is the one that is meant, where another car may have come forward meanwhile.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    bill: Id | None = None


class EnterForm(Form):
    """Who asks for a pass: ``claim`` is a random text of the phone's own, which it sends again when it asks again."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    claim: str | None = Field(None, pattern=CLAIM_PATTERN, repr=False)


class LeaveForm(Form):
    """The pass of the car that stands at the exit."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    token: str = Field(alias="pass", min_length=1, max_length=PASS_MAX, repr=False)


class BillForm(Form):
    """Whose stay is asked about: a plate, or a pass."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    plate: str | None = Field(None, min_length=1, max_length=40, repr=False)
    token: str | None = Field(None, alias="pass", min_length=1, max_length=PASS_MAX, repr=False)
