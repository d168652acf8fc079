"""Recognition and decision in one unit: the use case behind every camera.

Deduplicated by the source's own id, then by plate, lane and device time. A retransmission within the life of the
decision's command gets the same answer; later it opens nothing.
"""

from dataclasses import replace

from openberth.contexts import facility
from openberth.contexts.facility import Command, CommandKind, LaneContext, Outcome
from openberth.contexts.stays.model.decisions import Verdict, trusted_moment
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    LaneState,
    Passage,
    PassageState,
    Source,
)
from openberth.contexts.stays.recognition import Recognition, Trigger
from openberth.contexts.stays.service import deciding, records
from openberth.contexts.stays.service.deciding import Decided
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.infra import dedup, vault
from openberth.infra.database import Unit
from openberth.infra.vault import VaultKind
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import MINUTE_US, SECOND_US

# What a camera tells about a car it has reported before: evidence, not another passage.
_REPORTS = {
    Trigger.STAYING: "lane.staying",
    Trigger.STAYING_ENDED: "lane.staying_ended",
    Trigger.TURNED_BACK: "lane.turned_back",
}


# A plate read again this long while its car waits is the same car; later its price is asked anew.
STILL_WAITING_US = 15 * MINUTE_US


def recognise(unit: Unit, *, lot: Id, lane: Id, device: Id, passage: Id, recognition: Recognition) -> LaneAnswer:
    """Store what a camera saw, decide, and say whether its answer opens.

    ``passage`` is the id the passage gets if it is new: the pictures are stored under it beside the unit.
    """
    unit.lock(("lot", lot))
    known = dedup.claim(unit, source=device, key=recognition.source_id, ref=passage)
    if known is not None:
        return _same_answer(unit, passage=known.ref, device=device)
    context = facility.lane_context(unit, lane=lane)
    seen = _seen(unit, context, device=device, passage=passage, recognition=recognition)
    if recognition.trigger in _REPORTS:
        return _report(unit, seen, _REPORTS[recognition.trigger])
    known_car = _known_car(unit, seen, unit.one(store.LANE, lane=lane))
    if known_car is None:
        return _answer(unit, deciding.decide(unit, seen), device=device)
    dedup.repoint(unit, source=device, key=recognition.source_id, ref=known_car)
    return _duplicate_answer(unit, seen, known_car, device=device)


def store_undecided(
    unit: Unit, *, lot: Id, lane: Id, device: Id, passage: Id, recognition: Recognition, error: str
) -> LaneAnswer:
    """Keep a recognition about which deciding raised: the fact with a case for a person, and nothing moves."""
    unit.lock(("lot", lot))
    known = dedup.claim(unit, source=device, key=recognition.source_id, ref=passage)
    if known is not None:
        return _same_answer(unit, passage=known.ref, device=device)
    context = facility.lane_context(unit, lane=lane)
    seen = _seen(unit, context, device=device, passage=passage, recognition=recognition)
    verdict = Verdict(Action.HOLD, "lane.undecided", Ask.NOTHING)
    written = records.write_passage(unit, seen, verdict, records.Links())
    unit.run(store.SET_STATE, passage=written.id, new_state=PassageState.UNDECIDED)
    records.raise_case(
        unit, company=context.company, lot=lot, lane=lane, kind=CaseKind.DECISION_FAILED, passage=written.id, stay=None,
        evidence={"error": error[:200]},
    )  # fmt: skip
    return _answer(unit, Decided(written, verdict, None), device=device)


def plate_of(recognition: Recognition) -> Plate | None:
    """Return the plate a camera read, None when it read nothing that could be one."""
    if recognition.plate_text is None:
        return None
    try:
        return Plate.read(recognition.plate_text)
    except InvalidPlate:
        pass
    try:
        return Plate.foreign(recognition.plate_text)
    except InvalidPlate:
        return None


def _seen(unit: Unit, lane: LaneContext, *, device: Id, passage: Id, recognition: Recognition) -> Seen:
    plate = plate_of(recognition)
    happened = recognition.offline or recognition.opened_by_camera
    moment = trusted_moment(
        device_at=recognition.captured_at, received_at=unit.now, skew_us=lane.device_skew_s * SECOND_US,
        stored=recognition.offline,
    )  # fmt: skip
    flaws = (*recognition.flaws, "clock") if moment.replaced else recognition.flaws
    source = Source.OFFLINE if recognition.offline else Source.CAMERA if happened else Source.LIVE
    return Seen(
        passage=passage, lane=lane, device=device, source=source, plate=plate,
        plate_id=vault.keep(unit, VaultKind.PLATE, plate.key) if plate else None, colour=recognition.colour.value,
        confidence=recognition.confidence, at=moment.at, device_at=recognition.captured_at, received_at=unit.now,
        pictures=len(recognition.pictures), flaws=flaws,
    )  # fmt: skip


