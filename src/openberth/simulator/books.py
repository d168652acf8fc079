"""The simulator's own books: what every car did, saw and paid, written down where it happened.

Nothing here asks the server; ``comparison`` does that at the end. Amounts are minor units, instants business time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from openberth.simulator.devices.vzenith_wire import Sight
from openberth.simulator.plan import Lane, LotPlan, Permit
from openberth.simulator.plates import CarPlate

SANDPAY, WECHATPAY, ALIPAY, CASH, CARD, PREPAID = "sandpay", "wechatpay", "alipay", "cash", "pos", "prepaid"


@dataclass(slots=True)
class Account:
    """A prepaid account of one car, and what was put into it: methods with minor units."""

    id: str
    code: str
    lot: LotPlan
    car: CarPlate
    fills: list[tuple[str, int]] = field(default_factory=list)


class Fate(StrEnum):
    """Where a car is."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    LEFT = "left"


class Doing(StrEnum):
    """What a driver is about; only who waits for a turn or is away from the car may be sent home at the end."""

    QUEUEING = "queueing"
    AT_LANE = "at_lane"
    PARKED = "parked"
    BUSY = "busy"


@dataclass(slots=True)
class Crossing:
    """A car at one lane: every time a camera there saw it, and when it drove through (0: it did not).

    ``waited`` when anything else than the first look decided: a payment, a scanned code, a person. The server may then
    date the crossing by its own clock.
    """

    lane: Lane
    sights: list[Sight] = field(default_factory=list)
    waited: bool = False
    passed_us: int = 0

    @property
    def told(self) -> bool:
        """Whether the server has answered a record of it, or somebody there saw to it."""
        return self.waited or any(sight.answered_us for sight in self.sights)

    def explains(self, instant_us: int, *, skew_us: int, slack_us: int) -> bool:
        """Tell whether the server may rightly say the car crossed at this instant.

        It is what a camera said, or, where the camera's clock was further off than the lot tolerates or somebody had
        to help, the time between the first sending and the answer or passage; ``slack_us`` is the clocks' doubt.
        """
        if any(sight.stamp_us == instant_us for sight in self.sights):
            return True
        for sight in self.sights:
            skewed = sight.live and abs(instant_us - sight.stamp_us) > skew_us - slack_us
            from_the_future = sight.stamp_us - skew_us > instant_us - slack_us
            known_us = sight.answered_us or self.passed_us
            in_time = sight.sent_us - slack_us <= instant_us <= known_us + slack_us
            if (skewed or from_the_future) and in_time:
                return True
        begun_us = min((sight.sent_us or sight.stamp_us for sight in self.sights), default=self.passed_us)
        return self.waited and begun_us - slack_us <= instant_us <= self.passed_us + slack_us


@dataclass(frozen=True, slots=True)
class BillSeen:
    """A bill as it was shown to the driver, and what the car had paid until then."""

    id: str
    due_minor: int
    quoted_us: int | None
    paid_before_minor: int
    inner_before: int  # inner lanes crossed until then
    inner_told: int  # how many of those the server knew for sure; the others may have been in a camera's store


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that left a driver's hands."""

    method: str
    minor: int
    bill: str
    at_us: int
    reference: str


