"""What a lane has to say to the driver who stands there: a pure value, made of what was decided.

It is news about one car at one lane; which moment it is, and what is shown and said then, are functions of it. The
whole plate is shown to whoever sits in the car: it stands in no log and in no ``repr``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openberth.contexts.facility.model import LaneKind, LotState
from openberth.contexts.facility.model.displays import Moment, Said, Saying, Screen, Shown, Tone, Tongue, filled
from openberth.contexts.stays.model.entities import Action, Ask, Passage, PassageState
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US, MINUTE_US, Instant

_NEVER = Instant(0)
DAYS_TOLD = 30  # a permit that holds longer is not told of

_STOP = frozenset((Moment.NO_ENTRY, Moment.FULL, Moment.CLOSED, Moment.PAY, Moment.WAIT, Moment.SCAN_TO_LEAVE))
_TELL = frozenset((Moment.IDLE_ENTRY, Moment.IDLE_EXIT, Moment.IDLE_INNER, Moment.SCAN_TO_ENTER))
_WITH_CODE = frozenset((Moment.PAY, Moment.SCAN_TO_ENTER, Moment.SCAN_TO_LEAVE))
_ON_DUTY = "emergency"
_CASUAL = "casual"
_CLASSES = frozenset(("resident", "monthly", "internal", "free", _ON_DUTY))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneNews:
    """A car at a lane and what became of it. What is not known is None.

    ``released``: it waited and was let through. ``fee`` is what is asked for, ``arrears`` the part of it that was left
    unpaid before; ``stayed_us`` how long it was inside; ``permit_until`` when its permit ends;
    ``free`` how many spaces were left then.
    """

    passage: Id
    lane_kind: LaneKind
    action: Action
    reason: str
    ask: Ask
    released: bool = False
    plate: Plate | None = field(default=None, repr=False)
    right: str | None = None
    fee: Money | None = None
    arrears: Money | None = None
    stayed_us: int | None = None
    permit_until: Instant | None = None
    free: int | None = None
    at: Instant = _NEVER


@dataclass(frozen=True, slots=True)
class Place:
    """What displays may say of the place: its names, what is free, who is let in, and the link of its sign."""

    lot: Mapping[Tongue, str]
    lane: Mapping[Tongue, str]
    kind: LaneKind
    link: str
    free: int | None = None
    state: LotState = LotState.OPEN


class Words:
    """The house's words; ``say`` returns the text of a code in a language with its parameters. Plates are whole, for
    whoever sits in the car, or ``masked``.
    """

    def __init__(self, say: Callable[..., str], *, masked: bool = False) -> None:
        self._say = say
        self._masked = masked
        self._lines: dict[tuple[Moment, Tongue], tuple[str, ...]] = {}

    def lines(self, moment: Moment, tongue: Tongue) -> Sequence[str]:
        """Return the usual lines of a moment, with their places."""
        found = self._lines.get((moment, tongue))
        if found is None:
            found = self._lines[moment, tongue] = tuple(self._say(f"display.{moment.value}", tongue.value).split("\n"))
        return found

    def right(self, right: str | None, tongue: Tongue) -> str:
        """Return what a kind of car is called."""
        return self._say(f"display.class_{right if right in _CLASSES else _CASUAL}", tongue.value)

    def plate(self, plate: Plate, tongue: Tongue) -> str:
        """Return a plate as a driver knows it."""
        if plate.is_unlicensed:
            return self._say("display.unlicensed", tongue.value)
        return plate.masked if self._masked else plate.pretty

    def sum(self, amount: Money, tongue: Tongue) -> str:
        """Return a sum of money."""
        if amount.currency == "CNY":
            return self._say("display.sum", tongue.value, amount=amount.amount_text)
        return f"{amount.currency} {amount.amount_text}"

    def stayed(self, minutes: int, tongue: Tongue) -> str:
        """Return how long a car was inside."""
        hours, rest = divmod(minutes, 60)
        days, hours_left = divmod(hours, 24)
        if days:
            return self._say("display.days", tongue.value, days=days, hours=hours_left)
        if hours:
            return self._say("display.hours", tongue.value, hours=hours, minutes=rest)
        return self._say("display.minutes", tongue.value, minutes=rest)


def news_of(
    passage: Passage, plate: Plate | None, *, currency: str, released: bool = False, action: Action | None = None,
    ask: Ask | None = None, fee: Money | None = None, arrears: Money | None = None,
) -> LaneNews:  # fmt: skip
    """Return the news that a passage is. What it rested on tells the rest; later values take its place."""
    basis: Mapping[str, Any] = passage.basis or {}
    facts, price = basis.get("facts", {}), basis.get("price", {})
    if fee is None and price.get("due_minor"):
        carried = price.get("carried_minor", 0)
        fee = Money(price["due_minor"] + carried, currency)
        arrears = Money(carried, currency) if carried else None
    entered, until = price.get("entered_at"), basis.get("permit_until")
    return LaneNews(
        passage=passage.id, lane_kind=passage.lane_kind, action=action or passage.action, reason=passage.reason,
        ask=ask or passage.ask, released=released, plate=plate, right=facts.get("right"), fee=fee, arrears=arrears,
        stayed_us=None if entered is None else max(0, passage.captured_at - entered),
        permit_until=None if until is None else Instant(until), at=passage.captured_at, free=_left(facts, passage),
    )  # fmt: skip


def _left(facts: Mapping[str, Any], passage: Passage) -> int | None:
    """Return what was free after a car, where it was counted."""
    before = facts.get("free_spaces")
    return None if before is None else int(before) - (passage.action is Action.OPEN)


def is_over(passage: Passage) -> bool:
    """Tell whether nobody stands at a lane any more because of a passage: it has passed, or its car has gone."""
    return passage.action is Action.RECORD or passage.state in (PassageState.GONE, PassageState.UNDECIDED)


def moment_of(news: LaneNews | None, place: Place) -> Moment:
    """Return which moment it is at a lane: what its car is told, or what stands there while nobody does."""
    if news is None or news.action is Action.RECORD:
        return _idle(place)
    if news.action is Action.REFUSE:
        return {"entry.full": Moment.FULL, "entry.closed": Moment.CLOSED}.get(news.reason, Moment.NO_ENTRY)
    if news.action is Action.HOLD and not news.released:
        return _waiting(news)
    if news.right == _ON_DUTY or news.lane_kind is LaneKind.INNER:
        return Moment.GO_ON
    permitted = news.right is not None and news.right != "blocked"
    if news.lane_kind is LaneKind.ENTRY:
        return Moment.WELCOME_PERMIT if permitted else Moment.WELCOME
    if news.released and news.ask is Ask.PAY:
        return Moment.PAID
    return Moment.GOODBYE_PERMIT if permitted else Moment.GOODBYE


def shown_of(
    news: LaneNews | None, place: Place, screen: Screen, words: Words,
    own: Callable[[Moment], Mapping[Tongue, Sequence[str]] | None],
) -> Shown:  # fmt: skip
    """Return what a display shows and says. ``own`` are the lot's texts, which come before the house's."""
    moment = moment_of(news, place)
    texts = own(moment)

    def texts_in(tongue: Tongue) -> Sequence[str]:
        return texts[tongue] if texts is not None else words.lines(moment, tongue)

    lines = _lines(screen, texts_in, lambda tongue: _values(news, place, words, tongue))
    tone = Tone.STOP if moment in _STOP else Tone.TELL if moment in _TELL else Tone.GO
    code = place.link if screen.code and moment in _WITH_CODE else None
    return Shown(moment, tone, lines, _said(moment, news), code)


def advert_of(
    place: Place, screen: Screen, own: Callable[[Moment], Mapping[Tongue, Sequence[str]] | None]
) -> tuple[str, ...]:
    """Return what a display keeps in its own memory, for when nobody tells it anything; empty for nothing."""
    texts = own(Moment.ADVERT)
    return () if texts is None else _lines(screen, texts.__getitem__, partial(_names, place))


def words_of_a_person(text: str, screen: Screen, *, aloud: bool, wide: Callable[[str], int]) -> Shown:
    """Return a person's words on a display: broken into its lines by ``wide``, how wide a text is."""
    lines = [""]
    for one in text:
        if wide(lines[-1] + one) > screen.columns:
            lines.append("")
        lines[-1] += one
    if len(lines) > screen.lines:  # what is left over goes through the last line
        lines[screen.lines - 1 :] = ["".join(lines[screen.lines - 1 :])]
    said = (Said(Saying.WORDS, text),) if aloud else ()
    return Shown(None, Tone.TELL, tuple(line.strip() for line in lines), said)


