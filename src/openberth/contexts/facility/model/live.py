"""What stands on lots and moves there, as the live page shows it. Pure."""

from dataclasses import dataclass

from openberth.contexts.facility.model.operation import AreaCount, CommandKind, CommandState, LaneKind, Outcome
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class AreaNow:
    """An area with its three numbers; ``inside`` is the area around it."""

    lot: Id
    name_zh: str
    name_en: str
    inside: Id | None
    count: AreaCount


@dataclass(frozen=True, slots=True)
class LaneOnLot:
    """A lane by itself."""

    id: Id
    lot: Id
    code: str
    name_zh: str
    name_en: str
    kind: LaneKind


@dataclass(frozen=True, slots=True)
class DevicesNow:
    """How many devices of a lot are heard, are silent, and were never heard."""

    online: int = 0
    offline: int = 0
    never_seen: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A command to a gate and what became of it, as far as anybody knows."""

    id: Id
    kind: CommandKind
    state: CommandState
    outcome: Outcome | None
    detail: str | None
