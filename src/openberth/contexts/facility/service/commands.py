"""Commands to hardware: a row with an id, a life of 30 s and an outcome.

A command is never repeated by itself and never queued for an absent device. Where the answer to a camera itself
opens, the command is born sent. Without status, input or loop report within its life it ends ``uncertain``.
"""

from dataclasses import dataclass, replace

from openberth.contexts.facility.model import (
    CAMERAS,
    Command,
    CommandEnded,
    CommandIssued,
    CommandKind,
    CommandState,
    DeviceKind,
    Outcome,
)
from openberth.contexts.facility.store import commands as store
from openberth.contexts.facility.store import presence as presence_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import SECOND_US, Instant

LIFE_US = 30 * SECOND_US
TO_ITSELF = (CommandKind.RESTART, CommandKind.SET_TIME)  # they move nothing: what accepts them has done them
# A link takes a command within milliseconds; after this long nobody holds one.
UNTAKEN_US = 3 * SECOND_US
SCANNED_PAGES_MAX = 5  # statements that one page of commands may take
_KEEP_OPEN = frozenset((DeviceKind.BARRIER_TCP,))
TAKEN_MAX = store.TAKEN_MAX  # commands of one device that are taken at once


def gate_of(reader: Reader, *, lane: Id) -> tuple[Id, DeviceKind] | None:
    """Return the device that moves the lane's gate: its barrier, otherwise its camera's relay, None without both."""
    devices = reader.all(store.DEVICES_OF_LANE, lane=lane)
    for wanted in (DeviceKind.BARRIER_TCP, *CAMERAS):
        for device, kind in devices:
            if kind is wanted:
                return device, kind
    return None


def keeps_open(reader: Reader, *, lane: Id) -> bool:
    """Tell whether the lane's gate can be told to stay open; otherwise it is told to open for every car."""
    gate = gate_of(reader, lane=lane)
    return gate is not None and gate[1] in _KEEP_OPEN


def stands_open(reader: Reader, *, lane: Id) -> bool:
    """Tell whether the lane's gate is known to stay open: it was told so, and did.

    With any other outcome of that command, or none yet, nobody knows.
    """
    last = _kept(reader, lane)
    return last is not None and last.kind is CommandKind.LOCK_OPEN and last.outcome is Outcome.DONE


def may_stay_open(reader: Reader, *, lane: Id) -> bool:
    """Tell whether the lane's gate was told to stay open and is not known to have been released since."""
    last = _kept(reader, lane)
    if last is None:
        return False
    return last.kind is CommandKind.LOCK_OPEN or last.outcome not in (None, Outcome.DONE)


def _kept(reader: Reader, lane: Id) -> Command | None:
    gate = gate_of(reader, lane=lane)
    return None if gate is None else reader.one(store.LAST_KEPT, lane=lane, device=gate[0])


# A gate opens by hand, by resolving a case, by a corrected plate or a driver's code; by construction otherwise.
@needs("lane.open", "case.resolve", "plate.correct", "sign.use")
def issue_command(
    unit: Unit, *, company: Id, lot: Id, lane: Id, kind: CommandKind, passage: Id | None, reason: str | None = None,
    answering: Id | None = None,
) -> Command:  # fmt: skip
    """Write a command for the lane's gate down.

    ``answering`` is the camera whose request is being answered: when that camera itself moves the gate, its answer is
    the command, and the command is sent by being committed. Raises ``Refused("lane.no_gate")``.
    """
    gate = gate_of(unit, lane=lane)
    if gate is None:
        raise Refused("lane.no_gate", lane=str(lane))
    device, wire = gate
    born_sent = device == answering and wire.wire.answered
    return _issued(unit, company, lot, lane, device, kind, passage=passage, reason=reason, born_sent=born_sent)


@needs("device.command")
def tell_device(unit: Unit, *, company: Id, lot: Id, lane: Id, device: Id, kind: CommandKind, reason: str) -> Command:
    """Tell a device something about itself: to restart, or what time it is.

    Raises ``Malformed("device.not_to_itself")`` for what moves a gate, ``Refused``: ``reason.missing``,
    ``reason.too_long``, ``device.not_here`` for a device that is not heard: nothing waits for an absent one.
    """
    if kind not in TO_ITSELF:
        raise Malformed("device.not_to_itself")
    text = checked_reason(reason)
    if not unit.one(presence_store.IS_ONLINE, device=device):
        raise Refused("device.not_here")
    return _issued(unit, company, lot, lane, device, kind, passage=None, reason=text, born_sent=False)


