"""Displays at lanes as gateways need them, and what people put on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts.facility.model import LaneKind, LaneTextShown
from openberth.contexts.facility.model.displays import Board, Displays, OwnText, Screen
from openberth.contexts.facility.service.ground import displays_from
from openberth.contexts.facility.store import displays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.persons import masked_words
from openberth.kernel.time import SECOND_US, Instant

TEXT_MAX = 60
SHOWN_S_MIN, SHOWN_S_MAX = 5, 3_600


@dataclass(frozen=True, slots=True)
class LaneDisplay:
    """A lane that has a display or boards, with all that they may say of the place.

    ``device`` is what the display hangs on, None where nothing stands there; so are those of ``boards``.
    """

    company: Id
    lot: Id
    lot_code: str
    lot_zh: str
    lot_en: str
    zone: str
    currency: str
    lane: Id
    lane_code: str
    lane_zh: str
    lane_en: str
    kind: LaneKind
    scan_code: str
    screen: Screen | None
    device: Id | None
    boards: Sequence[tuple[Board, Id | None]]
    texts: Sequence[OwnText]


@dataclass(frozen=True, slots=True)
class LaneText:
    """What a person has put on a display, by whom, and until when (machine time)."""

    lane: Id
    text: str
    aloud: bool
    by: str
    at: Instant
    until: Instant


def lane_displays(reader: Reader, *, lot: Id | None = None) -> list[LaneDisplay]:
    """Return the lanes with displays or boards, of one lot or of all."""
    rows = reader.all(store.LOTS) if lot is None else reader.all(store.LOT, lot=lot)
    return [each for row in rows for each in _of_lot(reader, row)]


def lane_display(reader: Reader, *, lot: Id, lane: Id) -> LaneDisplay | None:
    """Return what hangs at a lane, None when nothing does."""
    return next((each for each in lane_displays(reader, lot=lot) if each.lane == lane), None)


def lane_text(reader: Reader, *, lane: Id) -> LaneText | None:
    """Return what a person has put on a lane's display and is not over."""
    row = reader.one(store.TEXT, lane=lane, now=reader.machine_now)
    return None if row is None else LaneText(row.lane, row.text, row.aloud, row.shown_by, row.shown_at, row.until)


@needs("lane.display")
def show_text(unit: Unit, *, lot: Id, lane: Id, text: str | None, seconds: int, aloud: bool) -> LaneText | None:
    """Put a text on a lane's display for a while, or take it away (None). Plates and numbers of persons are masked.

    It takes the place of what somebody put there before. Raises ``Refused``: ``display.none`` where nothing hangs,
    ``display.empty``, ``display.too_long``, ``display.seconds``.
    """
    found = lane_display(unit, lot=lot, lane=lane)
    if found is None or found.screen is None:
        raise Refused("display.none")
    said = None if text is None else _checked(text)
    if said is not None and not SHOWN_S_MIN <= seconds <= SHOWN_S_MAX:
        raise Refused("display.seconds", least=SHOWN_S_MIN, most=SHOWN_S_MAX)
    now, by = unit.machine_now, unit.caller.actor.name
    until = Instant(now + seconds * SECOND_US)
    if said is None:
        if unit.run(store.DELETE_TEXT, at_lane=lane) == 0:
            return None
    elif not unit.run(
        store.REPLACE_TEXT, at_lane=lane, new_text=said, new_aloud=aloud, new_shown_by=by, now=now, new_until=until
    ):
        unit.run(
            store.INSERT_TEXT, lane_id=lane, company_id=found.company, lot_id=lot, text=said, aloud=aloud, shown_by=by,
            shown_at=now, until_at=until,
        )  # fmt: skip
    unit.append(
        LaneTextShown(lane, said, 0 if said is None else seconds, aloud), company=found.company, lot=lot, key=lane
    )
    return None if said is None else LaneText(lane, said, aloud, by, now, until)


@by_construction
def purge_texts(unit: Unit) -> int:
    """Drop what is over; returns how many."""
    over = unit.all(store.OVER, now=unit.machine_now)
    for lane in over:
        unit.run(store.DELETE_TEXT, at_lane=lane)
    return len(over)


@by_construction
def purge_adverts(unit: Unit) -> int:
    """Forget what displays keep behind devices that are retired; returns how many."""
    gone = unit.all(store.ADVERTS_RETIRED)
    for device in gone:
        unit.run(store.DELETE_ADVERT, of_device=device)
    return len(gone)


def advert_kept(reader: Reader, *, device: Id) -> tuple[str, Instant | None]:
    """Return the mark of what the display behind a device keeps in its own memory, empty for nothing, and when it was
    written (machine time), None for never.
    """
    found = reader.one(store.ADVERT, device=device)
    return ("", None) if found is None else (found.kept, found.kept_at)


@by_construction
def keep_advert(unit: Unit, *, company: Id, lot: Id, device: Id, mark: str) -> None:
    """Remember what the display behind a device keeps from now on, by a mark of it."""
    now = unit.machine_now
    if not unit.run(store.REPLACE_ADVERT, of_device=device, new_kept=mark, now=now):
        unit.run(store.INSERT_ADVERT, device_id=device, company_id=company, lot_id=lot, kept=mark, kept_at=now)


def _checked(text: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise Refused("display.empty")
    if len(said) > TEXT_MAX:
        raise Refused("display.too_long", most=TEXT_MAX)
    return masked_words(said)


def _of_lot(reader: Reader, row: store.LotDisplaysRow) -> list[LaneDisplay]:
    displays: Displays = displays_from(row.displays)
    devices = reader.all(store.DEVICES, lot=row.id)
    cameras: dict[Id, Id] = {}
    for identifier, _, at, kind in devices:
        if kind.wire.camera:
            cameras.setdefault(at, identifier)
    by_code = {code: identifier for identifier, code, _, _ in devices}
    screens = {screen.lane: screen for screen in displays.screens}
    found = []
    for lane in sorted(reader.all(store.LANES, lot=row.id), key=lambda each: each.code):
        screen = screens.get(lane.code)
        boards = [board for board in displays.boards if board.lane == lane.code]
        if screen is None and not boards:
            continue

        def device(code: str | None, at: Id = lane.id) -> Id | None:
            return cameras.get(at) if code is None else by_code.get(code)

        found.append(
            LaneDisplay(
                row.company, row.id, row.code, row.name_zh, row.name_en, row.zone, row.currency, lane.id, lane.code,
                lane.name_zh, lane.name_en, lane.kind, lane.scan_code, screen,
                None if screen is None else device(screen.device),
                tuple((board, device(board.device)) for board in boards),
                tuple(each for each in displays.texts if lane.code in (each.lanes or (lane.code,))),
            )
        )  # fmt: skip
    return found
