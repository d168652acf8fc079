"""Adding what happened to the rollups: the effect of one event, in the unit that moves the consumer's cursor."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from openberth.contexts import facility
from openberth.contexts.insight.model.finance import Sums
from openberth.contexts.insight.model.generations import GenerationState, LotKnown, known_at
from openberth.contexts.insight.model.movements import KINDS, MEASURES, Key, Movement, keys_of, movement_of
from openberth.contexts.insight.store import rows as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

CONSUMER = "insight.finance"  # for ever
LOT_KINDS = frozenset(("facility.lot_applied", "tenancy.lot_came"))


@by_construction
def feed(unit: Unit, *, envelope: Envelope) -> None:
    """Add what an event moves to the serving generation; what changes a lot is noted."""
    if envelope.kind in LOT_KINDS:
        if envelope.lot is not None:
            _learn(unit, envelope.lot, envelope.position or 0)
        return
    add(unit, generation=serving(unit), envelopes=(envelope,))


def serving(reader: Reader) -> int:
    """Return the number of the generation that answers."""
    return reader.all(store.NUMBER, state=GenerationState.SERVING.value)[0]


@inner
def add(unit: Unit, *, generation: int, envelopes: Iterable[Envelope]) -> None:
    """Add what events move to a generation."""
    found: defaultdict[Key, list[int]] = defaultdict(lambda: [0] * (2 * len(MEASURES)))
    zones: dict[Id, list[LotKnown]] = {}
    for envelope in envelopes:
        movement = movement_of(envelope) if envelope.kind in KINDS else None
        if movement is not None and envelope.lot is not None:
            zone = _zone(unit, envelope.lot, envelope.position or 0, zones)
            for key in keys_of(envelope, movement, zone):
                _count(found[key], movement)
    for key, sums in found.items():
        _add_row(unit, generation, key, tuple(sums))


def added_up(envelopes: Iterable[Envelope]) -> Mapping[tuple[Id, str], list[int]]:
    """Return what events move, by company and currency: for who compares."""
    found: defaultdict[tuple[Id, str], list[int]] = defaultdict(lambda: [0] * (2 * len(MEASURES)))
    for envelope in envelopes:
        movement = movement_of(envelope) if envelope.kind in KINDS else None
        if movement is not None and envelope.company is not None:
            _count(found[envelope.company, movement.currency], movement)
    return found


def _count(sums: list[int], movement: Movement) -> None:
    for place, measure in enumerate(MEASURES):
        minor = movement.amounts.get(measure, 0)
        if minor:
            sums[place] += minor
            sums[len(MEASURES) + place] += 1


def _add_row(unit: Unit, generation: int, key: Key, sums: Sums) -> None:
    # Rows are written by one consumer or by one rebuild at a time: whoever holds the cursor.
    if not unit.run(store.ADD, **store.key_params(generation, key, sums)):
        unit.run(store.INSERT, **store.row_params(generation, key, sums))


def _zone(unit: Unit, lot: Id, position: int, known: dict[Id, list[LotKnown]]) -> str:
    if lot not in known:
        known[lot] = unit.all(store.LOT_KNOWN, lot=lot) or [_learn(unit, lot, position)]
    found = known_at(known[lot], position)
    assert found is not None, "a lot is known once it was looked at"
    return found.zone


def _learn(unit: Unit, lot: Id, position: int) -> LotKnown:
    """Note what holds of a lot from a position on, when it is not known already.

    It is looked at once, when its change is consumed, and then stands for ever: a rebuild reads what was noted.
    """
    now = facility.lot_by_id(unit, lot=lot)
    records = unit.all(store.LOT_KNOWN, lot=lot)
    newest = records[0] if records else None
    if newest is not None and (newest.company, newest.code, newest.zone) == (now.company, now.code, now.zone):
        return newest
    noted = LotKnown(lot, position, now.company, now.code, now.zone)
    unit.run(
        store.INSERT_LOT, lot_id=lot, since=position, company_id=now.company, code=now.code, zone=now.zone
    )  # fmt: skip
    return noted
