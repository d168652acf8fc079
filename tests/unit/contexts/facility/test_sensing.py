"""What is made of what a sensor says, by reports and by time alone."""

from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.facility.model.sensing import (
    DEBOUNCE_US,
    FLAP_CHANGES,
    FLAP_WINDOW_US,
    QUIET_US,
    Reading,
    Sensed,
    SpaceState,
)
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

FREE, OCCUPIED, UNKNOWN = SpaceState.FREE, SpaceState.OCCUPIED, SpaceState.UNKNOWN
T0 = Instant(1_800_000_000_000_000)


def at(seconds: float) -> Instant:
    return Instant(T0 + int(seconds * SECOND_US))


def says(occupied: bool | None, **more: object) -> Reading:
    return Reading("1", occupied, {}, **more)  # type: ignore[arg-type]


def test_the_first_word_is_taken_at_once() -> None:
    known = Sensed().taken(says(True), at(0))
    assert (known.state, known.since, known.due_at()) == (OCCUPIED, at(0), None)


def test_a_change_is_taken_at_once_and_another_one_waits() -> None:
    known = Sensed().taken(says(False), at(0)).taken(says(True), at(60))
    assert (known.state, known.since) == (OCCUPIED, at(60))
    known = known.taken(says(False), at(61))
    assert (known.state, known.due_at()) == (OCCUPIED, at(65))
    assert known.settled(at(64)) == known
    assert known.settled(at(65)).state is FREE
    # The same car, after all: nothing is left that waits.
    back = known.taken(says(True), at(62))
    assert (back.state, back.due_at(), back.settled(at(70))) == (OCCUPIED, None, back)


def test_what_changes_too_often_is_held_until_it_is_quiet() -> None:
    known, now = Sensed().taken(says(False), at(0)), 0.0
    for turn in range(FLAP_CHANGES):
        now += 30
        known = known.taken(says(turn % 2 == 0), at(now))
    assert (known.flapping, known.said, known.state) == (True, False, OCCUPIED)
    assert known.due_at() == Instant(at(now) + QUIET_US)
    again = known.taken(says(True), at(now + 30)).taken(says(False), at(now + 60))
    assert (again.state, again.flapping) == (OCCUPIED, True)
    assert again.settled(Instant(at(now) + QUIET_US)) == again  # it has not been quiet for long enough
    quiet = again.settled(Instant(at(now + 60) + QUIET_US))
    assert (quiet.flapping, quiet.state) == (False, FREE)


def test_changes_far_apart_are_cars() -> None:
    known, now = Sensed().taken(says(False), at(0)), 0.0
    for turn in range(4 * FLAP_CHANGES):
        now += FLAP_WINDOW_US / SECOND_US / (FLAP_CHANGES - 1) + 1
        known = known.taken(says(turn % 2 == 0), at(now))
        assert not known.flapping


def test_what_came_late_changes_nothing() -> None:
    known = Sensed().taken(says(True, at=at(10)), at(12))
    assert known.taken(says(False, at=at(5)), at(30)) == known
    # A clock ahead of ours does not silence what comes after it.
    ahead = Sensed().taken(says(True, at=at(9_999)), at(12))
    assert ahead.taken(says(False, at=at(20)), at(20)).state is FREE


def test_silence_and_faults_leave_nothing_known() -> None:
    known = Sensed().taken(says(False, battery_mv=3_600), at(0))
    lost = known.lost(at(100))
    assert (lost.state, lost.since, lost.said, lost.battery_mv) == (UNKNOWN, at(100), None, 3_600)
    assert lost.lost(at(200)).since == at(100)
    broken = known.taken(says(None, fault="code 3"), at(5))
    assert (broken.state, broken.fault) == (UNKNOWN, "code 3")
    healed = broken.taken(says(True), at(6))
    assert (healed.state, healed.fault, healed.changes) == (OCCUPIED, None, ())


def test_what_says_nothing_of_the_space_leaves_it() -> None:
    known = Sensed().taken(says(True, fault="obstructed", confidence=50), at(0))
    told = known.taken(says(None, battery_low=True, over_line=True), at(MINUTE_US / SECOND_US))
    assert (told.state, told.fault, told.confidence) == (OCCUPIED, "obstructed", 50)
    assert (told.battery_low, told.over_line) == (True, True)


@given(st.lists(st.tuples(st.integers(0, 700), st.booleans()), min_size=1, max_size=40))
def test_whatever_is_lost_the_last_word_holds_in_the_end(reports: list[tuple[int, bool]]) -> None:
    known, now, last = Sensed(), 0, None
    changed_at = None
    for gap, occupied in reports:
        now += gap
        before = known
        known = known.settled(at(now)).taken(says(occupied), at(now))
        if before.state is not UNKNOWN and known.state is not before.state:
            assert changed_at is None or known.changed_at - changed_at >= DEBOUNCE_US
        changed_at = known.changed_at
        last = occupied
    end = known.settled(Instant(at(now) + QUIET_US))
    assert end.state is (OCCUPIED if last else FREE)
    assert end.due_at() is None
