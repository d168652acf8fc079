"""What a driver does with a scanned code: come in without a plate, show a pass at the exit, pay before going to the
car.
"""

from openberth.contexts import facility, payments, tenancy
from openberth.contexts.facility import LaneKind, Outcome
from openberth.contexts.stays.model.entities import Ask, Barrier, OpenStay, Resolution
from openberth.contexts.stays.service import deciding_again, late, parked, prices
from openberth.contexts.stays.service.seen import LaneAnswer
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra import dedup, nonces, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import Instant

_ENTERED = "enter:"  # what a phone claims to have done at a lane
_ERRAND = "payer_state"
_DID = {
    Outcome.DONE: Barrier.OPEN, Outcome.REJECTED: Barrier.STUCK, Outcome.UNREACHABLE: Barrier.STUCK,
    Outcome.UNCERTAIN: Barrier.UNKNOWN,
}  # fmt: skip


@needs("sign.use")
def enter_without_plate(unit: Unit, *, lot: Id, lane: Id, token: str, claim: str | None) -> tuple[str, Id]:
    """Let the unread car at an entry in under a pass. Returns (pass, passage); ``token`` is random, made by the caller.

    ``claim`` is what the phone shows to be the one that asked: while the stay lasts, the same claim at the same lane is
    given the same pass and opens nothing, and nobody else is given it. Raises ``Refused("lane.nobody_waiting")`` or
    ``Refused("lane.not_an_entry")``.
    """
    unit.lock(("lot", lot))
    before = None if claim is None else dedup.earlier(unit, source=lane, key=_ENTERED + claim)
    shown = None if before is None else _pass_of(unit, before.ref)
    if before is not None and shown is not None:
        return shown, before.ref
    standing = unit.one(store.LANE, lane=lane)
    passage = unit.one(store.PASSAGE, passage=standing.passage_id) if standing else None
    if standing is None or passage is None:
        raise Refused("lane.nobody_waiting")
    if passage.lane_kind is not LaneKind.ENTRY:
        raise Refused("lane.not_an_entry")
    if not standing.waiting or standing.ask is not Ask.ENTER:
        raise Refused("lane.nobody_waiting")
    deciding_again.identify(
        unit, lot=lot, lane=lane, plate=Plate.unlicensed(token), cause="code", resolution=Resolution.BY_ITSELF
    )
    if claim is not None:
        dedup.remember(unit, source=lane, key=_ENTERED + claim, ref=passage.id)
    return token, passage.id


@needs("sign.use")
def take_errand(unit: Unit, *, state: str, until: Instant) -> bool:
    """Use up what a browser came back with from a channel that knows it; False when it came back before."""
    return nonces.use(unit, of=_ERRAND, nonce=state, until=until)


@needs("sign.use")
def leave_with_pass(unit: Unit, *, lot: Id, lane: Id, token: str) -> LaneAnswer:
    """Tell whose car stands unread at an exit.

    Raises ``NotFound("stay.not_found")`` for a pass without a stay, wherever it is shown: whoever gave it out may
    forget it. ``Refused("lane.nobody_waiting")`` for one with a stay where no car waits to be identified: it renames
    nobody, and it is never void only because nothing stands on the loop. ``Refused("lane.not_an_exit")`` at an entry.
    """
    unit.lock(("lot", lot))
    context = facility.lane_context(unit, lane=lane)
    if context.kind is LaneKind.ENTRY:
        raise Refused("lane.not_an_exit", lane=context.code)
    if not _is_inside(unit, lot, token):
        raise NotFound("stay.not_found")
    context, standing, _ = deciding_again.waiting_at(unit, lot=lot, lane=lane)
    if standing.ask is not Ask.IDENTIFY:
        raise Refused("lane.nobody_waiting", lane=context.code)
    return deciding_again.identify(
        unit, lot=lot, lane=lane, plate=Plate.unlicensed(token), cause="pass", resolution=Resolution.BY_ITSELF
    )


