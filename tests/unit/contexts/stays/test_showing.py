"""What a lane shows and says: every moment, both languages, and what is not known is left out."""

from dataclasses import replace
from itertools import product

import pytest

from openberth.contexts.facility.model import LaneKind, LotState
from openberth.contexts.facility.model.displays import (
    LINES_MAX,
    PLACES,
    Maker,
    Moment,
    Saying,
    Screen,
    Shown,
    Tone,
    Tongue,
    places_in,
)
from openberth.contexts.stays.model.entities import Action, Ask
from openberth.contexts.stays.model.showing import LaneNews, Place, Words, moment_of, shown_of, words_of_a_person
from openberth.infra.catalogue import text
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US, MINUTE_US, Instant

PLATE = Plate.read("粤B12345")
WORDS = Words(text)
AT = Instant(1_800_000_000_000_000)


def news(kind: LaneKind, action: Action, reason: str = "", ask: Ask = Ask.NOTHING, **more: object) -> LaneNews:
    made = LaneNews(passage=Id(int=1), lane_kind=kind, action=action, reason=reason, ask=ask, plate=PLATE, at=AT)
    return replace(made, **more)  # type: ignore[arg-type]


def place(kind: LaneKind = LaneKind.ENTRY, free: int | None = 12, state: LotState = LotState.OPEN) -> Place:
    lot, lane = {Tongue.ZH: "云帆大厦", Tongue.EN: "Cloudsail"}, {Tongue.ZH: "一号道", Tongue.EN: "Lane 1"}
    return Place(lot, lane, kind, "https://park.example/c/ABC", free, state)


def show(it: LaneNews | None, at: Place | None = None, **screen: object) -> Shown:
    return shown_of(it, at or place(), Screen("in-1", Maker.KF, **screen), WORDS, lambda _: None)  # type: ignore[arg-type]


OPEN, HOLD, REFUSE = Action.OPEN, Action.HOLD, Action.REFUSE
ENTRY, EXIT, INNER = LaneKind.ENTRY, LaneKind.EXIT, LaneKind.INNER


@pytest.mark.parametrize(
    ("it", "moment"),
    [
        (news(ENTRY, OPEN, "entry.casual"), Moment.WELCOME),
        (news(ENTRY, OPEN, "entry.resident", right="resident"), Moment.WELCOME_PERMIT),
        (news(ENTRY, OPEN, "entry.emergency", right="emergency"), Moment.GO_ON),
        (news(ENTRY, HOLD, "entry.plate_unread", Ask.ENTER), Moment.SCAN_TO_ENTER),
        (news(ENTRY, HOLD, "entry.cloned"), Moment.WAIT),
        (news(ENTRY, HOLD, "entry.plate_unread", Ask.ENTER, released=True), Moment.WELCOME),
        (news(ENTRY, REFUSE, "entry.full"), Moment.FULL),
        (news(ENTRY, REFUSE, "entry.closed"), Moment.CLOSED),
        (news(ENTRY, REFUSE, "entry.blocked", right="blocked"), Moment.NO_ENTRY),
        (news(EXIT, HOLD, "exit.unpaid", Ask.PAY), Moment.PAY),
        (news(EXIT, HOLD, "exit.unpaid", Ask.PAY, released=True), Moment.PAID),
        (news(EXIT, HOLD, "exit.plate_unread", Ask.IDENTIFY), Moment.SCAN_TO_LEAVE),
        (news(EXIT, HOLD, "exit.without_entry"), Moment.WAIT),
        (news(EXIT, OPEN, "exit.nothing_due"), Moment.GOODBYE),
        (news(EXIT, OPEN, "exit.nothing_due", right="blocked"), Moment.GOODBYE),
        (news(EXIT, OPEN, "exit.monthly", right="monthly"), Moment.GOODBYE_PERMIT),
        (news(INNER, OPEN, "inner.inside"), Moment.GO_ON),
        (news(INNER, HOLD, "inner.without_entry"), Moment.WAIT),
    ],
)
def test_which_moment_it_is(it: LaneNews, moment: Moment) -> None:
    assert moment_of(it, place(it.lane_kind)) is moment


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (place(), Moment.IDLE_ENTRY),
        (place(EXIT), Moment.IDLE_EXIT),
        (place(INNER), Moment.IDLE_INNER),
        (place(free=0), Moment.FULL),
        (place(free=-3), Moment.FULL),
        (place(state=LotState.FULL), Moment.FULL),
        (place(state=LotState.CLOSED_TO_ALL), Moment.CLOSED),
        (place(EXIT, free=0, state=LotState.CLOSED), Moment.IDLE_EXIT),
    ],
)
def test_what_stands_there_while_nobody_does(at: Place, moment: Moment) -> None:
    shown = show(None, at)
    assert shown.moment is moment
    assert shown.said == ()


def test_a_car_that_comes_in_is_welcomed_by_its_plate() -> None:
    shown = show(news(ENTRY, OPEN, "entry.casual"))
    assert shown.lines == ("粤B·12345", "临时车", "欢迎光临", "Visitor")
    assert [(one.saying, one.text) for one in shown.said] == [(Saying.PLATE, "粤B12345"), (Saying.WELCOME, "")]
    assert shown.tone is Tone.GO
    assert "12345" not in repr(shown)


