"""What tariffs needs from outside: somebody who knows which days are holidays."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Protocol

from openberth.contexts.tariffs.model import CalendarDay


class DaySource(Protocol):
    """Knows the day types of regions for some years; what it says is checked and kept, never asked for at a lane."""

    @property
    def name(self) -> str:
        """Return the name of the source, for the log."""
        ...

    def days(self, calendar: str, years: Iterable[int]) -> Mapping[date, CalendarDay]:
        """Return every day of those of the years that it knows; none when it knows none of them.

        ``calendar`` is the code of a country, with that of a part where holidays differ: ``cn``, ``sg``, ``de-by``.
        It may take a tenth of a second. Raises ``Refused("calendar.region")`` for a region that it does not know.
        """
        ...
