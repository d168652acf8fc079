"""What is wrong with a device, a sensor or an area, and when it was over. Pure.

An alarm stands in the list of ``infra.alarms`` until its cause is gone. Here is what tells of its beginning and its
end, and the alarm as it is remembered afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class EndedAlarm:
    """An alarm that stood from ``since`` until ``ended_at`` (business time), with the last that was known of it."""

    id: Id
    company: Id
    lot: Id
    kind: str
    subject: Id
    since: Instant
    ended_at: Instant
    params: Mapping[str, Any]

    @property
    def code(self) -> str:
        """Return the catalogue's code of the text."""
        return f"alarm.{self.kind}"


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Something is wrong with what ``subject`` names: a device, a collector, a sensor, an area."""

    KIND: ClassVar[str] = "facility.alarm_raised"
    VERSION: ClassVar[int] = 1

    alarm: str
    subject: Id
    since: int


@dataclass(frozen=True, slots=True)
class AlarmEnded:
    """It is over."""

    KIND: ClassVar[str] = "facility.alarm_ended"
    VERSION: ClassVar[int] = 1

    alarm: str
    subject: Id
    since: int
