"""What stays has to prove: no exit opened by itself while its bill was owed, and none twice for one bill."""

from collections.abc import Iterator, Sequence

from openberth.contexts import facility, payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import PassageState
from openberth.contexts.stays.store import verifying as store
from openberth.contexts.stays.store.verifying import Opened
from openberth.infra.database import Reader
from openberth.infra.verifying import Check, Wrong
from openberth.kernel.ids import Id


def exits(reader: Reader, after: Id, limit: int) -> tuple[Sequence[Opened], Iterator[Wrong]]:
    """Look at every exit that was opened for a bill.

    Right is one whose bill is settled, was withdrawn because nothing was due, or became a debt that stands in the
    books; or which a person opened, whose reason stands in the command.
    """
    rows = reader.all(store.PASSAGES, after=after, limit=limit)

    def found() -> Iterator[Wrong]:
        for row in rows:
            if row.bill is None or not _opened_by_itself(reader, row):
                continue
            bill = payments.bill_by_id(reader, bill=row.bill)
            if bill.left and payments.debt_of_bill(reader, bill=bill.id) is None:
                yield Wrong("gate.unpaid", row.id, 0, bill.left.minor)
            times = _times(reader, row)
            if times > 1:
                yield Wrong("gate.twice", row.id, 1, times)

    return rows, found()


def _times(reader: Reader, row: Opened) -> int:
    """Return how often an exit opened by itself for the bill of a passage."""
    if row.stay is None:
        return 1
    alike = [one for one in reader.all(store.OF_STAY, stay=row.stay) if one.bill == row.bill]
    return len({one.command for one in alike if _opened_by_itself(reader, one)})


def _opened_by_itself(reader: Reader, row: Opened) -> bool:
    if row.lane_kind is not LaneKind.EXIT or row.state is not PassageState.PASSED or row.command is None:
        return False
    command = facility.command(reader, command=row.command)
    return command is not None and command.reason is None


CHECKS = (Check("exits", exits),)
