"""The segments of a stay on the scale of whole minutes, put together by tariff (ADR 0006, 1 and 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openberth.contexts.tariffs.engine.walk import Run
from openberth.contexts.tariffs.model import NotComputable, SecondsPolicy, Segment, Tariff
from openberth.kernel.time import MINUTE_US, Instant, later

MAX_SEGMENTS = 1_000


@dataclass(slots=True)
class Part:
    """All minutes of a stay that are priced together: one tariff, or one right. ``exit`` is where they end so far."""

    tariff: Tariff | None
    right: str | None
    depth: int
    entry: Instant
    exit: Instant
    runs: list[Run] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        """Return the own minutes."""
        runs = self.runs
        return runs[0][1] - runs[0][0] if len(runs) == 1 else sum([end - start for start, end in runs])


class Stay:
    """Segments that follow each other without gaps. Raises ``NotComputable`` for what has no honest price.

    ``seconds`` is how moments become minutes; None: as the first tariff says.
    """

    __slots__ = ("base", "currency", "entered", "seconds", "segments")

    def __init__(self, segments: Sequence[Segment], currency: str, seconds: SecondsPolicy | None = None) -> None:
        if not segments or len(segments) > MAX_SEGMENTS:
            raise NotComputable("segments", count=len(segments))
        self.segments, self.currency = segments, currency
        self.entered = segments[0].period.start
        self.seconds = self._checked(seconds)
        self.base = self.entered
        if self.seconds is SecondsPolicy.CLOCK:
            self.base = Instant(self.entered - self.entered % MINUTE_US)

    def _checked(self, policy: SecondsPolicy | None) -> SecondsPolicy:
        edge: Instant | None = self.entered
        for segment in self.segments:
            if segment.period.start != edge:
                raise NotComputable("gap")
            edge = segment.period.end
            tariff = segment.tariff
            if tariff is None:
                if segment.right is None:
                    raise NotComputable("no_tariff")
            elif tariff.currency != self.currency:
                raise NotComputable("currency", tariff=tariff.code, expected=self.currency, found=tariff.currency)
            else:
                policy = policy or tariff.seconds
        return policy or SecondsPolicy.TRUNCATE

    def minute(self, at: Instant) -> int:
        """Return the minutes of the stay that count at an instant."""
        span = at - self.base
        return -(-span // MINUTE_US) if self.seconds is SecondsPolicy.EXACT else span // MINUTE_US

    def instant(self, minute: int) -> Instant:
        """Return the first instant at which so many minutes count."""
        if self.seconds is SecondsPolicy.EXACT:
            return later(self.entered, (minute - 1) * MINUTE_US + 1)
        return later(self.base, minute * MINUTE_US)

    def parts(self, now: Instant) -> tuple[list[Part], Instant]:
        """Return what is priced together, in the order of its beginning, and the instant until which it is priced."""
        if now < self.entered:
            raise NotComputable("before_entry")
        parts: list[Part] = []
        minute, until = 0, self.entered
        for segment in self.segments:
            if segment.period.start > now:
                break
            until = now if segment.period.end is None else min(now, segment.period.end)
            start, minute = minute, self.minute(until)
            part = _part_of(segment, parts)
            part.exit = until
            if part.runs and part.runs[-1][0] == part.runs[-1][1]:
                part.runs.pop()  # nothing of it counted: it must not be where a cap's span begins
            if part.runs and part.runs[-1][1] == start:
                start = part.runs.pop()[0]
            part.runs.append((start, minute))
        return parts, until


def _part_of(segment: Segment, parts: list[Part]) -> Part:
    for part in parts:
        if part.tariff is segment.tariff or part.tariff == segment.tariff:
            if segment.tariff is None and part.right != segment.right:
                continue
            return part
    start = segment.period.start
    part = Part(segment.tariff, None if segment.tariff else segment.right, segment.depth, start, start)
    parts.append(part)
    return part
