"""Cars inside that look like the one at the exit: a help for the person who decides, never a match by itself.

Whoever looks at an open case is shown the cars of now; what they were when the case was raised is kept with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts.stays.model.entities import Case, CaseKind, OpenStay, Stay, picture_name
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra import jobs, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate, nearest
from openberth.kernel.time import Instant

SHOWN_MAX = 5
DISTANCE_MAX = 4
JOB_ALIKE = "stays.look_alike"
ASKED_FOR = frozenset({CaseKind.EXIT_WITHOUT_ENTRY, CaseKind.INNER_WITHOUT_ENTRY})
KEPT = "candidates"  # in the evidence of a case
ENDED = "ended"  # likewise: a stay with this very plate that was ended softly


@dataclass(frozen=True, slots=True)
class Candidate:
    """A car inside, with its plate masked and where its picture from the entry is."""

    stay: Id
    plate: str
    entered_at: Instant
    passage: Id
    pictures: int

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its pictures."""
        return tuple(picture_name(self.passage, number) for number in range(self.pictures))


def similar_inside(reader: Reader, *, lot: Id, plate: Plate) -> list[Candidate]:
    """Return open stays of a lot whose plate is close to this one, nearest first.

    Plates are opened in memory only. It takes milliseconds for a full lot, so it is for readers; of units
    only for that of an unknown car at an exit after a passback reset.
    """
    stays: dict[str, list[Id]] = {}
    plates: list[Plate] = []
    for stay, sealed in reader.all(store.PLATES_INSIDE, lot=lot):
        text = vault.open_sealed(reader, sealed)
        if text not in stays:
            plates.append(Plate(text))
        stays.setdefault(text, []).append(stay)
    found = [stay for near in nearest(plate, plates, DISTANCE_MAX) for stay in stays[near.plate.text]]
    return candidates(reader, found[:SHOWN_MAX])


def candidates(reader: Reader, stays: Sequence[Id]) -> list[Candidate]:
    """Return stays as they are shown to choose from; those that are over by now as they were."""
    found = []
    for stay in stays:
        row: OpenStay | Stay | None = reader.one(store.OPEN_STAY, stay=stay) or reader.one(store.STAY, stay=stay)
        text = vault.reveal(reader, row.plate_id) if row is not None and row.plate_id is not None else None
        if row is None or text is None:
            continue
        entry = reader.one(passage_store.PASSAGE, passage=row.entry_passage_id)
        found.append(
            Candidate(
                stay, Plate(text).masked, row.entered_at, row.entry_passage_id, 0 if entry is None else entry.pictures
            )
        )
    return found


def kept(reader: Reader, case: Case) -> list[Candidate]:
    """Return the cars that looked like the one in question when its case was raised."""
    return [*ended(reader, case), *candidates(reader, [Id(each) for each in case.evidence.get(KEPT, ())])]


def ended(reader: Reader, case: Case) -> list[Candidate]:
    """Return the stay that was ended softly and may go on."""
    return candidates(reader, [Id(each) for each in case.evidence.get(ENDED, ())])


@inner
def look_soon(unit: Unit, case: Case) -> None:
    """Have the cars that look like the one in question written down, outside of the lane's unit."""
    jobs.schedule(unit, kind=JOB_ALIKE, body={"case": str(case.id)}, unique_key=case.id.hex)


def alike_then(reader: Reader, *, case: Id) -> list[Id]:
    """Return the stays that looked like the one a case was raised for: what came in later does not count."""
    found = reader.one(case_store.CASE, case_id=case)
    passage = reader.one(passage_store.PASSAGE, passage=found.passage_id) if found and found.passage_id else None
    text = vault.reveal(reader, passage.plate_id) if passage is not None and passage.plate_id else None
    if found is None or text is None:
        return []
    similar = similar_inside(reader, lot=found.lot_id, plate=Plate(text))
    return [each.stay for each in similar if each.stay < found.id]


@by_construction
def keep_candidates(unit: Unit, *, case: Id, stays: Sequence[Id]) -> None:
    """Write the cars that looked like the one in question into the evidence of its case, once."""
    found = unit.one(case_store.CASE, case_id=case)
    if found is None or KEPT in found.evidence:
        return
    evidence = {**found.evidence, KEPT: [str(each) for each in stays]}
    unit.run(case_store.SET_EVIDENCE, case_id=case, new_evidence=evidence)
