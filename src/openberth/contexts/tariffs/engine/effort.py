"""How much work one price may be: a bound in steps, the same on every machine, so that no stay holds up a lane.

A step is about what passing one stretch of time or one tier costs: some microseconds. A five-year stay under four
bands a day is about 15 000.
"""

from openberth.contexts.tariffs.model import NotComputable

PRICE_STEPS = 40_000  # to price a stay at an instant, all plans and reliefs tried
AHEAD_STEPS = 20_000  # to look for the next change of the price
WALK_STEPS = 6  # to begin a walk, whatever its length


class Effort:
    """What is left of the work that a price may be."""

    __slots__ = ("_allowed", "_before", "_left")

    def __init__(self) -> None:
        self._allowed = self._left = PRICE_STEPS
        self._before = 0

    @property
    def spent(self) -> int:
        """Return the steps taken so far, over all that was begun."""
        return self._before + self._allowed - self._left

    def begin(self, steps: int) -> None:
        """Allow so many steps from now on."""
        self._before = self.spent
        self._allowed = self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps. Raises ``NotComputable("too_long")`` when nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise NotComputable("too_long")
