"""Stays: cars at lanes and inside. From a recognition to the decision, from the entry to the exit.

Words: a *recognition* is what a camera says it saw; a *passage* is one car at one lane with its decision; a *stay* is a
car inside, made of *segments* (one area, one right, one tariff each); a *case* is something that needs a person.
Invariants: recognition and decision are one unit, and a fact is stored even if deciding raises; a record is counted
once by its source's own id; a plate has one open stay in a lot at most; nothing is deleted, a stay is closed with a
reason; a car that owes nothing is never kept; a command that opens is issued once per decision.
Events in: ``payments.bill_settled``, ``receipt_recorded`` (open the gate), ``surplus_received``;
``facility.command_ended``.
Events out: ``stays.passage_decided``, ``passage_released``, ``stay_opened``, ``stay_moved``, ``stay_closed``,
``stay_reopened``, ``plate_corrected``, ``passback_reset``, ``convoy_began``, ``convoy_ended``, ``case_raised``,
``case_resolved``.
"""

from openberth.contexts.stays.model.entities import (
    PICTURES_MAX,
    Action,
    Ask,
    Case,
    CaseKind,
    LaneState,
    NeutralReset,
    OpenStay,
    Passage,
    PassageState,
    PlateCorrection,
    Resolution,
    Segment,
    Stay,
    picture_name,
)
from openberth.contexts.stays.reactions import (
    Comparing,
    LookAlikes,
    LoopWatch,
    Nights,
    PictureRetention,
    Repricing,
    consumers,
)
from openberth.contexts.stays.reactions.loops import LoopPlace
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.contexts.stays.service.by_hand import open_by_hand
from openberth.contexts.stays.service.carrying import carry_lot, refuse_closing
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.contexts.stays.service.codes import bill_in_advance, enter_without_plate, find_inside, leave_with_pass
from openberth.contexts.stays.service.convoys import begin_convoy, convoy_over, end_convoy
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.contexts.stays.service.deciding_again import identify, match_stay
from openberth.contexts.stays.service.keeping import KEEPERS
from openberth.contexts.stays.service.listing import (
    PassagesAsked,
    StaysAsked,
    lanes_named,
    listed_cases,
    listed_passages,
    listed_stays,
    plate_named,
)
from openberth.contexts.stays.service.live import CarAtLane, LiveLane, OpenCases, live_lanes, open_cases
from openberth.contexts.stays.service.loops import loop_occupied
from openberth.contexts.stays.service.queries import CaseDetail, PassageRow, StayRow, books, overview
from openberth.contexts.stays.service.recognising import recognise, store_undecided
from openberth.contexts.stays.service.releasing import car_passed, money_came
from openberth.contexts.stays.service.seen import LaneAnswer
from openberth.contexts.stays.service.showing import (
    TOLD_US,
    StandingText,
    display_advert,
    free_of_boards,
    shown_after,
    standing_text,
)
from openberth.contexts.stays.service.verifying import CHECKS
from openberth.contexts.stays.service.whereabouts import reopen, reset_passback, soft_close

__all__ = [
    "CHECKS",
    "KEEPERS",
    "PICTURES_MAX",
    "TOLD_US",
    "Action",
    "Ask",
    "CarAtLane",
    "Case",
    "CaseAction",
    "CaseDetail",
    "CaseKind",
    "Comparing",
    "Direction",
    "LaneAnswer",
    "LaneState",
    "LiveLane",
    "LookAlikes",
    "LoopPlace",
    "LoopWatch",
    "NeutralReset",
    "Nights",
    "OpenCases",
    "OpenStay",
    "Passage",
    "PassageRow",
    "PassageState",
    "PassagesAsked",
    "Picture",
    "PictureKind",
    "PictureRetention",
    "PlateColour",
    "PlateCorrection",
    "Recognition",
    "Repricing",
    "Resolution",
    "Segment",
    "StandingText",
    "Stay",
    "StayRow",
    "StaysAsked",
    "Trigger",
    "begin_convoy",
    "bill_in_advance",
    "books",
    "car_passed",
    "carry_lot",
    "consumers",
    "convoy_over",
    "correct_plate",
    "display_advert",
    "end_convoy",
    "enter_without_plate",
    "find_inside",
    "free_of_boards",
    "identify",
    "lanes_named",
    "leave_with_pass",
    "listed_cases",
    "listed_passages",
    "listed_stays",
    "live_lanes",
    "loop_occupied",
    "match_stay",
    "money_came",
    "open_by_hand",
    "open_cases",
    "overview",
    "picture_name",
    "plate_named",
    "recognise",
    "refuse_closing",
    "reopen",
    "reset_passback",
    "resolve",
    "shown_after",
    "soft_close",
    "standing_text",
    "store_undecided",
]
