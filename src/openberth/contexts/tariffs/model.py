"""What a tariff says and what a price consists of: values without a clock.

A ``Tariff`` is one version of a tariff file and never changes; a ``Quote`` is a price explained line by line. Minutes
are whole minutes of a stay, money is rounded once per line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openberth.kernel.errors import Param, Problem
from openberth.kernel.ids import Id
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import Instant, Period


class FreeMode(StrEnum):
    """What free minutes mean once a car stays longer."""

    THRESHOLD = "threshold"  # longer than that: everything is charged, from the first minute
    DEDUCT = "deduct"  # the first minutes stay free


class UnitRounding(StrEnum):
    """What a unit costs that was begun and not finished."""

    UP = "up"  # a whole unit
    DOWN = "down"  # nothing


class CapKind(StrEnum):
    """Over which span a cap holds."""

    ROLLING_24H = "rolling_24h"  # each 24 h counted from the first minute under the tariff


class SecondsPolicy(StrEnum):
    """How a moment becomes a whole minute of the stay."""

    TRUNCATE = "truncate"  # seconds do not count
    EXACT = "exact"  # a begun minute counts


@dataclass(frozen=True, slots=True)
class Free:
    """Minutes at the start that cost nothing."""

    minutes: int = 0
    mode: FreeMode = FreeMode.THRESHOLD


@dataclass(frozen=True, slots=True)
class Charge:
    """A price for every ``unit_minutes``."""

    unit_minutes: int
    price: Rate
    rounding: UnitRounding = UnitRounding.UP


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``amount`` in each span of the kind."""

    kind: CapKind
    amount: Money


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff of a company; equal values are the same version."""

    code: str
    company_code: str
    name_zh: str
    name_en: str
    currency: str
    charge: Charge
    free: Free = Free()
    caps: tuple[Cap, ...] = ()
    seconds: SecondsPolicy = SecondsPolicy.TRUNCATE
    grace_after_payment_minutes: int = 15


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
    """

    period: Period
    tariff: Tariff | None
    right: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation: a catalogue code with parameters, the minutes it accounts for, and money."""

    code: str
    params: Mapping[str, Param]
    minutes: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a stay until an instant.

    The lines' amounts add up to ``total`` and their minutes to ``minutes`` = charged + free + outside, always.
    ``outside_minutes`` lie under a right and no tariff. ``next_change_at`` is the first instant at which staying costs
    more than ``total``; None when it never does.
    """

    lines: tuple[Line, ...]
    total: Money
    entered: Instant
    until: Instant
    next_change_at: Instant | None
    charged_minutes: int
    free_minutes: int
    outside_minutes: int

    @property
    def minutes(self) -> int:
        """Return the whole minutes of the stay."""
        return self.charged_minutes + self.free_minutes + self.outside_minutes


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came for a stay, or relief that counts like it, at an instant.

    ``priced_at`` is the moment whose price was asked for when it was paid in time; None: the price of ``at``.
    """

    amount: Money
    at: Instant
    priced_at: Instant | None = None


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


@dataclass(frozen=True, slots=True)
class TariffPublished:
    """A company published a version of a tariff."""

    KIND: ClassVar[str] = "tariffs.published"
    VERSION: ClassVar[int] = 1

    tariff: Id
    code: str
    version_id: Id
    version_number: int


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """A published version: in force from ``valid_from`` (business time) until a later one is."""

    id: Id
    company: Id
    code: str
    number: int
    valid_from: Instant
    published_at: Instant
    tariff: Tariff
