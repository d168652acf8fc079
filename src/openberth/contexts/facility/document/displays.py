"""The part of a lot file about displays: shape, checks, and the way both ways."""

from collections.abc import Iterator, Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from openberth.contexts.facility.document.shape import AreaPart, DevicePart, LanePart
from openberth.contexts.facility.model.displays import (
    COLUMNS_MAX,
    LINE_MAX,
    LINES_MAX,
    PLACES,
    PORT_MAX,
    Board,
    BoardColour,
    Displays,
    Maker,
    Moment,
    OwnText,
    Screen,
    Tongue,
    Volume,
    places_in,
)
from openberth.contexts.facility.model.layout import MAIN_AREA
from openberth.infra.documents import Between, Clock, Code, Flaw, Part, Path, Text, Truth, Whole, flaw, listed

_Port: TypeAlias = Annotated[Whole, Between(0, PORT_MAX)]
_Loud: TypeAlias = Annotated[Whole, Between(0, 100)]
_Lines: TypeAlias = Annotated[list[Text], Field(min_length=1, max_length=LINES_MAX)]


class VolumePart(Part):
    """How loud it speaks, in percent; 0 is silent. The hours are those of the lot's zone."""

    day: _Loud = 70
    night: _Loud = 30
    night_from: Clock = "22:00"
    night_to: Clock = Field("07:00", description="the same as night_from: there is no night")


class ScreenPart(Part):
    """A display at a lane, behind a serial port of its camera."""

    lane: Code
    maker: Maker = Field(description="whose frames it understands; plain: its device draws the lines itself")
    device: Code | None = Field(None, description="on which it hangs; without it the lane's first camera")
    port: _Port = Field(0, description="serial port of the device")
    lines: Annotated[Whole, Between(1, LINES_MAX)] = 4
    columns: Annotated[Whole, Between(4, COLUMNS_MAX)] = Field(
        16, description="half-width characters of a line; a Chinese character takes two"
    )
    languages: list[Tongue] = Field(default=[Tongue.ZH, Tongue.EN], min_length=1, max_length=2)
    volume: VolumePart = VolumePart()
    brightness: Annotated[Whole, Between(10, 100)] = Field(80, description="percent")
    code: Truth = Field(False, description="it can show a QR code to pay or scan by")


class BoardPart(Part):
    """A board of free spaces behind a serial port of a lane's device."""

    lane: Code
    device: Code | None = None
    port: _Port = 1
    area: Code | None = Field(None, description="whose spaces; without it those of the lot")
    colour: BoardColour = BoardColour.GREEN
    scarce: Annotated[Whole, Between(0, 10_000)] = Field(10, description="this many left or fewer: another colour")
    scarce_colour: BoardColour = BoardColour.YELLOW


class OwnTextPart(Part):
    """What displays say at a moment instead of the usual; what stands in braces is filled in."""

    moment: Moment
    lanes: list[Code] = Field(default=[], max_length=500, description="at which lanes; without it at all")
    zh: _Lines
    en: _Lines


class DisplaysPart(Part):
    """Displays, voice and boards of free spaces at the lanes."""

    screens: list[ScreenPart] = Field(default=[], max_length=500)
    boards: list[BoardPart] = Field(default=[], max_length=200)
    texts: list[OwnTextPart] = Field(default=[], max_length=200)


def check_displays(
    part: DisplaysPart, lanes: Sequence[LanePart], devices: Sequence[DevicePart], areas: Sequence[AreaPart]
) -> Iterator[Flaw]:
    """Check that displays hang on devices at lanes that are there, each port once, and what texts say."""
    taken: dict[tuple[str, int], str] = {}
    shown: dict[str, int] = {}
    hanging: list[tuple[Path, ScreenPart | BoardPart]] = [
        *((("displays", "screens", index), each) for index, each in enumerate(part.screens)),
        *((("displays", "boards", index), each) for index, each in enumerate(part.boards)),
    ]
    for path, each in hanging:
        yield from _check_place(path, each, lanes, devices, taken)
    for index, screen in enumerate(part.screens):
        if screen.lane in shown:
            yield flaw(("displays", "screens", index, "lane"), "lot.second_display", lane=screen.lane)
        shown.setdefault(screen.lane, index)
        if len(set(screen.languages)) != len(screen.languages):
            yield flaw(("displays", "screens", index, "languages"), "lot.language_twice")
    known = [each.code for each in areas] or [MAIN_AREA]
    for index, board in enumerate(part.boards):
        if board.area is not None and board.area not in known:
            yield flaw(("displays", "boards", index, "area"), "lot.no_area", value=board.area, known=listed(known))
    yield from _check_texts(part.texts, [lane.code for lane in lanes])


