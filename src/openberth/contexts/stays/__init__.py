"""Stays: cars at lanes and inside. From a recognition to the decision, from the entry to the exit.

Words: a *recognition* is what a camera says it saw; a *passage* is one car at one lane with its decision; a *stay* is a
car inside, made of *segments* (one area, one right, one tariff each); a *case* is something that needs a person.
Invariants: recognition and decision are one unit, and a fact is stored even if deciding raises; a record is counted
once by its source's own id; a plate has one open stay in a lot at most; nothing is deleted, a stay is closed with a
reason; a car that owes nothing is never kept; a command that opens is issued once per decision.
Events in: ``payments.bill_settled`` (opens the gate), ``payments.surplus_received``, ``facility.command_ended``.
Events out: ``stays.passage_decided``, ``passage_released``, ``stay_opened``, ``stay_moved``, ``stay_closed``,
``plate_corrected``, ``case_raised``, ``case_resolved``.
"""

from openberth.contexts.stays.model.entities import (
    PICTURES_MAX,
    Action,
    Ask,
    Case,
    CaseKind,
    LaneState,
    OpenStay,
    Passage,
    PassageState,
    PlateCorrection,
    Resolution,
    Segment,
    Stay,
    picture_name,
)
from openberth.contexts.stays.reactions import PictureRetention, Repricing, consumers
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.contexts.stays.service.carrying import carry_lot, refuse_closing
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.contexts.stays.service.codes import bill_in_advance, enter_without_plate, find_inside, leave_with_pass
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.contexts.stays.service.keeping import KEEPERS
from openberth.contexts.stays.service.queries import books, overview
from openberth.contexts.stays.service.recognising import recognise, store_undecided
from openberth.contexts.stays.service.releasing import bill_settled, car_passed, identify, match_stay, open_by_hand
from openberth.contexts.stays.service.seen import LaneAnswer
from openberth.contexts.stays.service.verifying import CHECKS

__all__ = [
    "CHECKS",
    "KEEPERS",
    "PICTURES_MAX",
    "Action",
    "Ask",
    "Case",
    "CaseAction",
    "CaseKind",
    "Direction",
    "LaneAnswer",
    "LaneState",
    "OpenStay",
    "Passage",
    "PassageState",
    "Picture",
    "PictureKind",
    "PictureRetention",
    "PlateColour",
    "PlateCorrection",
    "Recognition",
    "Repricing",
    "Resolution",
    "Segment",
    "Stay",
    "Trigger",
    "bill_in_advance",
    "bill_settled",
    "books",
    "car_passed",
    "carry_lot",
    "consumers",
    "correct_plate",
    "enter_without_plate",
    "find_inside",
    "identify",
    "leave_with_pass",
    "match_stay",
    "open_by_hand",
    "overview",
    "picture_name",
    "recognise",
    "refuse_closing",
    "resolve",
    "store_undecided",
]
