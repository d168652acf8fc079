"""Faults on demand: what goes wrong with devices and readings, by name and rate.

A rate is the share of events, or of devices where the text says so, that the fault strikes. It may be changed while
the town runs; the next event sees the new rate.
"""

from collections.abc import Iterable, Mapping
from random import Random

FAULTS: Mapping[str, tuple[float, str]] = {
    "retransmit-forever": (1.0, "cameras (share) that resend a record for ever until they see retransfer_stop"),
    "lost-ack": (0.05, "answers that never reach the camera: it resends what the server has long stored"),
    "offline": (
        0.3,
        "cameras (share, per 6 business hours) without network: they open by themselves and replay later",
    ),
    "duplicate": (
        0.1,
        "recognitions reported a second time by another trigger under a new number, some of them unread",
    ),
    "clock-skew": (0.3, "cameras (share) whose clock is wrong, half of them beyond what a lot tolerates"),
    "misread": (0.02, "plates read with one similar character wrong"),
    "unread": (0.01, "plates not read at all although the car has one"),
    "reorder": (0.1, "records of MQTT cameras that leave after the next one"),
    "drop": (0.05, "messages of MQTT cameras that are lost with their connection: they are said again"),
    "sensor-drop": (0.05, "changes of a space that its sensor tells nobody; the next full state does"),
    "sensor-duplicate": (0.1, "changes of a space that its sensor tells twice"),
    "sensor-reorder": (0.1, "changes of spaces that overtake one another"),
    "sensor-flapping": (0.01, "changes of a space after which its sensor changes its mind, again and again"),
    "collector-silent": (0.005, "messages after which a collector keeps still for longer than it may"),
    "collector-cut": (0.01, "messages after which a collector's connection breaks"),
    "barrier-cut": (0.02, "passes after which the barrier's connection breaks"),
}


class Faults:
    """Which faults are on, and how often they strike."""

    def __init__(self, rates: Mapping[str, float] | None = None) -> None:
        self._rates: dict[str, float] = {}
        for name, rate in (rates or {}).items():
            self.set(name, rate)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Faults":
        """Read ``NAME`` or ``NAME=RATE``; raise ``ValueError`` saying which names there are."""
        faults = cls()
        for text in texts:
            name, equals, rate = text.partition("=")
            if name not in FAULTS:
                raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
            try:
                faults.set(name, float(rate) if equals else FAULTS[name][0])
            except ValueError:
                raise ValueError(f"{rate!r} is not a rate from 0 to 1") from None
        return faults

    def set(self, name: str, rate: float) -> None:
        """Set a rate from 0 (off) to 1; raise ``ValueError`` for another number or an unknown name."""
        if name not in FAULTS or not 0 <= rate <= 1:
            raise ValueError(f"{name}={rate} is not a fault with a rate from 0 to 1")
        self._rates[name] = rate

    def rate(self, name: str) -> float:
        """Return the rate of a fault, 0 when it is off."""
        return self._rates.get(name, 0.0)

    def strikes(self, name: str, rng: Random) -> bool:
        """Tell whether the fault strikes this time."""
        rate = self._rates.get(name, 0.0)
        return rate > 0 and rng.random() < rate

    def __str__(self) -> str:
        return " ".join(f"{name}={rate:g}" for name, rate in self._rates.items() if rate) or "none"
