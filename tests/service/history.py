"""Years of history as rows: stays, passages, bills, receipts and the rare things among them, spread over lots.

Every row is reckoned from its number, so that tests and the bench know what is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from openberth.contexts.facility import LaneKind
from openberth.contexts.payments.model import BillState, ReceiptMethod, RefundCause, RefundState
from openberth.contexts.payments.model.debts import DebtState
from openberth.contexts.payments.store import bills, debts, receipts, refunds
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    PassageState,
    Resolution,
    Source,
)
from openberth.contexts.stays.store import cases, passages, stays
from openberth.infra.database import Database, Unit, Write
from openberth.kernel.authority import system
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.time import MINUTE_US, Instant, from_iso

BEGIN = from_iso("2024-01-01T00:00:00Z")
STEP_US = MINUTE_US  # from one entry to the next
BY = system("history")
AT_ONCE = 5_000
PLATES = 20_000
PERMIT = Id(int=0xBE)
LANES = tuple(Id(int=0x1A00 + number) for number in range(4))
OPEN_OF = 500  # one of so many stays is still open
RARE = 100  # one of so many is of a rarer kind
Row = tuple[Write, SimpleNamespace]


@dataclass(frozen=True, slots=True)
class Place:
    """A lot with its company."""

    company: Id
    lot: Id


def ident(kind: int, number: int) -> Id:
    """Return the id of the n-th row of a kind: by time, as ids are."""
    return uuid7((BEGIN + number * STEP_US) // 1_000, kind, number)


def plate_of(number: int) -> Id:
    """Return whose car the n-th stay is of."""
    return Id(int=0x91A7E << 40 | number * 7_919 % PLATES)


def entered_at(number: int) -> Instant:
    """Return when the n-th car came in: two at a time, so that instants are shared."""
    return Instant(BEGIN + number // 2 * 2 * STEP_US)


def is_open(number: int) -> bool:
    """Tell whether the n-th stay is open."""
    return number % OPEN_OF == OPEN_OF - 1


def fill(database: Database, places: Sequence[Place], count: int, *, first: int = 0) -> None:
    """Write the history of so many stays, by turns at the places."""
    for start in range(first, first + count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, first + count))

        def write(unit: Unit, numbers: range = numbers) -> None:
            by_write: dict[Write, list[SimpleNamespace]] = {}
            for number in numbers:
                for insert, row in _rows(places[number % len(places)], number):
                    by_write.setdefault(insert, []).append(row)
            for insert, rows in by_write.items():
                unit.run_all(insert, rows)

        database.write_now(write, by=BY)


def _rows(place: Place, number: int) -> Iterator[Row]:
    scope = {"company_id": place.company, "lot_id": place.lot}
    at, stay, rare = entered_at(number), ident(1, number), number % RARE == 0
    kind = ("ordinary", "new_energy_small", "ordinary", "unlicensed")[number % 4]
    right = ("monthly", None, None, None, None)[number % 5]
    permit = PERMIT if number % 4_000 == 0 else None
    car = {"plate_id": plate_of(number), "plate_kind": kind}
    yield passages.INSERT_PASSAGE, SimpleNamespace(
        id=ident(2, number), **scope, lane_id=LANES[number % 4], device_id=None,
        lane_kind=LaneKind.ENTRY if number % 4 < 2 else LaneKind.EXIT, source=Source.MANUAL if rare else Source.LIVE,
        **car, colour="blue", confidence=90, captured_at=at, device_at=None, received_at=at,
        action=Action.REFUSE if rare else Action.OPEN, reason="entry.full" if rare else "entry.casual",
        state=PassageState.REFUSED if rare else PassageState.PASSED, ask=Ask.NOTHING, stay_id=stay, bill_id=None,
        command_id=None, pictures=2, flaws=(), basis=None,
    )  # fmt: skip
    if is_open(number):
        yield stays.INSERT_OPEN_STAY, SimpleNamespace(
            id=stay, **scope, **car, open_key=f"{number}", entry_passage_id=ident(2, number), entry_lane_id=LANES[0],
            entered_at=at, area_id=LANES[0], right=right, permit_id=permit, since=at, segments=1, version=1,
            colour="blue", again_of=None, one_visit=None,
        )  # fmt: skip
        return
    left = Instant(at + (30 + number * 37 % 600) * MINUTE_US)
    yield stays.INSERT_STAY, SimpleNamespace(
        id=stay, **scope, **car, entry_passage_id=ident(2, number), exit_passage_id=None, entered_at=at, left_at=left,
        closed_reason=CloseReason.MANUAL if rare else CloseReason.LEFT, price_minor=500, paid_minor=500,
        currency="CNY", segments=1, colour="blue", continues_id=None, free_used=False, cap_uses=None,
    )  # fmt: skip
    yield stays.INSERT_SEGMENT, SimpleNamespace(
        stay_id=stay, ordinal=1, **scope, area_id=LANES[0], right=right, permit_id=permit, start_at=at, end_at=left
    )  # fmt: skip
    yield from _money(scope, number, stay, left, rare)
    if rare:
        ended = number % (RARE * 10) != 0
        yield cases.INSERT_CASE, SimpleNamespace(
            id=ident(6, number), **scope, lane_id=LANES[number % 4],
            kind=CaseKind.PLATE_UNREAD if number % (RARE * 3) else CaseKind.SURPLUS, passage_id=ident(2, number),
            stay_id=stay, evidence={}, raised_at=at, resolution=Resolution.DISMISSED if ended else None,
            resolved_at=left if ended else None, resolved_by="person" if ended else None, reason=None,
        )  # fmt: skip


def _money(scope: dict[str, Id], number: int, stay: Id, left: Instant, rare: bool) -> Iterator[Row]:
    bill, receipt = ident(3, number), ident(4, number)
    money: dict[str, Any] = {"amount_minor": 500, "currency": "CNY"}
    method = ReceiptMethod.POS if rare else (ReceiptMethod.WECHATPAY, ReceiptMethod.CASH)[number % 2]
    yield bills.INSERT_BILL, SimpleNamespace(
        id=bill, **scope, subject_kind="stay", subject_id=stay, open_key=f"stay:{stay.hex}" if rare else None,
        number=f"{number}", due_minor=500, paid_minor=0 if rare else 500, currency="CNY",
        state=BillState.OPEN if rare else BillState.SETTLED, tariff_version=None, quote={"lines": []}, quoted_at=left,
        valid_until=left, issued_at=left, settled_at=None if rare else left, version=1, carried_minor=None,
    )  # fmt: skip
    yield receipts.INSERT_RECEIPT, SimpleNamespace(
        id=receipt, **scope, bill_id=bill, attempt_id=None, method=method, **money, surplus_minor=0,
        transaction=f"{number}", source=f"history:{number}", received_at=left, account_id=None, place=None,
        grace_minutes=None, shift_id=None, note=None,
    )  # fmt: skip
    if rare:
        yield refunds.INSERT_REFUND, SimpleNamespace(
            id=ident(5, number), **scope, receipt_id=receipt, bill_id=bill, attempt_id=None, account_id=None,
            method=method, number=f"{number}", **money, cause=RefundCause.BY_HAND, reason="because",
            state=RefundState.STUCK if number % (RARE * 7) == 0 else RefundState.DONE, asked_at=left,
            ended_at=None if number % (RARE * 7) == 0 else left, channel_refund=None, detail=None, version=1,
            asked_by=None, shift_id=None,
        )  # fmt: skip
        yield debts.INSERT_DEBT, SimpleNamespace(
            id=ident(7, number), **scope, bill_id=bill, subject_id=stay, plate_id=plate_of(number), **money,
            evidence={"passages": [], "pictures": []},
            state=DebtState.OPEN if number % (RARE * 7) == 0 else DebtState.PAID, raised_at=left, lapses_at=left,
            reason=None, ended_at=None if number % (RARE * 7) == 0 else left, version=1, carried_to=None,
            carried_minor=None, credited_minor=None,
        )  # fmt: skip
