"""What a past month would have brought under another tariff: the question, and the figures that answer it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

# Upper ends of the lengths of stay that are told apart, in minutes, each included; the last has none.
BUCKETS: tuple[int | None, ...] = (30, 60, 120, 240, 480, 720, 1_440, None)
REASONS_MAX = 40


class WhatIfState(StrEnum):
    """How far a re-pricing is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # a defect; what was worked out until then stays


@dataclass(frozen=True, slots=True)
class Repriced:
    """A closed stay with another tariff. ``draft_minor`` None: no price could be worked out, for ``reason``.

    ``uses_draft`` False: no minute of it was under the tariff that is replaced, so its price stays what it was.
    """

    minutes: int
    then_minor: int
    paid_minor: int
    draft_minor: int | None
    uses_draft: bool = True
    reason: str = ""

    @classmethod
    def length_of(cls, entered: Instant, left: Instant) -> int:
        """Return the whole minutes of a stay."""
        return (left - entered) // MINUTE_US


@dataclass(frozen=True, slots=True)
class Bucket:
    """The stays of some lengths: how many, what they were billed, and what the draft asks."""

    stays: int = 0
    then_minor: int = 0
    draft_minor: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the stays that were re-priced, in minor units; stays without a price under the draft stand apart.

    ``then_minor`` is what was billed and ``paid_minor`` what was paid of it.
    """

    stays: int = 0
    with_draft: int = 0
    then_minor: int = 0
    paid_minor: int = 0
    draft_minor: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    refused_minor: int = 0
    buckets: tuple[Bucket, ...] = tuple(Bucket() for _ in BUCKETS)

    @property
    def looked_at(self) -> int:
        """Return how many stays were looked at."""
        return self.stays + sum(self.refused.values())

    def plus(self, found: Iterable[Repriced]) -> "Figures":
        """Return the figures with more stays."""
        figures = self
        for one in found:
            figures = figures._with(one)
        return figures

    def _with(self, one: Repriced) -> "Figures":
        if one.draft_minor is None:
            reason = one.reason if one.reason in self.refused or len(self.refused) < REASONS_MAX else "other"
            refused = {**self.refused, reason: self.refused.get(reason, 0) + 1}
            return replace(self, refused=refused, refused_minor=self.refused_minor + one.then_minor)
        buckets = list(self.buckets)
        index = next(i for i, upto in enumerate(BUCKETS) if upto is None or one.minutes <= upto)
        old = buckets[index]
        buckets[index] = Bucket(old.stays + 1, old.then_minor + one.then_minor, old.draft_minor + one.draft_minor)
        return replace(
            self, stays=self.stays + 1, with_draft=self.with_draft + one.uses_draft,
            then_minor=self.then_minor + one.then_minor, paid_minor=self.paid_minor + one.paid_minor,
            draft_minor=self.draft_minor + one.draft_minor, buckets=tuple(buckets),
        )  # fmt: skip

    @classmethod
    def of_plain(cls, data: Mapping[str, Any]) -> "Figures":
        """Return the figures that were stored as JSON."""
        buckets = tuple(Bucket(**each) for each in data["buckets"])
        return cls(**{**data, "buckets": buckets})


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A question: the stays of a lot that ended in ``[from_at, until_at)``, with ``document`` in place of a tariff.

    ``tariff_code`` is the code of the tariff that is replaced, ``number`` the version that replaces it, None for a
    draft. Stays before (``after_at``, ``after_id``) are done; ``total`` is how many there are.
    """

    id: Id
    company_id: Id
    lot_id: Id
    month: str
    tariff_code: str
    number: int | None
    document: Mapping[str, Any]
    from_at: Instant
    until_at: Instant
    state: WhatIfState
    asked_at: Instant
    asked_by: str
    ended_at: Instant | None
    total: int | None
    after_at: Instant
    after_id: Id
    figures: Figures
    version: int