def _issued(
    unit: Unit, company: Id, lot: Id, lane: Id, device: Id, kind: CommandKind, *, passage: Id | None,
    reason: str | None, born_sent: bool,
) -> Command:  # fmt: skip
    actor = unit.caller.actor
    issued = Command(
        unit.new_id(), company, lot, device, lane, kind, CommandState.SENT if born_sent else CommandState.WAITING, None,
        passage, reason, None, f"{actor.kind.value}:{actor.name}"[:100], unit.machine_now,
        Instant(unit.machine_now + LIFE_US), unit.machine_now if born_sent else None, None,
    )  # fmt: skip
    unit.run(store.INSERT_COMMAND, issued)
    unit.append(
        CommandIssued(issued.id, device, lane, kind.value, passage, int(issued.expires_at), reason, born_sent),
        company=company, lot=lot, key=lane,
    )  # fmt: skip
    return issued


def waiting_devices(reader: Reader) -> dict[Id, Instant]:
    """Return the devices with commands that wait, and the end of the last one's life."""
    return dict(reader.all(store.WAITING_DEVICES))


def opening_under_way(reader: Reader, *, lane: Id, within_us: int) -> Command | None:
    """Return an open of this lane that was issued moments ago and has no outcome yet."""
    gate = gate_of(reader, lane=lane)
    if gate is None:
        return None
    return reader.one(store.LAST_OPEN_OF_LANE, lane=lane, device=gate[0], since=reader.machine_now - within_us)


def command(reader: Reader, *, command: Id) -> Command | None:
    """Return a command."""
    return reader.one(store.COMMAND, command=command)


@by_construction
def take_for_sending(unit: Unit, *, device: Id, most: int = TAKEN_MAX) -> list[Command]:
    """Mark up to ``most`` waiting commands of a device as sent and return them; called right before sending them.

    Marked before sent: after a crash in between the outcome is uncertain, and the command is not repeated.
    """
    taken: list[Command] = []
    for waiting in unit.all(store.WAITING_FOR_DEVICE, device=device):
        if len(taken) == most:
            break
        if waiting.expires_at <= unit.machine_now:
            end_command(unit, ended=waiting, outcome=Outcome.UNREACHABLE, detail="expired")
        elif unit.run(store.MARK_SENT, command=waiting.id, now=unit.machine_now) == 1:
            taken.append(replace(waiting, state=CommandState.SENT, sent_at=unit.machine_now))
    return taken


@by_construction
def end_command(unit: Unit, *, ended: Command, outcome: Outcome, detail: str | None = None) -> bool:
    """Give a command its outcome; the first one stays. Tells whether this was the first.

    ``ended`` is the command as it was read in this unit: one that was sent meanwhile is not ended as never sent.
    """
    if ended.state is CommandState.ENDED:
        return False
    written = unit.run(
        store.END, command=ended.id, old_state=ended.state, new_outcome=outcome, new_detail=detail, now=unit.machine_now
    )
    if written != 1:
        return False
    unit.append(
        CommandEnded(ended.id, ended.device_id, ended.lane_id, ended.kind.value, outcome.value, detail,
        ended.passage_id), company=ended.company_id, lot=ended.lot_id, key=ended.lane_id,
    )  # fmt: skip
    return True


@by_construction
def report_outcome(unit: Unit, *, command: Id, outcome: Outcome, detail: str | None = None) -> bool:
    """Give a command the outcome that its device's link reports. False when it had one already (a late report).

    Raises ``NotFound("command.not_found")``.
    """
    found = unit.one(store.COMMAND, command=command)
    if found is None:
        raise NotFound("command.not_found")
    return end_command(unit, ended=found, outcome=outcome, detail=detail)


@by_construction
def passed(unit: Unit, *, lane: Id, device: Id) -> int:
    """Take note that a car crossed behind the gate: opens of this lane that were sent are done. Returns how many."""
    done = 0
    for sent in unit.all(store.OPEN_OF_LANE, lane=lane, device=device):
        if sent.kind is CommandKind.OPEN and sent.expires_at >= unit.machine_now:
            done += end_command(unit, ended=sent, outcome=Outcome.DONE, detail="passed")
    return done


