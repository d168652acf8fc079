"""What hard cases need beside the street: rules of a lot, a second camera at a lane, loops, cases and their ends."""

import dataclasses
from functools import partial
from typing import Any

from openberth.contexts import facility, stays
from openberth.contexts.facility import LaneKind
from openberth.contexts.facility.model import Device, Passback
from openberth.contexts.payments import Debt
from openberth.contexts.permits.model import ALWAYS, Permit, PermitKind
from openberth.contexts.permits.service.granting import apply_permits
from openberth.contexts.stays import LaneAnswer, Picture, PictureKind, Recognition, picture_name
from openberth.contexts.stays.model.entities import Case, CaseKind, Passage
from openberth.contexts.stays.recognition import PlateColour, Trigger
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant
from tests.service.acting import COMPANY, debts_in, ids_of, lot_file, write
from tests.service.stays.street import CAR, Street

PASS, OTHER_PASS = "k7m2p9x4", "p4s5w0rd"


def apply_rules(street: Street, **rules: Any) -> None:
    """Have the lot decide by other rules."""
    passback = rules.pop("anti_passback", None)
    if passback is not None:
        rules["anti_passback"] = Passback(**passback)
    file = lot_file("mall")
    changed = dataclasses.replace(file, rules=dataclasses.replace(file.rules, **rules))
    write(street.db, facility.apply_lot, company=COMPANY, lot=changed)


def add_camera(street: Street, lane: str, code: str) -> None:
    """Put one more camera at a lane."""
    file = lot_file("mall")
    like = next(each for each in file.devices if each.code == f"cam-{lane}")
    more = Device(code, like.kind, lane, like.networks, None, like.heartbeat)
    write(street.db, facility.apply_lot, company=COMPANY, lot=dataclasses.replace(file, devices=(*file.devices, more)))
    street.ids = ids_of(street.db, street.lot)


def seen_by(street: Street, camera: str, lane: str, plate: str | None, **changes: Any) -> LaneAnswer:
    """Have a certain camera of a lane see a car."""
    by = Caller(Actor(ActorKind.DEVICE, camera, "127.0.0.1"), Scope(street.company, (street.lot,)))
    return write(
        street.db, stays.recognise, by=by, lot=street.lot, lane=street.ids[lane], device=street.ids[camera],
        passage=street.db._ids.new_id(),  # type: ignore[attr-defined]
        recognition=street.recognition(plate, **changes),
    )  # fmt: skip


def shots(*kinds: PictureKind) -> tuple[Picture, ...]:
    """Return pictures of a recognition; what they show is nothing to a decision."""
    return tuple(Picture(kind, b"\xff\xd8\xff\xd9") for kind in kinds)


SCENE = shots(PictureKind.SCENE)
BOTH = shots(PictureKind.SCENE, PictureKind.PLATE)


def drive_on(street: Street, lane: str) -> None:
    """Let the loop behind the gate report a car."""
    device = street.ids[f"cam-{lane}"]
    write(street.db, partial(stays.car_passed, lot=street.lot, lane=street.ids[lane], device=device))


def loop_tells(street: Street, lane: str) -> None:
    """Have a car go through a lane by which its loop is known to tell."""
    street.arrive(lane, "粤X0001警", colour=PlateColour.WHITE)
    drive_on(street, lane)
    street.pass_minutes(0.6)
    for case in street.cases():
        if case.kind is CaseKind.EXIT_WITHOUT_ENTRY:
            settle(street, case, CaseAction.DISMISS)


def turn_back(street: Street, lane: str, plate: str | None) -> LaneAnswer:
    """Let the camera of a lane report that a car backed out."""
    return street.arrive(lane, plate, trigger=Trigger.TURNED_BACK)


def tailgate(street: Street, lane: str, plate: str | None, **changes: Any) -> LaneAnswer:
    """Let the camera of a lane report that a car went through behind another one."""
    return street.arrive(lane, plate, trigger=Trigger.TAILGATING, **changes)


def came_again(street: Street) -> tuple[LaneAnswer, Instant, LaneAnswer]:
    """Let a car in, leave unseen after 61 minutes, and come in again an hour later: its entries, and when it left."""
    first = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    left = street.business.now()
    street.pass_minutes(60)
    return first, left, street.arrive("in-1", CAR)


def case_of(street: Street, kind: CaseKind) -> Case:
    """Return the one open case of a kind."""
    [found] = [each for each in street.cases() if each.kind is kind]
    return found


def settle(street: Street, case: Case, action: CaseAction, **given: Any) -> Case:
    """Resolve a case as a person does."""
    if "plate" in given:
        given["plate"] = Plate.read(given["plate"])
    return write(street.db, resolve, case=case.id, action=action, reason="looked at both pictures", **given)


def pictures_of(passage: Passage) -> list[str]:
    """Return the names of the pictures of a passage."""
    return [picture_name(passage.id, number) for number in range(passage.pictures)]


def debts(street: Street) -> list[Debt]:
    """Return the debts of the lot."""
    return debts_in(street.db, street.lot)


def grant(street: Street, **kinds: PermitKind) -> None:
    """Give plates permits: ``grant(street, 粤B12345=PermitKind.RESIDENT)``."""
    wanted = [Permit(f"p-{plate}"[:30], Plate.read(plate), kind, ALWAYS) for plate, kind in kinds.items()]
    write(street.db, apply_permits, company=COMPANY, lot=street.lot, permits=wanted)


def inside_count(street: Street) -> int:
    """Return how many cars the lot believes to be inside: counted at lanes, and corrected."""
    return sum(each.count + each.adjustment for each in street.counts().values())


def adjusted(street: Street) -> int:
    """Return the corrections of all areas together."""
    return sum(each.adjustment for each in street.counts().values())


def same_record(street: Street, plate: str | None, **changes: Any) -> tuple[Recognition, Recognition]:
    """Return a record as a camera sends it first, and once more with what it has found meanwhile."""
    first = street.recognition(plate)
    return first, dataclasses.replace(first, **changes)


def crossed(street: Street, lane_kind: LaneKind, passages: list[Id]) -> int:
    """Return how many of some passages went through lanes of a kind."""
    return sum(street.passage(each).lane_kind is lane_kind for each in passages)
