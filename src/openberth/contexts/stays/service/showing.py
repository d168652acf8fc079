"""What displays at lanes show: right after a decision from what it returned, and later from what stands there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from openberth.contexts import facility, payments
from openberth.contexts.facility import LaneDisplay, LotState
from openberth.contexts.facility.model.displays import Moment, Screen, Shown, Tone, Tongue
from openberth.contexts.stays.model.entities import Action, Ask, LaneState, PassageState
from openberth.contexts.stays.model.showing import (
    LaneNews,
    Place,
    Words,
    advert_of,
    is_over,
    news_of,
    shown_of,
    words_of_a_person,
)
from openberth.contexts.stays.store import passages as store
from openberth.infra import vault
from openberth.infra.catalogue import text
from openberth.infra.database import Reader
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import SECOND_US, Instant

TOLD_US = 15 * SECOND_US  # so long stands what a car was told that does not wait
GONE_US = 3 * SECOND_US  # and this long after it has driven over the loop

_WORDS, _MASKED = Words(text), Words(text, masked=True)


@dataclass(frozen=True, slots=True)
class StandingText:
    """What a lane shows now. ``passage`` is the car it is told to, ``by`` who put it there, when neither: nobody.

    ``until`` is when something else stands there (machine time), None while nothing is known to end it.
    """

    shown: Shown
    passage: Id | None = None
    by: str | None = None
    until: Instant | None = None
    free: int | None = None


def shown_after(display: LaneDisplay, screen: Screen, news: LaneNews, *, base: str) -> Shown:
    """Return what a display shows of a decision that was just made; reads nothing."""
    return shown_of(news, _place(display, base), screen, _WORDS, partial(_own, display))


def display_advert(display: LaneDisplay) -> tuple[str, ...]:
    """Return what a lane's display keeps in its own memory, empty for nothing; reads nothing."""
    return () if display.screen is None else advert_of(_place(display, ""), display.screen, partial(_own, display))


def standing_text(
    reader: Reader, *, display: LaneDisplay, screen: Screen, base: str, masked: bool = False
) -> StandingText:
    """Return what a display shows now: the newer of what the car there is told and of a person's words.

    ``masked``: for somebody else than whoever sits in the car.
    """
    said = facility.lane_text(reader, lane=display.lane)
    standing = reader.one(store.LANE, lane=display.lane)
    told = None if standing is None else _told(reader, display, standing)
    if said is not None and (standing is None or told is None or said.at >= standing.decided_at):
        shown = words_of_a_person(said.text, screen, aloud=said.aloud, wide=_width)
        return StandingText(shown, by=said.by, until=said.until)
    try:
        lane = facility.lane_context(reader, lane=display.lane)
    except NotFound:  # retired meanwhile
        return StandingText(Shown(None, Tone.TELL, ()))
    free = facility.free_spaces(reader, lane=lane)
    news, until = told or (None, None)
    place = _place(display, base, free, lane.state)
    words = _MASKED if masked else _WORDS
    shown = shown_of(news, place, screen, words, partial(_own, display))
    return StandingText(shown, None if news is None else news.passage, None, until, free)


def free_of_boards(reader: Reader, *, display: LaneDisplay) -> Sequence[int]:
    """Return the free spaces that the boards of a lane show, in their order."""
    areas = facility.occupancy(reader, lot=display.lot)
    by_code = {each.code: each.free for each in areas}
    lot: int | None = None
    found = []
    for board, _ in display.boards:
        if board.area is None and lot is None:
            lot = max(0, facility.free_spaces(reader, lane=facility.lane_context(reader, lane=display.lane)))
        found.append((lot or 0) if board.area is None else by_code.get(board.area, 0))
    return found


def _told(reader: Reader, display: LaneDisplay, standing: LaneState) -> tuple[LaneNews, Instant | None] | None:
    """Return what the car that came last is told and until when; None when it is told nothing any more."""
    until = None if standing.waiting else _told_until(standing)
    if until is not None and until <= reader.machine_now:
        return None
    passage = reader.one(store.PASSAGE, passage=standing.passage_id)
    if passage is None or (is_over(passage) and not standing.waiting):
        return None
    plate = vault.reveal(reader, passage.plate_id) if passage.plate_id else None
    released = passage.action is Action.HOLD and passage.state is PassageState.PASSED
    bill = payments.bill_by_id(reader, bill=standing.bill_id) if standing.bill_id else None
    ask = Ask.PAY if released and bill is not None else standing.ask if standing.waiting else None
    fee = bill.left if bill is not None and bill.left and standing.waiting else None
    carried = bill.carried if bill is not None and fee is not None and bill.carried else None
    news = news_of(
        passage, Plate(plate) if plate else None, currency=display.currency, released=released, ask=ask,
        action=None if standing.waiting else standing.action, fee=fee, arrears=carried,
    )  # fmt: skip
    return news, until


def _told_until(standing: LaneState) -> Instant:
    if standing.passed_at is not None and standing.has_driven_on:
        return Instant(min(standing.decided_at + TOLD_US, standing.passed_at + GONE_US))
    return Instant(standing.decided_at + TOLD_US)


def _place(display: LaneDisplay, base: str, free: int | None = None, state: LotState = LotState.OPEN) -> Place:
    return Place(
        {Tongue.ZH: display.lot_zh, Tongue.EN: display.lot_en},
        {Tongue.ZH: display.lane_zh, Tongue.EN: display.lane_en},
        display.kind, f"{base}/c/{display.scan_code}", free, state,
    )  # fmt: skip


def _own(display: LaneDisplay, moment: Moment) -> Mapping[Tongue, Sequence[str]] | None:
    found = next((each for each in display.texts if each.moment is moment), None)
    return None if found is None else {Tongue.ZH: found.zh, Tongue.EN: found.en}


def _width(said: str) -> int:
    return len(said.encode("gbk", "replace"))
