"""Phones and the messages they received, in memory, with the bounds that operators keep for each number."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MESSAGES_MAX = 1_000
NUMBER = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
# Codes of one signature to one number: so many in so many seconds, and how the service words it.
BOUNDS = (
    (1, 60, "触发分钟级流控Permits:1"),
    (5, 3_600, "触发小时级流控Permits:5"),
    (10, 86_400, "触发天级流控Permits:10"),
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message on a phone."""

    number: str
    text: str
    at_s: int


class Phones:
    """All phones there are. ``clock`` gives Unix seconds; ``advance`` lets the bounds forget sooner."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead_s = 0
        self._messages: deque[Message] = deque(maxlen=MESSAGES_MAX)

    def now_s(self) -> int:
        """Return the time by which messages are dated and counted."""
        return int(self._clock()) + self._ahead_s

    def advance(self, seconds: int) -> None:
        """Let time pass for the bounds."""
        self._ahead_s += seconds

    def flooded(self, number: str) -> str | None:
        """Return which bound a further message to a number would break, None for none."""
        now = self.now_s()
        times = [each.at_s for each in self._messages if each.number == number]
        for most, span, words in BOUNDS:
            if sum(now - at_s < span for at_s in times) >= most:
                return words
        return None

    def receive(self, number: str, text: str) -> None:
        """Let a message arrive."""
        self._messages.append(Message(number, text, self.now_s()))

    def of(self, number: str | None) -> list[Message]:
        """Return what a phone, or every phone, received, newest first."""
        return [each for each in reversed(self._messages) if number in (None, each.number)]
