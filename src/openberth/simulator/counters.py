"""What happens in the town, as plain numbers that a terminal view may read at any time."""

from dataclasses import asdict, dataclass, field
from typing import Any

_SAMPLES_MAX = 20_000


@dataclass(slots=True)
class Latencies:
    """Machine time in microseconds of the last 20 000 times something took."""

    samples: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, us: int) -> None:
        """Note one duration."""
        if len(self.samples) < _SAMPLES_MAX:
            self.samples.append(us)
        else:
            self.samples[self.count % _SAMPLES_MAX] = us
        self.count += 1

    def percentile_us(self, percent: int) -> int:
        """Return the duration that ``percent`` of the samples do not exceed; 0 without samples."""
        if not self.samples:
            return 0
        rank = -(-len(self.samples) * percent // 100)
        return sorted(self.samples)[max(rank, 1) - 1]

    def summary(self) -> dict[str, int]:
        """Return count and percentiles."""
        return {
            "count": self.count,
            "p50_us": self.percentile_us(50),
            "p95_us": self.percentile_us(95),
            "p99_us": self.percentile_us(99),
            "max_us": max(self.samples, default=0),
        }


@dataclass(slots=True)
class Counters:
    """Live numbers of a run. Cars: ``arrived = admitted + refused + balked`` plus those still waiting to enter."""

    arrived: int = 0
    admitted: int = 0
    refused: int = 0  # drove away: full, closed, blocked, or nobody helped
    balked: int = 0  # the queue was too long, or the town closed before their turn
    inside: int = 0
    paid: int = 0  # payments
    paid_minor: int = 0
    left: int = 0
    left_by_hand: int = 0  # the boom was lifted by hand at the exit, paid or not
    helped: int = 0  # by the guard
    lifted: int = 0  # booms lifted on the spot because no command reached a gate that was told to open
    exceptions: int = 0  # resolved by the guard
    stray_opens: int = 0  # a boom opened with no car before it
    transmissions: int = 0  # records sent by cameras, every try counted
    retransmissions: int = 0
    sensor_losses: int = 0  # changes of spaces that nobody was told, until the next full state
    collector_cuts: int = 0
    duplicates: int = 0
    lost_answers: int = 0
    stored_offline: int = 0
    replayed: int = 0
    records_lost: int = 0  # the camera's store was full
    camera_refusals: int = 0  # answers other than 200
    barrier_commands: int = 0
    barrier_repeats: int = 0
    barrier_links: int = 0
    barrier_refusals: int = 0
    misread: int = 0
    unread: int = 0
    queues: dict[str, int] = field(default_factory=dict)  # "lot/lane" -> cars waiting for their turn
    answer: Latencies = field(default_factory=Latencies)  # recognition sent -> answer
    pay_to_open: Latencies = field(default_factory=Latencies)  # payment made -> boom open

    def snapshot(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        plain = {name: value for name, value in asdict(self).items() if isinstance(value, int)}
        return {
            **plain,
            "queues": dict(self.queues),
            "recognition_to_answer": self.answer.summary(),
            "payment_to_open": self.pay_to_open.summary(),
        }
