"""What became of the commands sent to one barrier: a ledger that outlives connections. Pure, the present is handed in.

Rules (``docs/devices/barrier-tcp.md``, "What the server makes of it"): only evidence ends a command as done or
rejected; without it the end of its life makes it uncertain. STATUS counts only after the device has accepted the
command, so a report that was already on its way cannot be taken for the effect.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from openberth.gateways.barriers.messages import BarrierStatus, Boom, CommandResult, Operation, Result
from openberth.kernel.errors import Overloaded, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

MAX_OPEN = 16  # commands of one barrier without an outcome; a person at a button makes one or two
REMEMBERED = 64  # ids a device remembers, and so do we


class CommandOutcome(StrEnum):
    """How a command stands. ``ACCEPTED`` is not an end; the other four are. ``UNREACHABLE`` is what a refused send
    means.
    """

    ACCEPTED = "accepted"
    DONE = "done"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class CommandReport:
    """News about a command.

    ``reason`` says what it rests on: ``result``, ``status`` or ``pass`` for done; ``locked``, ``obstructed``,
    ``expired`` or ``fault`` for rejected; ``no_evidence`` or ``stopped`` for uncertain. ``late`` marks what came after
    the command's end: it is for the record and moves nothing.
    """

    command_id: Id
    outcome: CommandOutcome
    reason: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class BarrierCommand:
    """A command to one barrier; ``expires_at`` is the end of its life in machine time."""

    id: Id
    operation: Operation
    expires_at: Instant


@dataclass(slots=True)
class _Open:
    operation: Operation
    expires_at: Instant
    accepted: bool = False
    passes: int | None = None


_FITTING: dict[Operation, Callable[[BarrierStatus], bool]] = {
    Operation.OPEN: lambda status: status.boom is Boom.OPEN,
    Operation.CLOSE: lambda status: status.boom is Boom.CLOSED,
    Operation.LOCK_OPEN: lambda status: status.locked and status.boom is Boom.OPEN,
    Operation.UNLOCK: lambda status: not status.locked,
}


class CommandLedger:
    """The commands of one barrier, from sending to outcome."""

    def __init__(self) -> None:
        self._open: dict[Id, _Open] = {}
        self._sent: OrderedDict[Id, CommandOutcome | None] = OrderedDict()
        self._passes: int | None = None

    @property
    def is_idle(self) -> bool:
        """Tell whether no command waits for an outcome."""
        return not self._open

    def check(self, command_id: Id) -> None:
        """Raise ``Refused`` for an id sent before, as nothing goes out twice, and ``Overloaded`` at the bound."""
        if command_id in self._sent:
            raise Refused("barrier.command_repeated", command=str(command_id))
        if len(self._open) >= MAX_OPEN:
            raise Overloaded("barrier.too_many_commands", limit=MAX_OPEN)

    def sent(self, command: BarrierCommand) -> None:
        """Note that a command has gone out; raise as ``check`` does."""
        self.check(command.id)
        self._sent[command.id] = None
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        self._open[command.id] = _Open(command.operation, command.expires_at)

    def result(self, news: CommandResult, now: Instant) -> list[CommandReport]:
        """Take the device's answer. For a command that has ended or is unknown it is late; a repetition is no news."""
        reports = self.expire(now)
        outcome, reason = _meaning(news.result)
        command = self._open.get(news.command_id)
        if command is None:
            if outcome not in (CommandOutcome.ACCEPTED, self._sent.get(news.command_id)):
                reports.append(CommandReport(news.command_id, outcome, reason, late=True))
        elif outcome is not CommandOutcome.ACCEPTED:
            reports.append(self._end(news.command_id, outcome, reason))
        elif not command.accepted:
            command.accepted = True
            command.passes = self._passes
            reports.append(CommandReport(news.command_id, outcome, reason))
        return reports

    def status(self, status: BarrierStatus, now: Instant) -> list[CommandReport]:
        """Take a STATUS as evidence for the accepted commands."""
        reports = self.expire(now)
        self._passes = status.passes
        for command_id, command in list(self._open.items()):
            reason = _evidence(command, status)
            if reason is not None:
                reports.append(self._end(command_id, CommandOutcome.DONE, reason))
        return reports

    def expire(self, now: Instant) -> list[CommandReport]:
        """End the commands whose life is over."""
        over = [command_id for command_id, command in self._open.items() if now >= command.expires_at]
        return [self._end(command_id, CommandOutcome.UNCERTAIN, "no_evidence") for command_id in over]

    def stop(self) -> list[CommandReport]:
        """End every command, because nobody will listen for evidence any more."""
        return [self._end(command_id, CommandOutcome.UNCERTAIN, "stopped") for command_id in list(self._open)]

    def _end(self, command_id: Id, outcome: CommandOutcome, reason: str) -> CommandReport:
        del self._open[command_id]
        self._sent[command_id] = outcome
        return CommandReport(command_id, outcome, reason)


def _meaning(result: Result) -> tuple[CommandOutcome, str]:
    if result is Result.ACCEPTED:
        return CommandOutcome.ACCEPTED, "result"
    if result is Result.DONE:
        return CommandOutcome.DONE, "result"
    return CommandOutcome.REJECTED, result.name.lower()


def _evidence(command: _Open, status: BarrierStatus) -> str | None:
    """Return what in the STATUS shows that an accepted command was carried out."""
    if not command.accepted:
        return None
    fits = _FITTING.get(command.operation)
    if fits is not None and fits(status):
        return "status"
    if command.operation is Operation.OPEN:
        known, command.passes = command.passes, status.passes
        # A count that fell means the device was switched on anew: it is the new base and shows nothing.
        if known is not None and status.passes > known:
            return "pass"
    return None
