"""Every combination of facts has a verdict; the table below is what a guard would say."""

from dataclasses import replace
from itertools import product

import pytest

from openberth.contexts.facility.model import LotState
from openberth.contexts.stays.model.decisions import (
    EntryFacts,
    ExitFacts,
    InnerFacts,
    Right,
    decide_entry,
    decide_exit,
    decide_inner,
    trusted_moment,
)
from openberth.contexts.stays.model.entities import Action, Ask, CaseKind
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

CASUAL = EntryFacts(
    lot_state=LotState.OPEN,
    free_spaces=3,
    full_admits_permits=True,
    plate_known=True,
    right=None,
    inside=False,
    same_car_again=False,
    happened=False,
    camera_opened=False,
)


@pytest.mark.parametrize(
    ("change", "action", "reason"),
    [
        ({}, Action.OPEN, "entry.casual"),
        ({"free_spaces": 0}, Action.REFUSE, "entry.full"),
        ({"lot_state": LotState.FULL}, Action.REFUSE, "entry.full"),
        ({"lot_state": LotState.CLOSED}, Action.REFUSE, "entry.closed"),
        ({"right": Right.RESIDENT, "free_spaces": 0}, Action.OPEN, "entry.resident"),
        ({"right": Right.RESIDENT, "free_spaces": -4}, Action.OPEN, "entry.resident"),
        ({"right": Right.RESIDENT, "lot_state": LotState.FULL}, Action.OPEN, "entry.resident"),
        ({"right": Right.RESIDENT, "free_spaces": 0, "full_admits_permits": False}, Action.REFUSE, "entry.full"),
        ({"right": Right.FREE, "lot_state": LotState.CLOSED}, Action.REFUSE, "entry.closed"),
        ({"right": Right.INTERNAL, "lot_state": LotState.CLOSED}, Action.OPEN, "entry.internal"),
        ({"right": Right.INTERNAL, "lot_state": LotState.CLOSED_TO_ALL}, Action.REFUSE, "entry.closed"),
        ({"right": Right.BLOCKED}, Action.REFUSE, "entry.blocked"),
        ({"plate_known": False}, Action.HOLD, "entry.plate_unread"),
        ({"plate_known": False, "free_spaces": 0}, Action.REFUSE, "entry.full"),
        ({"same_car_again": True, "free_spaces": 0}, Action.OPEN, "entry.again"),
        ({"inside": True}, Action.OPEN, "entry.casual"),
        ({"happened": True, "lot_state": LotState.CLOSED_TO_ALL}, Action.RECORD, "entry.recorded"),
    ],
)
def test_who_comes_in(change: dict[str, object], action: Action, reason: str) -> None:
    verdict = decide_entry(replace(CASUAL, **change))  # type: ignore[arg-type]
    assert (verdict.action, verdict.reason) == (action, reason)


def test_an_unread_car_is_asked_to_scan_and_a_person_is_told() -> None:
    verdict = decide_entry(replace(CASUAL, plate_known=False))
    assert (verdict.ask, verdict.case) == (Ask.ENTER, CaseKind.PLATE_UNREAD)


def test_a_stored_record_of_an_unread_car_lets_nobody_in_unless_the_camera_did() -> None:
    stored = replace(CASUAL, plate_known=False, happened=True)
    told = decide_entry(stored)
    assert (told.action, told.reason, told.case) == (Action.REFUSE, "entry.unread_stored", CaseKind.PLATE_UNREAD)
    let_in = decide_entry(replace(stored, camera_opened=True))
    assert (let_in.action, let_in.case) == (Action.RECORD, CaseKind.PLATE_UNREAD)


def test_a_plate_that_is_inside_already_comes_in_and_is_reported() -> None:
    assert decide_entry(replace(CASUAL, inside=True)).case is CaseKind.ENTERED_AGAIN
    assert decide_entry(replace(CASUAL, inside=True, happened=True)).case is CaseKind.ENTERED_AGAIN


def test_every_entry_has_a_verdict_and_only_a_hold_asks_for_something() -> None:
    flags = (False, True)
    seen = set()
    for state, free, admits, known, right, inside, again, happened, opened in product(
        LotState, (0, 1), flags, flags, (None, *Right), flags, flags, flags, flags
    ):
        verdict = decide_entry(EntryFacts(state, free, admits, known, right, inside, again, happened, opened))
        assert verdict.reason
        assert verdict.ask is Ask.NOTHING or verdict.action is Action.HOLD
        assert (happened and (known or opened)) == (verdict.action is Action.RECORD)
        seen.add(verdict.action)
    assert seen == set(Action)


