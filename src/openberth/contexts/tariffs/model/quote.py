"""What a price consists of: segments in, lines out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from openberth.contexts.tariffs.model.tariff import Calendar, Tariff, Vehicle
from openberth.kernel.errors import Param, Problem
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, Period


class NotComputable(Problem):
    """A price cannot be worked out: never answered with 0 or a guess. ``params["reason"]`` says why."""

    status = 409

    def __init__(self, reason: str, /, **params: Param) -> None:
        super().__init__("tariff.not_computable", reason=reason, **params)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a stay under one tariff, or under a right that costs nothing.

    ``right`` is the word of the permit kind (``resident``, ``internal`` …). Without tariff and without right the
    segment has no price, which is an error and not a gift. ``period.end`` None: the car is still there.
    ``depth`` is 0 in the lot, 1 in an area inside it and so on. A tariff together with a right prices a permit that
    is not free.
    """

    period: Period
    tariff: Tariff | None
    right: str | None = None
    depth: int = 0


class NestedCaps(StrEnum):
    """How the caps of an outer and an inner area's tariffs work together."""

    SEPARATE = "separate"  # each limits its own
    INNER_FIRST = "inner_first"  # the inner's limit the inner's, then the outer's limit both together
    OUTER_FIRST = "outer_first"  # the outer's limit the outer's, then the inner's limit both together


class ReliefKind(StrEnum):
    """What a relief gives."""

    MINUTES = "minutes"  # so many minutes, the first that would be charged
    UNTIL = "until"  # everything before an instant
    PERIOD = "period"  # the minutes of a span: those in which the car charged
    AMOUNT = "amount"
    PERCENT = "percent"
    TARIFF = "tariff"  # the price of another tariff, if it is lower
    FREE = "free"


class AgainstCaps(StrEnum):
    """Whether a relief works on the price before caps limit it or after."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Relief:
    """Something that lowers a price: a coupon, a merchant's validation, charging. One value field per kind is set.

    ``id`` is the giver's own and comes back with the value it had. ``group`` names reliefs that exclude each other
    where the rules say so; ``percent`` is what is taken off (20: one fifth). ``most`` limits the value of a relief.
    """

    id: str
    kind: ReliefKind
    source: str = "coupon"
    group: str = ""
    minutes: int = 0
    until: Instant | None = None
    period: Period | None = None
    amount: Money | None = None
    percent: Fraction = Fraction(0)
    tariff: Tariff | None = None
    caps: AgainstCaps = AgainstCaps.AFTER
    from_total: Money | None = None  # only when the price without relief is at least that
    most: Money | None = None


@dataclass(frozen=True, slots=True)
class ReliefRules:
    """What a lot allows: how many, which kinds together, in which order, and what must be paid in any case.

    ``together`` holds pairs of kinds that may be used in one stay (a kind with itself: several of that kind);
    None allows all. ``order`` is the order in which kinds are applied.
    """

    at_most: int = 3
    together: frozenset[tuple[ReliefKind, ReliefKind]] | None = None
    order: tuple[ReliefKind, ...] = tuple(ReliefKind)
    minimum_pay: Money | None = None
    one_per_group: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """What a lot decides about pricing beside its tariffs."""

    nested_caps: NestedCaps = NestedCaps.SEPARATE
    reliefs: ReliefRules = ReliefRules()


UNKNOWN_VEHICLE = Vehicle()


@dataclass(frozen=True, slots=True)
class CapUse:
    """What a vehicle's visits have used up of a cap that holds across them, in one span of it.

    ``cap`` is the cap's ``span_name``; ``used`` is what was charged before reliefs on the total.
    """

    tariff: str
    cap: str
    begins: Instant
    ends: Instant
    used: Money


@dataclass(frozen=True, slots=True)
class Terms:
    """All that pricing needs to know beside the segments; nothing is looked up.

    ``zone`` is the lot's. ``free_used_at`` is when this vehicle entered for the stay that last used free minutes,
    ``cap_uses`` what its visits before have used up of caps across visits.
    """

    currency: str
    zone: str = "Asia/Shanghai"
    vehicle: Vehicle = UNKNOWN_VEHICLE
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    policy: Policy = Policy()
    reliefs: tuple[Relief, ...] = ()
    free_used_at: Instant | None = None
    cap_uses: tuple[CapUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation: a catalogue code with parameters, the minutes it accounts for, and money."""

    code: str
    params: Mapping[str, Param]
    minutes: int
    amount: Money


@dataclass(frozen=True, slots=True)
class ReliefUse:
    """What a relief was worth in a quote: to be burnt when the bill is settled, given back when it is refunded."""

    id: str
    kind: ReliefKind
    value: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a stay until an instant.

    The lines' amounts add up to ``total`` and their minutes to ``minutes`` = charged + free + outside, always.
    ``outside_minutes`` lie under a right and no tariff. ``next_change_at`` is the first instant at which staying costs
    more than ``total``; None when it never does. ``before_relief`` is the total that the reliefs lowered.
    """

    lines: tuple[Line, ...]
    total: Money
    entered: Instant
    until: Instant
    next_change_at: Instant | None
    charged_minutes: int
    free_minutes: int
    outside_minutes: int
    before_relief: Money
    reliefs: tuple[ReliefUse, ...] = ()
    free_used: bool = False  # free minutes were used: what ``Terms.free_used_at`` of the next stay needs
    cap_uses: tuple[CapUse, ...] = ()  # those of spans that go on: ``Terms.cap_uses`` of the vehicle's next stay

    @property
    def minutes(self) -> int:
        """Return the whole minutes of the stay."""
        return self.charged_minutes + self.free_minutes + self.outside_minutes


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came for a stay, or relief that counts like it, at an instant.

    ``priced_at`` is the moment whose price was asked for when it was paid in time; None: the price of ``at``.
    ``grace_minutes`` are the minutes to leave in that this payment gives; None: those of the tariff. ``told_at`` is
    when it was told of, if that was later than the price it was asked for stood, which is ``at`` then.
    """

    amount: Money
    at: Instant
    priced_at: Instant | None = None
    grace_minutes: int | None = None
    told_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is still owed for a stay at an instant.

    ``quote`` is the price that holds: as of the payment while its grace lasts, as of now otherwise. ``due`` and
    ``surplus`` are never negative and one of them is zero. ``due`` stays as it is before ``holds_until`` (None: for
    ever). ``grace_until`` is the end of the grace that runs now; ``graces`` counts those given so far.
    """

    quote: Quote
    paid: Money
    due: Money
    surplus: Money
    grace_until: Instant | None
    graces: int
    holds_until: Instant | None