def _is_inside(reader: Reader, lot: Id, token: str) -> bool:
    """Tell whether a pass is of a car inside, or of one whose stay was ended though nobody saw it leave: it is here."""
    try:
        plate = Plate.unlicensed(token)
    except InvalidPlate:
        return False
    plate_id = vault.find(reader, VaultKind.PLATE, plate.key)
    if plate_id is None:
        return False
    if parked.stay_of_plate(reader, lot=lot, plate=plate_id) is not None:
        return True
    try:
        return late.ended_lately(reader, lot=lot, plate=plate_id, at=reader.now) is not None
    except Refused:  # so long ago that a person says whether it goes on
        return False


def barrier_of(reader: Reader, *, lane: Id, bill: Id) -> Barrier:
    """Return what the barrier of a lane did for the car whose bill was paid there."""
    standing = reader.one(store.LANE, lane=lane)
    if standing is None or standing.bill_id != bill:
        return Barrier.LEFT
    command = facility.command(reader, command=standing.command_id) if standing.command_id else None
    if standing.has_driven_on:
        return Barrier.OPEN
    if standing.waiting or command is None:
        return Barrier.WAITING
    return Barrier.OPENING if command.outcome is None else _DID[command.outcome]


def find_inside(reader: Reader, *, lot: Id, plate: Plate, named: Id | None = None) -> OpenStay:
    """Return the open stay of a plate or pass, of several the one that is ``named``.

    Raises ``NotFound("stay.not_found")``, ``Refused("stay.several")`` where two cars have the plate: whose it is, and
    what it costs, a person says at the exit.
    """
    plate_id = vault.find(reader, VaultKind.PLATE, plate.key)
    if plate_id is None:
        raise NotFound("stay.not_found")
    if named is not None:
        inside = parked.stays_of_plate(reader, lot=lot, plate=plate_id)
        stay = next((each for each in inside if each.id == named), None)
    else:
        stay = parked.stay_of_plate(reader, lot=lot, plate=plate_id)
    if stay is None:
        raise NotFound("stay.not_found")
    return stay


@needs("sign.use")
def bill_in_advance(
    unit: Unit, *, lot: Id, plate: Plate, named: Id | None = None
) -> tuple[payments.Bill | None, prices.Assessment]:
    """Bill a car inside for its stay until now; None when nothing is due.

    ``named`` is which of several cars with one plate is meant, by somebody who is shown them as cars of its own. For a
    car that stands at an exit already, time has stopped: it is billed as of then, whoever asks.
    """
    unit.lock(("lot", lot))
    stay = find_inside(unit, lot=lot, plate=plate, named=named)
    waiting = unit.all(store.LANES_WAITING_FOR_STAY, stay=stay.id)
    moment = waiting[0].captured_at if waiting else unit.now
    assessment = prices.assess_alone(unit, stay, at=moment)
    if not assessment.due:
        return None, assessment
    return prices.ensure_bill(unit, stay, assessment, at_exit=bool(waiting)), assessment


def debt_of(reader: Reader, *, lot: Id, plate: Plate) -> payments.Bill | None:
    """Return the oldest bill that a plate left unpaid at a lot and still owes; a disputed one is asked of nobody."""
    plate_id = vault.find(reader, VaultKind.PLATE, plate.key)
    owed = payments.owed_by_plate(reader, lot=lot, plate=plate_id) if plate_id else []
    first = next((each for each in owed if each.state is payments.DebtState.OPEN and each.carried_to is None), None)
    if first is None:
        return None
    how = tenancy.setting_of(reader, tenancy.DEBT_AT_EXIT, company=first.company, lot=lot)
    return None if how == tenancy.IGNORE else payments.bill_by_id(reader, bill=first.bill)


def _pass_of(reader: Reader, passage: Id) -> str | None:
    """Return the pass that a car came in with at this passage, None when its stay is over or has a plate by now."""
    found = reader.one(store.PASSAGE, passage=passage)
    stay = reader.one(stay_store.OPEN_STAY, stay=found.stay_id) if found is not None and found.stay_id else None
    text = vault.reveal(reader, stay.plate_id) if stay is not None and stay.plate_id else None
    if text is None:
        return None
    plate = Plate(text)
    return plate.token if plate.is_unlicensed else None