PAID = ExitFacts(plate_known=True, right=None, inside=True, due_minor=0, happened=False)


@pytest.mark.parametrize(
    ("change", "action", "reason", "ask", "case"),
    [
        ({}, Action.OPEN, "exit.nothing_due", Ask.NOTHING, None),
        ({"due_minor": 1}, Action.HOLD, "exit.unpaid", Ask.PAY, None),
        ({"right": Right.RESIDENT}, Action.OPEN, "exit.resident", Ask.NOTHING, None),
        ({"right": Right.RESIDENT, "due_minor": 500}, Action.HOLD, "exit.unpaid", Ask.PAY, None),
        ({"inside": False}, Action.HOLD, "exit.without_entry", Ask.NOTHING, CaseKind.EXIT_WITHOUT_ENTRY),
        (
            {"inside": False, "right": Right.INTERNAL},
            Action.OPEN,
            "exit.internal",
            Ask.NOTHING,
            CaseKind.EXIT_WITHOUT_ENTRY,
        ),
        (
            {"inside": False, "right": Right.BLOCKED},
            Action.HOLD,
            "exit.without_entry",
            Ask.NOTHING,
            CaseKind.EXIT_WITHOUT_ENTRY,
        ),
        (
            {"plate_known": False, "inside": False},
            Action.HOLD,
            "exit.plate_unread",
            Ask.IDENTIFY,
            CaseKind.PLATE_UNREAD,
        ),
        ({"happened": True, "due_minor": 500}, Action.RECORD, "exit.recorded", Ask.NOTHING, CaseKind.LEFT_UNPAID),
        ({"happened": True}, Action.RECORD, "exit.recorded", Ask.NOTHING, None),
        (
            {"happened": True, "inside": False},
            Action.RECORD,
            "exit.recorded",
            Ask.NOTHING,
            CaseKind.EXIT_WITHOUT_ENTRY,
        ),
    ],
)
def test_who_leaves(change: dict[str, object], action: Action, reason: str, ask: Ask, case: CaseKind | None) -> None:
    verdict = decide_exit(replace(PAID, **change))  # type: ignore[arg-type]
    assert (verdict.action, verdict.reason, verdict.ask, verdict.case) == (action, reason, ask, case)


def test_a_car_that_owes_nothing_is_never_kept() -> None:
    flags = (False, True)
    for right, happened in product((None, *Right), flags):
        verdict = decide_exit(ExitFacts(True, right, True, 0, happened))
        assert verdict.action in (Action.OPEN, Action.RECORD)


@pytest.mark.parametrize(
    ("facts", "action"),
    [
        (InnerFacts(plate_known=True, inside=True, happened=False), Action.OPEN),
        (InnerFacts(plate_known=True, inside=False, happened=False), Action.HOLD),
        (InnerFacts(plate_known=False, inside=False, happened=False), Action.HOLD),
        (InnerFacts(plate_known=True, inside=False, happened=True), Action.RECORD),
    ],
)
def test_who_goes_on(facts: InnerFacts, action: Action) -> None:
    assert decide_inner(facts).action is action


NOW = Instant(1_790_000_000 * SECOND_US)
SKEW = 120 * SECOND_US


@pytest.mark.parametrize(
    ("device_at", "stored", "at", "replaced"),
    [
        (NOW, False, NOW, False),
        (Instant(NOW - SKEW), False, Instant(NOW - SKEW), False),
        (Instant(NOW - SKEW - 1), False, NOW, True),
        (Instant(NOW + SKEW), False, Instant(NOW + SKEW), False),
        (Instant(NOW + SKEW + 1), False, NOW, True),
        (Instant(NOW - 600 * MINUTE_US), True, Instant(NOW - 600 * MINUTE_US), False),
        (Instant(NOW + SKEW + 1), True, NOW, True),
    ],
)
def test_a_device_stamp_counts_within_the_skew_guard(
    device_at: Instant, stored: bool, at: Instant, replaced: bool
) -> None:
    moment = trusted_moment(device_at=device_at, received_at=NOW, skew_us=SKEW, stored=stored)
    assert (moment.at, moment.replaced) == (at, replaced)