@by_construction
def gate_moved(unit: Unit, *, lane: Id, device: Id, is_open: bool) -> int:
    """Take note that a device tells where its boom is: what was sent to bring it there is done. Returns how many."""
    kind = CommandKind.OPEN if is_open else CommandKind.CLOSE
    sent = unit.all(store.OPEN_OF_LANE, lane=lane, device=device)
    alive = (one for one in sent if one.kind is kind and one.expires_at >= unit.machine_now)
    return sum(end_command(unit, ended=one, outcome=Outcome.DONE, detail="boom") for one in alive)


@by_construction
def gate_locked(unit: Unit, *, lane: Id, device: Id) -> int:
    """Take note that a boom is locked shut: what was sent to open it was refused, though it may have been answered
    well. Returns how many.
    """
    sent = unit.all(store.OPEN_OF_LANE, lane=lane, device=device)
    alive = (one for one in sent if one.kind is CommandKind.OPEN and one.expires_at >= unit.machine_now)
    return sum(end_command(unit, ended=one, outcome=Outcome.REJECTED, detail="locked") for one in alive)


@by_construction
def end_expired(unit: Unit) -> int:
    """End commands whose life is over: never sent ones are unreachable, sent ones uncertain.

    A command for a link that none has taken within 3 s is unreachable then: nothing is queued for an absent device.
    Ends a few at a time and returns how many; call again while there are any.
    """
    ended = 0
    untaken = Instant(unit.machine_now + LIFE_US - UNTAKEN_US)
    for waiting in unit.all(store.UNTAKEN_PUSH, expires_before=untaken):
        late_by_us = unit.machine_now - waiting.expires_at
        detail = "absent" if late_by_us < 0 else "expired"
        ended += end_command(unit, ended=waiting, outcome=Outcome.UNREACHABLE, detail=detail)
    for state, outcome in ((CommandState.WAITING, Outcome.UNREACHABLE), (CommandState.SENT, Outcome.UNCERTAIN)):
        for late in unit.all(store.EXPIRED, state=state, machine_now=unit.machine_now):
            ended += end_command(unit, ended=late, outcome=outcome, detail="expired")
    return ended


@by_construction
def after_restart(unit: Unit) -> int:
    """End what an earlier process sent and never heard of: its outcome is uncertain.

    Ends a few at a time and returns how many; call again while there are any.
    """
    left = unit.all(store.UNFINISHED, state=CommandState.SENT)
    return sum(end_command(unit, ended=sent, outcome=Outcome.UNCERTAIN, detail="restart") for sent in left)


def commands_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[Command]:
    """Return a page of a lot's commands, newest first."""
    return reader.all(store.OF_LOT, lot=lot, before=before, limit=min(limit, store.PAGE_MAX))


def commands_of_passage(reader: Reader, *, passage: Id) -> list[Command]:
    """Return the commands that were given for a passage, oldest first."""
    return reader.all(store.OF_PASSAGE, passage=passage)


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands only: of a device, with an outcome, issued from an instant of machine time on."""

    device: Id | None = None
    outcome: Outcome | None = None
    since: Instant | None = None


def commands_found(
    reader: Reader, *, lot: Id, only: CommandFilter, before: Id, limit: int
) -> tuple[list[Command], Id | None]:
    """Return a page of a lot's commands, newest first, and what asks on after it.

    A bounded number is looked at, so a page may hold fewer than asked and go on.
    """
    kept: list[Command] = []
    after = before
    most = store.PAGE_MAX if only.outcome is not None else min(limit, store.PAGE_MAX)
    for _ in range(SCANNED_PAGES_MAX):
        rows = _page(reader, lot, only.device, after, most)
        for row in rows:
            after = row.id
            if only.since is not None and row.issued_at < only.since:
                return kept, None
            if row.lot_id == lot and only.outcome in (None, row.outcome):
                kept.append(row)
                if len(kept) == limit:
                    return kept, after
        if len(rows) < most:
            return kept, None
    return kept, after


def _page(reader: Reader, lot: Id, device: Id | None, before: Id, most: int) -> list[Command]:
    if device is None:
        return commands_of_lot(reader, lot=lot, before=before, limit=most)
    return reader.all(store.OF_DEVICE, device=device, before=before, limit=most)