def test_the_other_language_may_come_first_and_few_lines_hold_the_first_only() -> None:
    it = news(EXIT, HOLD, "exit.unpaid", Ask.PAY, fee=Money(1250, "CNY"), stayed_us=125 * MINUTE_US)
    assert show(it, place(EXIT), languages=(Tongue.EN, Tongue.ZH)).lines == (
        "粤B·12345", "Pay CNY 12.50", "Parked 2 h 5 min", "Scan to pay",
    )  # fmt: skip
    assert show(it, place(EXIT), lines=2).lines == ("粤B·12345", "请付 12.50元")


def test_who_owes_is_told_how_much_and_shown_a_code_where_there_is_room_for_one() -> None:
    it = news(
        EXIT,
        HOLD,
        "exit.unpaid",
        Ask.PAY,
        fee=Money(2000, "CNY"),
        arrears=Money(500, "CNY"),
        stayed_us=26 * 60 * MINUTE_US,
    )
    shown = show(it, place(EXIT), code=True)
    assert shown.lines == ("粤B·12345", "请付 20.00元", "含欠费 5.00元", "停车 1天2小时")
    assert shown.said[-1].saying is Saying.PLEASE_PAY
    assert (shown.said[-1].text, shown.said[-1].number) == ("20", 2000)
    assert shown.code == "https://park.example/c/ABC"
    assert show(it, place(EXIT)).code is None
    assert show(replace(it, released=True), place(EXIT), code=True).code is None


@pytest.mark.parametrize(("days", "told"), [(0, None), (1, "1"), (30, "30"), (31, None), (-1, None), (None, None)])
def test_days_left_of_a_permit_are_told_while_they_are_few(days: int | None, told: str | None) -> None:
    until = None if days is None else Instant(AT + days * DAY_US)
    shown = show(news(ENTRY, OPEN, "entry.monthly", right="monthly", permit_until=until), languages=(Tongue.ZH,))
    assert (f"剩余 {told} 天" in shown.lines) == (told is not None)
    assert (Saying.DAYS_LEFT in [one.saying for one in shown.said]) == (told is not None)


def test_a_car_without_a_plate_is_not_named() -> None:
    it = news(ENTRY, OPEN, "entry.scanned", plate=Plate.unlicensed("0123456789abcdef"))
    shown = show(it, languages=(Tongue.ZH,))
    assert shown.lines[0] == "无牌车"
    assert [one.saying for one in shown.said] == [Saying.WELCOME]
    assert show(replace(it, plate=None), languages=(Tongue.ZH,)).lines == ("临时车", "欢迎光临")


def test_other_currencies_are_named() -> None:
    it = news(EXIT, HOLD, "exit.unpaid", Ask.PAY, fee=Money(500, "HKD"))
    assert "请付 HKD 5.00" in show(it, place(EXIT)).lines


def test_a_lots_own_text_comes_first() -> None:
    own = {Tongue.ZH: ("{plate}", "您好 {stay}", "{lot}"), Tongue.EN: ("Hello",)}
    shown = shown_of(news(ENTRY, OPEN), place(), Screen("in-1", Maker.KF), WORDS, {Moment.WELCOME: own}.get)
    assert shown.lines == ("粤B·12345", "云帆大厦", "Hello")


def test_the_houses_texts_know_only_what_is_known_then_and_have_a_form_in_gbk() -> None:
    for moment, tongue in product(Moment, Tongue):
        lines = WORDS.lines(moment, tongue)
        assert {place for line in lines for place in places_in(line)} <= PLACES[moment], moment
        assert "".join(lines).encode("gbk")
        assert all(len(line.encode("gbk")) <= 20 for line in lines)
    assert moment_of(None, place()) in Moment


def test_words_of_a_person_are_broken_into_the_lines_there_are() -> None:
    screen = Screen("in-1", Maker.KF, lines=2, columns=8)
    wide = lambda said: len(said.encode("gbk"))  # noqa: E731
    shown = words_of_a_person("请靠边停车", screen, aloud=True, wide=wide)
    assert shown.lines == ("请靠边停", "车")
    assert shown.said[0].text == "请靠边停车"
    long = words_of_a_person("请把车停到旁边的空位稍等片刻", screen, aloud=False, wide=wide)
    assert long.lines == ("请把车停", "到旁边的空位稍等片刻")
    assert long.said == ()


def test_every_moment_fits_a_display() -> None:
    for kind, action, ask, released in product(LaneKind, Action, Ask, (False, True)):
        it = news(
            kind, action, ask=ask, released=released, fee=Money(1, "CNY"), arrears=Money(1, "CNY"), stayed_us=1,
            permit_until=Instant(AT + 1), right="resident",
        )  # fmt: skip
        shown = show(it, place(kind))
        assert 0 < len(shown.lines) <= LINES_MAX
        assert not any("{" in line for line in shown.lines)
