"""Keeping the lists of cameras in step with permits and blocks: what a camera is told next, what it confirmed, and how
its list differs from what was believed.

A camera is told by whoever holds its wire; here is only what is known. Confirmed late or twice changes nothing wrong:
a row is what the camera was last told, and only a confirmation of just that makes it held.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from openberth.contexts import facility
from openberth.contexts.permits.model.white_lists import (
    CARS_MAX,
    SOON_US,
    Difference,
    Flaw,
    Row,
    RowState,
    Step,
    Wanted,
    compare,
    is_confirmed_by,
    listed_days,
    next_step,
)
from openberth.contexts.permits.store import white_lists as store
from openberth.contexts.permits.store.white_lists import DIFFERENCES_MAX, Standing
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import MINUTE_US, Instant, Period

BEHIND, UNREACHED = "white_list_behind", "white_list.unreached"
BEHIND_US = 10 * MINUTE_US  # a list that is behind for longer is an alarm
ROWS_MAX = 2 * CARS_MAX  # of a camera: what it should hold, and strangers that it does not drop
PAGE, BLOCKED_PAGE = 1_000, 5_000
TROUBLE_LENGTH, MARK_LENGTH = 100, 40
UNKNOWN_SHOWN = 8  # stars for what a camera holds and is no plate


@dataclass(frozen=True, slots=True)
class Car:
    """A car as a camera is told of it: the plate in clear, and when it may come in."""

    plate: str = field(repr=False)
    valid: Period
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """The next step of a camera in clear, with what it is made of: ``put`` and ``step.put`` are the same cars, and
    ``drop`` are the first ones of ``step.drop``; behind them stands what cannot be named any more.
    """

    step: Step
    put: tuple[Car, ...]
    drop: tuple[Car, ...]
    wanted: int
    left_out: int

    def without(self, not_taken: Collection[str], not_dropped: Collection[str]) -> "Telling":
        """Return what is left when some cars were not taken, or not dropped."""
        put = [(one, car) for one, car in zip(self.step.put, self.put, strict=True) if car.plate not in not_taken]
        named = zip(self.step.drop, self.drop, strict=False)
        drop = [(row, car) for row, car in named if car.plate not in not_dropped]
        rows = (*(row for row, _ in drop), *self.step.drop[len(self.drop) :])
        step = replace(self.step, put=tuple(one for one, _ in put), drop=rows)
        return replace(self, step=step, put=tuple(car for _, car in put), drop=tuple(car for _, car in drop))

    def plates(self) -> set[Id]:
        """Return the plates it is about."""
        return {one.plate for one in self.step.put} | {row.plate for row in self.step.drop}


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera whose list is kept."""

    device: Id
    company: Id
    lot: Id
    lot_code: str
    code: str
    box: str = ""  # a mark of what stands behind the code


def next_telling(reader: Reader, *, camera: Camera, without: Collection[Id] = ()) -> Telling:
    """Return what a camera is told next; ``without`` are plates that it has just refused to hold, or to drop.

    A plate that is forgotten while its permit still holds cannot be told of, and is left out.
    """
    wanted, left_out = _wanted(reader, camera.lot)
    rows, left = _rows(reader, camera.device), set(without)
    marks = {row.plate: row.mark for row in rows}
    while True:
        step = next_step(wanted, rows, left)
        told = {one.plate: vault.reveal(reader, one.plate) for one in step.put}
        forgotten = {plate for plate, text in told.items() if text is None}
        if not forgotten:
            break
        left |= forgotten
    put = tuple(Car(told[one.plate] or "", one.valid, marks.get(one.plate, "")) for one in step.put)
    named = [(row, text) for row in step.drop if (text := vault.reveal(reader, row.value)) is not None]
    nameless = [row for row in step.drop if row not in [each for each, _ in named]]
    drop = tuple(Car(text, row.valid, row.mark) for row, text in named)
    step = replace(step, drop=(*(row for row, _ in named), *nameless))
    return Telling(step, put, drop, len(wanted), left_out)


@by_construction
def meet(unit: Unit, *, camera: Camera) -> None:
    """Believe nothing of a list that another box was told: this one is told all of it, and read back first."""
    told_to = _standing(unit, camera).told_to
    if told_to is not None and told_to != camera.box:
        unit.run(store.FORGET, device=camera.device)
        unit.run(store.UNREAD, device=camera.device, none=[])
    unit.run(store.SET_BOX, device=camera.device, new_box=camera.box)


@by_construction
def begin(unit: Unit, *, camera: Camera, step: Step) -> None:
    """Write down what a camera is about to be told. After a crash it counts as told and not confirmed."""
    for one in step.put:
        text = vault.reveal(unit, one.plate)
        if text is None:  # forgotten meanwhile
            continue
        told = unit.run(
            store.TELL_CAR, device=camera.device, plate=one.plate, new_from=one.valid.start, new_until=one.valid.end,
            new_state=RowState.ASKED, now=unit.machine_now,
        )  # fmt: skip
        if not told:
            unit.run(
                store.INSERT_CAR, id=unit.new_id(), company_id=camera.company, lot_id=camera.lot,
                device_id=camera.device, plate_id=one.plate, value_id=vault.keep(unit, VaultKind.LISTED_PLATE, text),
                valid_from=one.valid.start, valid_until=one.valid.end, state=RowState.ASKED, mark="",
                told_at=unit.machine_now,
            )  # fmt: skip
    for row in step.drop:
        unit.run(
            store.SET_CAR, device=camera.device, plate=row.plate, new_state=RowState.DROPPING, now=unit.machine_now
        )