def _lines(
    screen: Screen, texts: Callable[[Tongue], Sequence[str]], values: Callable[[Tongue], Mapping[str, str]]
) -> tuple[str, ...]:
    """Return the lines of a text: those of the first language first; one whose value is not known is left out."""
    lines: list[str] = []
    for tongue in screen.languages:
        if len(lines) >= screen.lines:
            break
        known = values(tongue)
        for line in texts(tongue):
            said = filled(line, known)
            if said is not None and said not in lines:
                lines.append(said)
    return tuple(lines[: screen.lines])


def _idle(place: Place) -> Moment:
    if place.kind is LaneKind.EXIT:
        return Moment.IDLE_EXIT
    if place.kind is LaneKind.INNER:
        return Moment.IDLE_INNER
    if place.state in (LotState.CLOSED, LotState.CLOSED_TO_ALL):
        return Moment.CLOSED
    full = place.state is LotState.FULL or (place.free is not None and place.free <= 0)
    return Moment.FULL if full else Moment.IDLE_ENTRY


def _waiting(news: LaneNews) -> Moment:
    if news.ask is Ask.PAY:
        return Moment.PAY
    if news.ask is Ask.ENTER:
        return Moment.SCAN_TO_ENTER
    return Moment.SCAN_TO_LEAVE if news.ask is Ask.IDENTIFY else Moment.WAIT