def _known_car(unit: Unit, seen: Seen, standing: LaneState | None) -> Id | None:
    """Return the passage this car was decided about already: double triggers, several reads of a waiting car."""
    if seen.happened:
        return _stored_before(unit, seen)
    if standing is None:
        return None
    if seen.plate_id is None and standing.waiting and standing.plate_id is not None:
        # A blink of the same camera, or a second one that reads nothing, does not send a waiting car away.
        apart_us = abs(seen.at - standing.captured_at)
        return standing.passage_id if apart_us <= STILL_WAITING_US else None
    if seen.plate_id != standing.plate_id:
        return None
    if standing.waiting and seen.plate_id and abs(seen.at - standing.captured_at) <= STILL_WAITING_US:
        return standing.passage_id
    before = unit.one(store.PASSAGE, passage=standing.passage_id)
    return before.id if before is not None and _same_moment(seen, before) else None


def _stored_before(unit: Unit, seen: Seen) -> Id | None:
    """Return the passage another stored record of this car at this lane became; stored ones come in any order."""
    if seen.plate_id is None:
        return None
    before = unit.all(store.PASSAGES_OF_PLATE, plate=seen.plate_id, lot=seen.lane.lot, before=seen.passage, limit=8)
    return next((one.id for one in before if one.lane_id == seen.lane.id and _same_moment(seen, one)), None)


def _same_moment(seen: Seen, before: Passage) -> bool:
    """Compare the devices' own stamps: a wrong clock is wrong for both readings alike."""
    stamps = (
        (seen.device_at, before.device_at) if seen.device_at and before.device_at else (seen.at, before.captured_at)
    )
    return abs(stamps[0] - stamps[1]) <= seen.lane.duplicate_window_s * SECOND_US


def _report(unit: Unit, seen: Seen, reason: str) -> LaneAnswer:
    noted = replace(seen, source=Source.CAMERA)
    verdict = Verdict(Action.RECORD, reason)
    written = records.write_passage(unit, noted, verdict, records.Links())
    unit.run(store.SET_STATE, passage=written.id, new_state=PassageState.GONE)
    return LaneAnswer(written.id, False, Action.RECORD, reason, Ask.NOTHING, None, None)


def _answer(unit: Unit, decided: Decided, *, device: Id) -> LaneAnswer:
    passage, verdict = decided.passage, decided.verdict
    opens = decided.command is not None and _lives_in_the_answer(unit, decided.command, device)
    return LaneAnswer(passage.id, opens, verdict.action, verdict.reason, verdict.ask, passage.stay_id, passage.bill_id)


def _same_answer(unit: Unit, *, passage: Id, device: Id) -> LaneAnswer:
    found = unit.one(store.PASSAGE, passage=passage)
    if found is None:  # its history was dropped by retention: far beyond any command's life
        return LaneAnswer(passage, False, Action.RECORD, "lane.forgotten", Ask.NOTHING, None, None, repeated=True)
    opens = found.command_id is not None and _opens_by_answer(unit, found.command_id, device)
    return LaneAnswer(
        found.id, opens, found.action, found.reason, found.ask, found.stay_id, found.bill_id, repeated=True
    )


def _duplicate_answer(unit: Unit, seen: Seen, passage: Id, *, device: Id) -> LaneAnswer:
    """Answer another reading of a car that was decided about; its pictures count if the first reading had none."""
    answer = _same_answer(unit, passage=passage, device=device)
    if not seen.pictures:
        return replace(answer, keep_pictures=False)
    added = unit.run(store.SET_PICTURES, passage=passage, pictures_sent=seen.pictures)
    return replace(answer, keep_pictures=added == 1)


def _opens_by_answer(unit: Unit, command_id: Id, device: Id) -> bool:
    """Tell whether the answer to this device is itself the command, and the command still lives.

    Once the car has passed it lives no longer: the same answer would lift the boom for the next car.
    """
    command = facility.command(unit, command=command_id)
    return command is not None and _lives_in_the_answer(unit, command, device)


def _lives_in_the_answer(unit: Unit, command: Command, device: Id) -> bool:
    if command.device_id != device or command.kind is not CommandKind.OPEN:
        return False
    passed = command.outcome is Outcome.DONE
    return command.born_sent and not passed and unit.machine_now < command.expires_at