@by_construction
def confirm(unit: Unit, *, camera: Camera, telling: Telling, marks: Mapping[str, str]) -> None:
    """Take a step as done; ``marks`` are the camera's own numbers of records, by plate in clear."""
    for one in telling.step.put:
        text = vault.reveal(unit, one.plate) or ""
        mark = marks.get(text, "")[:MARK_LENGTH]
        unit.run(
            store.TELL_CAR, device=camera.device, plate=one.plate, new_from=one.valid.start, new_until=one.valid.end,
            new_state=RowState.HELD, now=unit.machine_now,
        )  # fmt: skip
        if mark:
            unit.run(store.SET_MARK, device=camera.device, plate=one.plate, new_mark=mark)
    for row in telling.step.drop:
        unit.run(store.DROP_CAR, device=camera.device, plate=row.plate)
        if not unit.all(store.OF_VALUE, value=row.value):
            vault.erase(unit, row.value)


@by_construction
def note_step(unit: Unit, *, camera: Camera, telling: Telling, trouble: str | None) -> None:
    """Write how a camera stands to what is wanted; one that is behind for ten minutes and does not get on is an alarm
    until it is in step. A long list that is told little by little is none.
    """
    now, before = unit.machine_now, _standing(unit, camera)
    behind = telling.step.left > 0 or trouble is not None
    since = (before.behind_since or now) if behind else None
    unit.run(
        store.SET_STEP, device=camera.device, new_wanted=telling.wanted, new_left_out=telling.left_out,
        new_in_step=before.in_step_at if behind else now, new_behind=since,
        new_trouble=None if trouble is None else trouble[:TROUBLE_LENGTH],
    )  # fmt: skip
    company, lot = camera.company, camera.lot
    if since is not None and trouble is not None and now - since >= BEHIND_US:
        told = {"lot": camera.lot_code, "device": camera.code, "trouble": trouble}
        facility.raise_alarm(unit, company=company, lot=lot, kind=BEHIND, subject=camera.device, params=told)
    elif not behind and before.behind_since is not None:
        facility.end_alarm(unit, company=company, lot=lot, kind=BEHIND, subject=camera.device)


@by_construction
def note_unreached(unit: Unit, *, camera: Camera, telling: Telling) -> None:
    """Take note that nobody here reaches a camera: its list is behind while it should drop a car.

    Another process may reach it: while that one tells it something, nothing is known here.
    """
    if telling.step.drop:
        if not unit.all(store.BEING_TOLD, device=camera.device, since=unit.machine_now - BEHIND_US):
            note_step(unit, camera=camera, telling=telling, trouble=UNREACHED)
    elif not telling.step and _standing(unit, camera).behind_since is not None:
        note_step(unit, camera=camera, telling=telling, trouble=None)


def differences_of(
    reader: Reader, *, camera: Camera, found: Mapping[str, Period | None]
) -> tuple[tuple[tuple[Difference, Row | None], ...], tuple[Row, ...]]:
    """Compare what a camera says that it holds with what was believed; each with the row of its car, if there is one.
    Returns the differences, and the cars that were told and not confirmed, and are there as they should be.

    It opens every plate that is held: for readers. A camera that tells of ever new cars, and drops none, is believed no
    more of them than there is room for.
    """
    by_text = {vault.reveal(reader, row.value) or "": row for row in _rows(reader, camera.device)}
    held = {text: row for text, row in by_text.items() if row.state is RowState.HELD}
    there = [row for text, row in by_text.items() if text in found and is_confirmed_by(row, found[text])]
    fine = {row.plate for row in there}
    rows = [(one, by_text.get(one.plate)) for one in compare(held, found)]
    found_out = [(one, row) for one, row in rows if row is None or row.plate not in fine]
    strangers = [one for one, row in found_out if row is None and one.flaw is Flaw.STRANGE]
    beyond = set(strangers[max(0, ROWS_MAX - len(by_text)) :])
    return tuple((one, row) for one, row in found_out if one not in beyond), tuple(there)


@by_construction
def note_differences(unit: Unit, *, camera: Camera, differences: Sequence[tuple[Difference, Row | None]]) -> None:
    """Let the next steps put some differences right, ``STEP_MAX`` at most.

    A car that was never given is dropped, too: it would be let in while nobody looks.
    """
    for one, row in differences:
        if row is not None:
            unit.run(
                store.SET_CAR, device=camera.device, plate=row.plate, new_state=RowState.ASKED, now=unit.machine_now
            )
            if one.flaw is Flaw.MISSING:  # and with it the number of its record
                unit.run(store.SET_MARK, device=camera.device, plate=row.plate, new_mark="")
        elif one.flaw is Flaw.STRANGE:
            value = vault.keep(unit, VaultKind.LISTED_PLATE, one.plate)
            unit.run(
                store.INSERT_CAR, id=unit.new_id(), company_id=camera.company, lot_id=camera.lot,
                device_id=camera.device, plate_id=value, value_id=value, valid_from=Instant(0), valid_until=None,
                state=RowState.ASKED, mark="", told_at=unit.machine_now,
            )  # fmt: skip