def _days_left(news: LaneNews) -> int | None:
    if news.permit_until is None:
        return None
    days = -(-(news.permit_until - news.at) // DAY_US)
    return days if 0 < days <= DAYS_TOLD else None


def _values(news: LaneNews | None, place: Place, words: Words, tongue: Tongue) -> dict[str, str]:
    values = _names(place, tongue)
    free = place.free if place.free is not None or news is None else news.free
    if free is not None:
        values["free"] = str(max(0, free))
    if news is None:
        return values
    values["class"] = words.right(news.right, tongue)
    if news.plate is not None:
        values["plate"] = words.plate(news.plate, tongue)
    if news.fee is not None:
        values["fee"] = words.sum(news.fee, tongue)
    if news.arrears is not None:
        values["arrears"] = words.sum(news.arrears, tongue)
    if news.stayed_us is not None:
        values["stay"] = words.stayed(news.stayed_us // MINUTE_US, tongue)
    days = _days_left(news)
    if days is not None:
        values["days"] = str(days)
    return values


def _names(place: Place, tongue: Tongue) -> dict[str, str]:
    return {"lot": place.lot[tongue], "lane": place.lane[tongue]}


def _said(moment: Moment, news: LaneNews | None) -> tuple[Said, ...]:
    """Return what is said aloud: nothing while nobody is told anything."""
    if news is None:
        return ()
    plate = news.plate
    name = (Said(Saying.PLATE, plate.text),) if plate is not None and not plate.is_unlicensed else ()
    days = _days_left(news)
    left = (Said(Saying.DAYS_LEFT, number=days),) if days is not None else ()
    match moment:
        case Moment.WELCOME:
            return (*name, Said(Saying.WELCOME))
        case Moment.WELCOME_PERMIT:
            return (*name, *left, Said(Saying.WELCOME_HOME if news.right == "resident" else Saying.WELCOME))
        case Moment.PAY if news.fee is not None:
            return (*name, Said(Saying.PLEASE_PAY, _plain_amount(news.fee), news.fee.minor))
        case Moment.PAID:
            return (Said(Saying.PAID), Said(Saying.SAFE_JOURNEY))
        case Moment.GOODBYE | Moment.GOODBYE_PERMIT:
            return (*name, *left, Said(Saying.SAFE_JOURNEY))
    alone = {
        Moment.SCAN_TO_ENTER: Saying.SCAN, Moment.SCAN_TO_LEAVE: Saying.SCAN, Moment.WAIT: Saying.WAIT,
        Moment.FULL: Saying.FULL, Moment.CLOSED: Saying.NO_ENTRY, Moment.NO_ENTRY: Saying.NO_ENTRY,
        Moment.GO_ON: Saying.GO_ON,
    }.get(moment)  # fmt: skip
    return () if alone is None else (Said(alone),)


def _plain_amount(amount: Money) -> str:
    """Return a sum as it is said: without a fraction where there is none."""
    whole, _, fraction = amount.amount_text.partition(".")
    return whole if not fraction.strip("0") else f"{whole}.{fraction}"