@dataclass(slots=True)
class Visit:
    """One car's visit to one lot. ``known_as`` is the plate or pass under which the server knows the stay."""

    number: int
    lot: LotPlan
    rng: Random
    car: CarPlate | None
    permit: Permit | None = None
    account: Account | None = None
    charged_minor: int = 0  # what its account paid at the exit, by our own price
    known_as: str = ""
    has_pass: bool = False
    fate: Fate = Fate.OUTSIDE
    doing: Doing = Doing.QUEUEING
    entry: Crossing | None = None
    inner: list[Crossing] = field(default_factory=list)
    exit: Crossing | None = None
    bills: dict[str, BillSeen] = field(default_factory=dict)
    payments: list[Paid] = field(default_factory=list)
    confirmed_us: int = 0  # when the phone gave up asking whether money sent in advance had arrived, or was told so
    left_unpaid: bool = False
    turned_back: int = 0  # how often it backed out of an entry after the camera had read it
    trouble: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How reports call the car."""
        return f"{self.lot.code} car {self.number} ({self.car.text if self.car else self.known_as or 'no plate'})"

    @property
    def paid_minor(self) -> int:
        """What it has paid so far, with what its account has."""
        return sum(payment.minor for payment in self.payments) + self.charged_minor

    @property
    def comes_again(self) -> str:
        """The plate of a car that comes again, because it has a permit or an account; empty for another one."""
        if self.permit is not None:
            return self.permit.plate
        return "" if self.account is None else self.account.car.text

    @property
    def plates(self) -> list[str]:
        """Every name under which the server may hold the stay."""
        names = [self.known_as] if self.known_as else []
        if self.car is not None and self.car.text not in names:
            names.append(self.car.text)
        return names

    def see_bill(self, bill: str, due_minor: int, quoted_us: int | None) -> None:
        """Write down a bill the first time it is shown."""
        untold = (index for index, crossing in enumerate(self.inner) if not crossing.told)
        told = next(untold, len(self.inner))
        self.bills.setdefault(bill, BillSeen(bill, due_minor, quoted_us, self.paid_minor, len(self.inner), told))

    def pay(self, payment: Paid) -> bool:
        """Write down money that was paid; the same payment twice is one. Tell whether it was new."""
        if any(known.reference == payment.reference for known in self.payments):
            return False
        self.payments.append(payment)
        return True


class Books:
    """All visits of a run, the prepaid accounts, and which of the cars that come again are out."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.accounts: list[Account] = []
        self._out: set[str] = set()

    def open(self, visit: Visit) -> None:
        """Begin a visit."""
        self.visits.append(visit)
        if visit.comes_again:
            self._out.add(visit.comes_again)

    def close(self, visit: Visit) -> None:
        """End a visit; a car with a permit or an account may come again, unless its departure may still be in a
        camera's store, or an account did not pay and the next exit could ask for that.
        """
        stored = visit.exit is not None and any(sight.stored for sight in visit.exit.sights)
        owing = visit.account is not None and visit.left_unpaid
        if visit.fate is not Fate.INSIDE and not stored and not owing:
            self._out.discard(visit.comes_again)

    def free_permits(self, lot: LotPlan) -> list[Permit]:
        """Return the permits of a lot whose cars are not out and about."""
        return [permit for permit in lot.permits if permit.plate not in self._out]

    def free_accounts(self, lot: LotPlan) -> list[Account]:
        """Return the accounts of a lot whose cars are not out and about."""
        return [one for one in self.accounts if one.lot is lot and one.car.text not in self._out]

    def holds(self, account: Account) -> int:
        """Return what is left in an account."""
        charged = sum(visit.charged_minor for visit in self.visits if visit.account is account)
        return sum(minor for _, minor in account.fills) - charged

    def of_lot(self, lot: LotPlan) -> Iterator[Visit]:
        """Return the visits of a lot."""
        return (visit for visit in self.visits if visit.lot is lot)

    def left_through(self, lot: LotPlan, lane: str, stamp_us: int) -> Visit | None:
        """Return whose car it was that left through a lane when its camera says so, if it has not come again since."""
        for visit in self.of_lot(lot):
            way = visit.exit
            if way is not None and way.lane.code == lane and any(sight.stamp_us == stamp_us for sight in way.sights):
                later = (each for each in self.of_lot(lot) if each.known_as == visit.known_as)
                return None if any(each.fate is Fate.INSIDE for each in later) else visit
        return None

    def received(self, lot: LotPlan) -> dict[str, int]:
        """Return what a lot's cars paid, and what was put into its accounts, by method."""
        sums: dict[str, int] = {}
        paid = [(payment.method, payment.minor) for visit in self.of_lot(lot) for payment in visit.payments]
        paid += [(PREPAID, visit.charged_minor) for visit in self.of_lot(lot) if visit.charged_minor]
        paid += [fill for account in self.accounts if account.lot is lot for fill in account.fills]
        for method, minor in paid:
            sums[method] = sums.get(method, 0) + minor
        return sums