@by_construction
def note_there(unit: Unit, *, camera: Camera, rows: Sequence[Row]) -> None:
    """Take cars as confirmed that were found in a camera's list, ``STEP_MAX`` at most."""
    for row in rows:
        unit.run(store.SET_CAR, device=camera.device, plate=row.plate, new_state=RowState.HELD, now=unit.machine_now)


@by_construction
def note_compared(unit: Unit, *, camera: Camera, found: int, differences: Sequence[Difference]) -> None:
    """Write what a camera's list was like when it was read back."""
    _standing(unit, camera)
    unit.run(
        store.SET_COMPARED, device=camera.device, now=unit.machine_now, new_found=found,
        new_differences=[[_shown(one.plate), one.flaw.value] for one in differences[:DIFFERENCES_MAX]],
    )  # fmt: skip


@by_construction
def note_untold(unit: Unit, *, camera: Camera, again: bool) -> None:
    """Take note that a camera cannot tell what it holds; ``again``: believe nothing, so that it is told all of it."""
    if again:
        unit.run(store.DOUBT, device=camera.device, now=unit.machine_now)
    unit.run(store.SET_COMPARED, device=camera.device, now=unit.machine_now, new_found=None, new_differences=[])


@needs("device.command")
def ask_to_compare(unit: Unit, *, device: Id) -> None:
    """Have a camera's list read back soon. Raises ``NotFound("white_list.none")`` for a camera without one."""
    if unit.run(store.ASK, device=device, now=unit.machine_now) != 1:
        raise NotFound("white_list.none")


@dataclass(frozen=True, slots=True)
class Report:
    """A camera's list: how it stands, how many cars it has confirmed, and what was found the last time, masked."""

    standing: Standing
    held: int
    differences: Sequence[tuple[str, Flaw]]


def report_of(reader: Reader, *, device: Id) -> Report:
    """Return the report of a camera. Raises ``NotFound("white_list.none")``."""
    standing = reader.one(store.STANDING, device=device)
    if standing is None:
        raise NotFound("white_list.none")
    named = [(str(plate), Flaw(flaw)) for plate, flaw in standing.differences]
    return Report(standing, reader.all(store.COUNT_HELD, device=device)[0], named)


def standing_of(reader: Reader, *, device: Id) -> Standing | None:
    """Return how a camera stands, None before it was ever told anything."""
    return reader.one(store.STANDING, device=device)


def _shown(plate: str) -> str:
    """Return a plate masked: what a camera holds may be anything, also what is no plate."""
    try:
        return Plate.foreign(plate).masked
    except InvalidPlate:
        return "*" * min(len(plate), UNKNOWN_SHOWN)


def _standing(unit: Unit, camera: Camera) -> Standing:
    found = unit.one(store.STANDING, device=camera.device)
    if found is not None:
        return found
    unit.run(
        store.INSERT, device_id=camera.device, company_id=camera.company, lot_id=camera.lot, wanted=0, left_out=0,
        in_step_at=None, behind_since=None, trouble=None, compared_at=None, found=None, differences=[], ask_at=None,
        told_to=camera.box,
    )  # fmt: skip
    made = unit.one(store.STANDING, device=camera.device)
    assert made is not None, "it was written"
    return made


def _rows(reader: Reader, device: Id) -> list[Row]:
    return reader.all(store.ROWS, device=device, limit=ROWS_MAX + PAGE)


def _wanted(reader: Reader, lot: Id) -> tuple[list[Wanted], int]:
    """Return the cars that a camera of a lot should hold, and how many there are beyond what it can."""
    at, soon = int(reader.now), int(reader.now) + SOON_US
    blocked = _blocked(reader, lot, at, soon)
    rights = reader.all(store.RIGHTS, lot=lot, at=at, soon=soon, after=Id(int=0), limit=2 * CARS_MAX)
    by_plate: dict[Id, list[Period]] = {}
    for one in rights:
        if one.plate not in blocked:
            by_plate.setdefault(one.plate, []).append(one.valid)
    wanted = [Wanted(plate, listed_days(days)) for plate, days in by_plate.items()]
    return wanted[:CARS_MAX], max(0, len(wanted) - CARS_MAX)


def _blocked(reader: Reader, lot: Id, at: int, soon: int) -> set[Id]:
    """Return every plate with a block, however many there are: one that is missed would be let in."""
    found, after = set[Id](), Id(int=0)
    while page := reader.all(store.BLOCKED, lot=lot, at=at, soon=soon, after=after, limit=BLOCKED_PAGE):
        found |= {plate for _, plate in page}
        after = page[-1][0]
    return found