def _check_place(
    path: Path, each: ScreenPart | BoardPart, lanes: Sequence[LanePart], devices: Sequence[DevicePart],
    taken: dict[tuple[str, int], str],
) -> Iterator[Flaw]:  # fmt: skip
    known = [lane.code for lane in lanes]
    if each.lane not in known:
        yield flaw((*path, "lane"), "lot.no_lane", value=each.lane, known=listed(known))
        return
    here = [device.code for device in devices if device.lane == each.lane]
    if each.device is not None and each.device not in here:
        known_here = listed(here) or "-"
        yield flaw((*path, "device"), "lot.no_device_at_lane", value=each.device, lane=each.lane, known=known_here)
        return
    device = each.device or next(
        (one.code for one in devices if one.lane == each.lane and one.kind.wire.camera), each.lane
    )
    wire = next((one.kind.wire for one in devices if one.code == device), None)
    is_plain = isinstance(each, ScreenPart) and each.maker is Maker.PLAIN
    if wire is not None and wire.mute and not (is_plain and wire.own_display):
        yield flaw(path, "lot.device_mute", device=device)
    if is_plain:
        return
    if (device, each.port) in taken:
        yield flaw((*path, "port"), "lot.port_taken", port=each.port, device=device, other=taken[device, each.port])
    taken.setdefault((device, each.port), f"{path[1]}[{path[2]}]")


def _check_texts(texts: Sequence[OwnTextPart], lanes: Sequence[str]) -> Iterator[Flaw]:
    for index, each in enumerate(texts):
        path: Path = ("displays", "texts", index)
        for number, lane in enumerate(each.lanes):
            if lane not in lanes:
                yield flaw((*path, "lanes", number), "lot.no_lane", value=lane, known=listed(lanes))
        known = PLACES[each.moment]
        for tongue, lines in (("zh", each.zh), ("en", each.en)):
            for number, line in enumerate(lines):
                yield from _check_line((*path, tongue, number), line, each.moment, known)


def _check_line(path: Path, line: str, moment: Moment, known: frozenset[str]) -> Iterator[Flaw]:
    places = list(places_in(line))
    for place in places:
        if place not in known:
            yield flaw(path, "lot.display_place", place=place, moment=moment.value, known=listed(sorted(known)))
    bare = line
    for place in places:
        bare = bare.replace(f"{{{place}}}", "")
    if "{" in bare or "}" in bare:
        yield flaw(path, "lot.display_braces")
    strange = [one for one in bare if not _has_gbk(one)]
    if strange:
        yield flaw(path, "lot.display_character", value=strange[0])
    elif len(bare.encode("gbk")) > LINE_MAX:
        yield flaw(path, "lot.display_line", most=LINE_MAX, width=len(bare.encode("gbk")))


def _has_gbk(one: str) -> bool:
    try:
        one.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def displays_of(part: DisplaysPart) -> Displays:
    """Return the displays that a document describes."""
    return Displays(
        tuple(
            Screen(
                each.lane, each.maker, each.device, each.port, each.lines, each.columns, tuple(each.languages),
                _volume(each.volume), each.brightness, each.code,
            )
            for each in part.screens
        ),
        tuple(
            Board(
                each.lane, each.device, each.port, each.area, each.colour, each.scarce_colour, each.scarce
            )
            for each in part.boards
        ),
        tuple(OwnText(each.moment, tuple(each.zh), tuple(each.en), tuple(each.lanes)) for each in part.texts),
    )  # fmt: skip


def displays_part(displays: Displays) -> DisplaysPart:
    """Return the part of a lot's file about its displays."""
    return DisplaysPart(
        screens=[
            ScreenPart(
                lane=each.lane, maker=each.maker, device=each.device, port=each.port, lines=each.lines,
                columns=each.columns, languages=list(each.languages), volume=_volume_part(each.volume),
                brightness=each.brightness, code=each.code,
            )
            for each in displays.screens
        ],
        boards=[
            BoardPart(
                lane=each.lane, device=each.device, port=each.port, area=each.area, colour=each.colour,
                scarce=each.scarce, scarce_colour=each.scarce_colour,
            )
            for each in displays.boards
        ],
        texts=[
            OwnTextPart(moment=each.moment, lanes=list(each.lanes), zh=list(each.zh), en=list(each.en))
            for each in displays.texts
        ],
    )  # fmt: skip


def _volume(part: VolumePart) -> Volume:
    return Volume(part.day, part.night, _minute(part.night_from), _minute(part.night_to))


def _volume_part(volume: Volume) -> VolumePart:
    return VolumePart(
        day=volume.day, night=volume.night, night_from=_clock(volume.night_from), night_to=_clock(volume.night_to)
    )  # fmt: skip


def _minute(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
