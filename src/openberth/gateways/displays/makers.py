"""What a lane shows, as the frames of a display's maker: one function for each. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from openberth.contexts.facility.model.displays import (
    Board,
    BoardColour,
    Maker,
    Said,
    Saying,
    Screen,
    Shown,
    Tone,
)
from openberth.gateways.cameras.family import SerialFrame
from openberth.gateways.displays import fk, kf, remaining
from openberth.gateways.displays.texts import Unshowable, fitted, width

FK_STANDS_S = 150  # longer than the texts are sent again after

_KF_COLOURS = {Tone.GO: kf.GREEN, Tone.STOP: kf.RED, Tone.TELL: kf.YELLOW}
_FK_COLOURS = {Tone.GO: fk.Colour.GREEN, Tone.STOP: fk.Colour.RED, Tone.TELL: fk.Colour.GREEN}
# Phrases that the controllers of Kefa have recorded (the list in the maker's document), commas between them.
_KF_SAID: Mapping[Saying, str] = {
    Saying.WELCOME: "欢迎光临",
    Saying.WELCOME_HOME: "欢迎回家",
    Saying.SAFE_JOURNEY: "祝您一路平安",
    Saying.PAID: "缴费成功",
    Saying.FULL: "车位已满",
    Saying.NO_ENTRY: "禁止通行",
    Saying.SCAN: "请扫码",
    Saying.WAIT: "请稍候",
    Saying.GO_ON: "请通行",
}
_FK_SAID: Mapping[Saying, tuple[fk.Phrase | str, ...]] = {
    Saying.WELCOME: (fk.Phrase.WELCOME,),
    Saying.WELCOME_HOME: (fk.Phrase.WELCOME_HOME,),
    Saying.SAFE_JOURNEY: (fk.Phrase.SAFE_JOURNEY,),
    Saying.PAID: (fk.Phrase.PAID,),
    Saying.FULL: (fk.Phrase.NO_ENTRY,),
    Saying.NO_ENTRY: (fk.Phrase.NO_ENTRY,),
    Saying.SCAN: ("请", fk.Phrase.SCAN),
    Saying.WAIT: (fk.Phrase.A_PERSON_CONFIRMS,),
    Saying.GO_ON: (fk.Phrase.GO_ON,),
}


def spoken(said: tuple[Said, ...]) -> str:
    """Return what is said as Chinese words, commas between them."""
    return ",".join(_kf_words(one) for one in said)


def frames(screen: Screen, shown: Shown, *, aloud: bool, sequence: int) -> tuple[SerialFrame, ...]:
    """Return the frames that show lines, and say what is to be said when ``aloud``.

    What does not fit is cut; ``sequence`` numbers frames where a maker wants that, and goes on for each of them.
    """
    make = _MAKE.get(screen.maker)
    made = [] if make is None else make(screen, shown, aloud and bool(shown.said), sequence)
    return tuple(SerialFrame(each, screen.port) for each in made)


def settings(screen: Screen, *, local: datetime, sequence: int) -> tuple[SerialFrame, ...]:
    """Return the frames that set brightness, volume and clock for a wall clock's time."""
    loud = screen.volume.at(local.hour * 60 + local.minute)
    if screen.maker is Maker.PLAIN:
        return ()
    if screen.maker is Maker.FK:
        made = [fk.volume(loud * fk.VOLUME_MAX // 100, sequence=_step(sequence, 0))]
    else:
        made = [kf.brightness(screen.brightness), kf.set_time(local)]
        made += [kf.volume(max(10, loud))] if loud else []
    return tuple(SerialFrame(each, screen.port) for each in made)


def adverts(screen: Screen, shown: Sequence[str], *, sequence: int) -> tuple[SerialFrame, ...]:
    """Return the frames that have a display keep lines in its own memory, the others empty; none where it has none."""
    make = _KEEP.get(screen.maker)
    lines = [*shown, *("" for _ in range(screen.lines - len(shown)))]
    made = [] if make is None else [make(screen, number, text, sequence) for number, text in enumerate(lines)]
    return tuple(SerialFrame(each, screen.port) for each in made)


def board_frame(board: Board, free: int) -> SerialFrame:
    """Return the frame that shows free spaces on a board."""
    colour = BoardColour.RED if free <= 0 else board.scarce_colour if free <= board.scarce else board.colour
    number = min(max(free, 0), remaining.NUMBER_MAX)
    return SerialFrame(remaining.show(number, remaining.Colour[colour.name]), board.port)


def _kf_lines(screen: Screen, shown: Shown) -> list[kf.Line]:
    texts = (*shown.lines, *("" for _ in range(screen.lines - len(shown.lines))))
    return [_kf_line(screen, text, _KF_COLOURS[shown.tone]) for text in texts[: screen.lines]]


def _kf_line(screen: Screen, text: str, colour: kf.Colour) -> kf.Line:
    kept = fitted(text, kf.LINE_BYTES)
    return kf.Line(kept or " ", colour, kf.Mode.MOVING if width(kept) > screen.columns else kf.Mode.AT_ONCE)


def _kf_advert(screen: Screen, number: int, text: str, sequence: int) -> bytes:
    return kf.advert(number, _kf_line(screen, text, kf.RED))  # as in the maker's example: all displays have red


def _fk_advert(screen: Screen, number: int, text: str, sequence: int) -> bytes:
    line = fk.Line(fitted(text, fk.LINE_BYTES), _FK_COLOURS[Tone.TELL])
    return fk.advert(number, line, sequence=_step(sequence, number))


def _kf_voice(shown: Shown) -> str:
    return fitted(",".join(_kf_words(one) for one in shown.said), 60)


def _kf_words(one: Said) -> str:
    match one.saying:
        case Saying.PLATE | Saying.WORDS:
            return one.text
        case Saying.PLEASE_PAY:
            return f"请交费{one.text}元"
        case Saying.STAYED:
            return f"停车{one.number // 1440}天{one.number // 60 % 24}小时{one.number % 60}分钟"
        case Saying.DAYS_LEFT:
            return f"剩余{one.number}天"
    return _KF_SAID[one.saying]


def _kf(
    framed: Callable[[Sequence[kf.Line], str], bytes], screen: Screen, shown: Shown, aloud: bool, sequence: int
) -> list[bytes]:
    lines, voice = _kf_lines(screen, shown), _kf_voice(shown) if aloud else ""
    stop = [kf.stop_speaking()] if aloud else []
    return [*stop, framed(lines, voice), *_kf_code(screen, shown)]


def _kf_each(screen: Screen, shown: Shown, aloud: bool, sequence: int) -> list[bytes]:
    made = [kf.line(number, one) for number, one in enumerate(_kf_lines(screen, shown))]
    if aloud:
        made += [kf.stop_speaking(), kf.speak(_kf_voice(shown))]
    return [*made, *_kf_code(screen, shown)]


def _kf_code(screen: Screen, shown: Shown) -> list[bytes]:
    if not screen.code:
        return []
    if shown.code is None:
        return [kf.hide_code()]
    below = ",".join(shown.lines)
    try:
        return [kf.payment_code(shown.code, fitted(below, 80), small=screen.lines < kf.LINES_MAX)]
    except Unshowable:  # an address that is too long for such a display: its lines say what to do
        return [kf.hide_code()]


def _fk(screen: Screen, shown: Shown, aloud: bool, sequence: int) -> list[bytes]:
    colour = _FK_COLOURS[shown.tone]
    lines = [fk.Line(fitted(each, fk.LINE_BYTES), colour) for each in shown.lines[: screen.lines]]
    made = [fk.show(lines, seconds=FK_STANDS_S, sequence=_step(sequence, 0))]
    if aloud:
        parts = [part for one in shown.said for part in _fk_words(one)]
        made.append(fk.speak(parts, sequence=_step(sequence, 1)))
    return made


def _fk_words(one: Said) -> tuple[fk.Phrase | str, ...]:
    match one.saying:
        case Saying.PLATE | Saying.WORDS:
            return (fitted(one.text, 120),)
        case Saying.PLEASE_PAY:
            return (fk.Phrase.PLEASE_PAY, _fk_sum(one.text))
        case Saying.STAYED:
            return ()
        case Saying.DAYS_LEFT:
            return (fk.Phrase.LEFT, fk.spelt(min(one.number, 9_999)) + "天")
    return _FK_SAID[one.saying]


def _fk_sum(amount: str) -> str:
    whole, _, fraction = amount.partition(".")
    said = fk.spelt(int(whole)) if len(whole) <= 4 else whole
    return f"{said}点{fraction}元" if fraction else f"{said}元"


def _step(sequence: int, by: int) -> int:
    return (sequence + by - 1) % fk.SEQUENCE_MAX + 1


_MAKE: Mapping[Maker, Callable[[Screen, Shown, bool, int], list[bytes]]] = {
    Maker.KF: partial(_kf, kf.lines),
    Maker.KF_OLD: partial(_kf, kf.lines_old),
    Maker.KF_LINES: _kf_each,
    Maker.FK: _fk,
}
_KEEP: Mapping[Maker, Callable[[Screen, int, str, int], bytes]] = {
    Maker.KF: _kf_advert,
    Maker.KF_OLD: _kf_advert,
    Maker.KF_LINES: _kf_advert,
    Maker.FK: _fk_advert,
}
