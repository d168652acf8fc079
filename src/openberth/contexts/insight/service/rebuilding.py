"""Rebuilding: the whole log read anew into a generation of its own while the one before serves; then they swap.

Every unit is small, remembers how far it came, and can be the last before a kill. What the log has lost by retention is
copied from the generation before, span by span of the log (months), for nobody can count it anew.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from openberth.contexts import tenancy
from openberth.contexts.insight.model.generations import Generation, GenerationState
from openberth.contexts.insight.model.movements import span_of
from openberth.contexts.insight.service import feeding
from openberth.contexts.insight.store import rows as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.database import log as event_log
from openberth.infra.outbox import standing
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Denied
from openberth.kernel.time import SECOND_US, Instant

JOB_REBUILD, JOB_DROP = "insight.rebuild", "insight.drop_generation"
PAGE = 500  # events of the log that one unit looks at
READER = "insight.finance.rebuild"
DROP_AFTER_US = 60 * SECOND_US  # questions that are being answered from the generation before are done by then


class Step(StrEnum):
    """What to do after a unit of a rebuild."""

    GO_ON = "go_on"
    WAIT = "wait"  # the log has lost its beginning, and events that the consumer could not take are needed first
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is: positions of the log, of how many; ``begun_at`` is machine time, None when none goes on."""

    serving: int
    building: int | None
    begun_at: Instant | None
    position: int
    head: int


@needs("finance.rebuild")
def rebuild(unit: Unit) -> Progress:
    """Begin to rebuild, unless a rebuild is going on. Raises ``Denied("auth.out_of_scope")`` for who has one place."""
    _check_everywhere(unit)
    jobs.cancel(unit, kind=JOB_REBUILD, unique_key="once")  # one that was given up stands in the way of a new one
    if jobs.schedule(unit, kind=JOB_REBUILD, body={}, unique_key="once") and _building(unit) is None:
        number = max([feeding.serving(unit), *(one.number for one in unit.all(store.GENERATIONS))]) + 1
        unit.run(
            store.INSERT_GENERATION, number=number, state=GenerationState.BUILDING.value, copied_span=0,
            copied_period=0, begun_at=unit.machine_now, serving_since=None,
        )  # fmt: skip
        standing.begin_again(unit, name=READER, after=0)
    deed = tenancy.Deed("finance.rebuilt", "finance", "generation", after={"generation": progress(unit).building})
    tenancy.record(unit, deed)
    return progress(unit)


@needs("finance.rebuild")
def progress(reader: Reader) -> Progress:
    """Return how far a rebuild is. Raises ``Denied("auth.out_of_scope")`` as ``rebuild``."""
    _check_everywhere(reader)
    building = _building(reader)
    at = standing.standing_of(reader, name=READER).position
    return Progress(
        feeding.serving(reader), None if building is None else building.number,
        None if building is None else building.begun_at, at, event_log.head(reader),
    )  # fmt: skip


@by_construction
def step(unit: Unit) -> Step:
    """Do the next small part of a rebuild."""
    building = _building(unit)
    if building is None:
        return Step.DONE
    at = standing.held_standing(unit, name=READER)
    if at.position == 0 and building.copied_span == 0:
        waits = _look_at_beginning(unit, building)
        if waits is not None:
            return waits
        building = _building(unit) or building
    if building.copied_span and _copy(unit, building):
        return Step.GO_ON
    return _read_on(unit, building, at.position)


def _look_at_beginning(unit: Unit, building: Generation) -> Step | None:
    """Note what the log has lost. What is parked lies before it perhaps: it has to heal first."""
    begins = standing.beginning(unit)
    if begins.position <= 1:
        return None
    if standing.standing_of(unit, name=feeding.CONSUMER).parked:
        return Step.WAIT
    _save(unit, replace(building, copied_span=span_of(begins.recorded_at)))
    return None


def _copy(unit: Unit, building: Generation) -> bool:
    """Copy the next period of what the log has lost; False when all is copied."""
    source = feeding.serving(unit)
    period = unit.all(store.FIRST_PERIOD, generation=source, after=building.copied_period)[0]
    if period is None:
        return False
    unit.run(store.COPY, into=building.number, source=source, wanted=period, last_span=building.copied_span)
    _save(unit, replace(building, copied_period=period))
    return True


def _read_on(unit: Unit, building: Generation, position: int) -> Step:
    live = standing.standing_of(unit, name=feeding.CONSUMER)
    if _add_page(unit, building, position, live.position):
        return Step.GO_ON
    live = standing.held_standing(unit, name=feeding.CONSUMER)  # from here on it does not move
    if _add_page(unit, building, position, live.position):
        return Step.GO_ON
    serving = [one for one in unit.all(store.GENERATIONS) if one.state == GenerationState.SERVING.value]
    for one in serving:
        _save(unit, replace(one, state=GenerationState.OLD.value))
    _save(unit, replace(building, state=GenerationState.SERVING.value, serving_since=unit.machine_now))
    standing.caught_up(unit, name=READER, of=feeding.CONSUMER)
    jobs.schedule(
        unit, kind=JOB_DROP, body={}, due_at=Instant(unit.machine_now + DROP_AFTER_US), unique_key="once"
    )  # fmt: skip
    return Step.DONE


def _add_page(unit: Unit, building: Generation, position: int, until: int) -> bool:
    """Add the next page of events, no further than the consumer is; False when there are none."""
    page = [one for one in event_log.read_after(unit, position=position, limit=PAGE) if (one.position or 0) <= until]
    if not page:
        return False
    wanted = [one for one in page if span_of(one.recorded_at) > building.copied_span]
    feeding.add(unit, generation=building.number, envelopes=wanted)
    moved = standing.go_on(unit, name=READER, old=position, new=page[-1].position or position)
    assert moved, "the cursor is held"
    return True


@by_construction
def drop_some(unit: Unit) -> bool:
    """Delete a period of rows of a generation that serves no more; whether there may be more."""
    oldest = unit.all(store.OLDEST)[0]
    building = _building(unit)
    if oldest is None or oldest == feeding.serving(unit) or (building is not None and oldest == building.number):
        return False
    period = unit.all(store.FIRST_PERIOD, generation=oldest, after=0)[0]
    unit.run(store.DROP, gone=oldest, wanted=period)
    return True


def _check_everywhere(reader: Reader) -> None:
    if not reader.caller.scope.is_everything:
        raise Denied("auth.out_of_scope")


def _building(reader: Reader) -> Generation | None:
    found = (one for one in reader.all(store.GENERATIONS) if one.state == GenerationState.BUILDING.value)
    return next(found, None)


def _save(unit: Unit, one: Generation) -> None:
    unit.run(
        store.SAVE_GENERATION, wanted=one.number, new_state=one.state, new_copied_span=one.copied_span,
        new_copied_period=one.copied_period, new_serving_since=one.serving_since,
    )  # fmt: skip
