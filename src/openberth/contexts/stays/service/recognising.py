"""Recognition and decision in one unit: the use case behind every camera.

Deduplicated by the source's own id, then by plate, lane and device time (``again``). A retransmission within the life
of the decision's command gets the same answer; later it opens nothing.
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
    Retold,
    Source,
)
from openberth.contexts.stays.model.showing import news_of
from openberth.contexts.stays.recognition import Recognition, Trigger
from openberth.contexts.stays.service import again, deciding, records, tailgating, turning
from openberth.contexts.stays.service.deciding import Decided
from openberth.contexts.stays.service.seen import LaneAnswer, Seen
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import retold
from openberth.infra import dedup, vault
from openberth.infra.database import Unit
from openberth.infra.permitting import by_construction
from openberth.infra.vault import VaultKind
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import SECOND_US

# What a camera tells about a car it has reported before: evidence, not another passage.
_REPORTS = {Trigger.STAYING: "lane.staying", Trigger.STAYING_ENDED: "lane.staying_ended"}


@by_construction
def recognise(unit: Unit, *, lot: Id, lane: Id, device: Id, passage: Id, recognition: Recognition) -> LaneAnswer:
    """Store what a camera saw, decide, and say whether its answer opens.

    ``passage`` is the id the passage gets if it is new: the pictures are stored under it beside the unit.
    """
    unit.lock(("lot", lot))
    known = dedup.claim(unit, source=device, key=recognition.source_id, ref=passage)
    if known is not None:
        answer = _same_answer(unit, passage=known.ref, device=device)
        of = _keep(unit, answer, recognition, Retold.RETRANSMITTED, device=device, plate=None)
        sent = len(recognition.pictures)
        if of is not None and sent > of.pictures:  # a quick result comes first, and the full one under its name
            unit.run(store.SET_PICTURES, passage=of.id, pictures_sent=sent)
        return replace(answer, keep_pictures=of is not None and sent >= of.pictures)
    context = facility.lane_context(unit, lane=lane)
    seen = _seen(unit, context, device=device, passage=passage, recognition=recognition)
    if recognition.trigger is Trigger.TURNED_BACK:
        return turning.turned_back(unit, seen)
    standing = unit.one(store.LANE, lane=lane)
    if recognition.trigger is Trigger.TAILGATING:
        return tailgating.tailgated(unit, seen, standing)
    if recognition.trigger in _REPORTS:
        about = standing.stay_id if standing is not None and standing.plate_id == seen.plate_id else None
        return records.note(unit, seen, _REPORTS[recognition.trigger], stay=about)
    known_car = again.known_car(unit, seen, standing)
    if known_car is not None:
        return _told_again(unit, seen, known_car, recognition, device=device)
    return _decided(unit, seen, standing, recognition, device=device)


def _told_again(unit: Unit, seen: Seen, known_car: Id, recognition: Recognition, *, device: Id) -> LaneAnswer:
    dedup.repoint(unit, source=device, key=recognition.source_id, ref=known_car)
    answer = _duplicate_answer(unit, seen, known_car, device=device)
    _keep(unit, answer, recognition, Retold.AGAIN, device=device, plate=seen.plate_id)
    return answer


def _decided(
    unit: Unit, seen: Seen, standing: LaneState | None, recognition: Recognition, *, device: Id
) -> LaneAnswer:  # fmt: skip
    if standing is not None and again.is_read_otherwise(unit, seen, standing):
        return again.note_other_reading(unit, seen, standing)
    if turning.has_turned_back(unit, seen):
        return records.note(unit, seen, "entry.turned_back")
    if standing is not None and again.names_the_waiting(unit, seen, standing):
        records.leave_lane(unit, standing)
    decided = deciding.decide(unit, seen)
    if decided.passage.id != seen.passage:
        return _told_again(unit, seen, decided.passage.id, recognition, device=device)
    return _answer(unit, decided, seen, device=device)


@by_construction
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
    return _answer(unit, Decided(written, verdict, None), seen, device=device)


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
        pictures=len(recognition.pictures), flaws=flaws, camera_opened=recognition.opened_by_camera,
        told={"trigger": recognition.trigger.value, "direction": recognition.direction.value},
    )  # fmt: skip


def _answer(unit: Unit, decided: Decided, seen: Seen, *, device: Id) -> LaneAnswer:
    passage, verdict = decided.passage, decided.verdict
    opens = decided.command is not None and _lives_in_the_answer(unit, decided.command, device)
    news = None if seen.happened else news_of(passage, seen.plate, currency=seen.lane.currency)
    return LaneAnswer(
        passage.id, opens, verdict.action, verdict.reason, verdict.ask, passage.stay_id, passage.bill_id, news=news
    )


def _same_answer(unit: Unit, *, passage: Id, device: Id) -> LaneAnswer:
    found = unit.one(store.PASSAGE, passage=passage)
    if found is None:  # its history was dropped by retention: far beyond any command's life
        return LaneAnswer(passage, False, Action.RECORD, "lane.forgotten", Ask.NOTHING, None, None, repeated=True)
    opens = found.command_id is not None and _opens_by_answer(unit, found.command_id, device)
    return LaneAnswer(
        found.id, opens, found.action, found.reason, found.ask, found.stay_id, found.bill_id, repeated=True
    )


def _duplicate_answer(unit: Unit, seen: Seen, passage: Id, *, device: Id) -> LaneAnswer:
    """Answer another reading of a car that was decided about; its pictures count if it has more than the first.

    It opens only while the opening is under way: after a restart nobody knows whether the car has driven on. One
    without the plate opens nothing: it is that car's in all likelihood, and not for sure.
    """
    answer = _same_answer(unit, passage=passage, device=device)
    if answer.opens and (seen.plate_id is None or not _under_way(unit, passage)):
        answer = replace(answer, opens=False)
    if not seen.pictures:
        return replace(answer, keep_pictures=False)
    added = unit.run(store.SET_PICTURES, passage=passage, pictures_sent=seen.pictures)
    return replace(answer, keep_pictures=added == 1)


def _keep(
    unit: Unit, answer: LaneAnswer, recognition: Recognition, how: Retold, *, device: Id, plate: Id | None
) -> Passage | None:
    """Keep what was told of a car once more beside its passage, within a bound; returns that passage."""
    of = unit.one(store.PASSAGE, passage=answer.passage)
    if of is None or len(unit.all(retold.OF_PASSAGE, passage=of.id)) == retold.KEPT_MAX:
        return of
    unit.run(
        retold.INSERT, id=unit.new_id(), company_id=of.company_id, lot_id=of.lot_id, passage_id=of.id, device_id=device,
        how=how, plate_id=plate, colour=recognition.colour.value, confidence=recognition.confidence,
        sent_by=recognition.trigger.value, direction=recognition.direction.value, device_at=recognition.captured_at,
        received_at=unit.now, pictures=len(recognition.pictures), opened=answer.opens, flaws=recognition.flaws,
    )  # fmt: skip
    return of


def _under_way(unit: Unit, passage: Id) -> bool:
    found = unit.one(store.PASSAGE, passage=passage)
    command = facility.command(unit, command=found.command_id) if found and found.command_id else None
    return command is not None and command.outcome is None


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
