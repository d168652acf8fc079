"""How shifts and safes come in and leave over HTTP."""

from typing import Annotated

from pydantic import Field

from openberth.contexts import facility, tenancy
from openberth.contexts.payments.api.money import ReceiptView, receipt_view
from openberth.contexts.payments.model import ReceiptMethod
from openberth.contexts.payments.model.safes import MoveKind, Safe, SafeMove
from openberth.contexts.payments.model.shifts import PIECES_MAX, Check, CheckKind, Count, Holder, Shift, ShiftState
from openberth.contexts.payments.service.sheets import MethodTotal, Sheet
from openberth.infra.database import Reader
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.asks import Form, MoneyForm, Words
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

DENOMINATIONS_MAX = 40
Reason = Annotated[Words, Field(min_length=1, max_length=200)]


class PieceForm(Form):
    """How many notes or coins of a denomination, which is named in minor units."""

    minor: Annotated[int, Field(gt=0, le=10**9, strict=True)]
    pieces: Annotated[int, Field(ge=0, le=PIECES_MAX, strict=True)]


class CountForm(Form):
    """Cash that was counted: its sum, or how many pieces of each denomination, or both."""

    counted: MoneyForm | None = None
    pieces: Annotated[list[PieceForm], Field(max_length=DENOMINATIONS_MAX)] | None = None

    def count(self, currency: str) -> Count | None:
        """Return what was counted, None for nothing said. Raises as ``Count.of``."""
        laid: dict[int, int] | None = None
        if self.pieces is not None:
            laid = {}
            for each in self.pieces:
                laid[each.minor] = laid.get(each.minor, 0) + each.pieces
        return Count.of(None if self.counted is None else self.counted.value(), laid, currency)


class OpenForm(Form):
    """Where a shift begins, with how much out of the safe."""

    lot: Annotated[str, Field(min_length=1, max_length=40)]
    booth: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    opening: MoneyForm | None = None


class HandOverForm(CountForm):
    """A hand-over. ``next`` is the open shift that gets the cash, or ``passed`` of it; the rest goes into the safe."""

    reason: Reason | None = None
    next: Id | None = None
    passed: MoneyForm | None = None


class CloseForm(CountForm):
    """How a supervisor closes the shift of somebody else."""

    reason: Reason | None = None


class CorrectForm(CountForm):
    """What a supervisor counted instead, and why it differs."""

    reason: Reason


class HolderView(View):
    """Somebody: ``login`` is that of an account of the caller's company."""

    kind: str
    name: str
    login: str | None


class PieceView(View):
    """Pieces of a denomination, which is named in minor units."""

    minor: int
    pieces: int


class ShiftView(View):
    """A shift in a list. ``variance`` is what was counted less what was expected, None before the count."""

    id: Id
    number: int
    holder: HolderView
    state: ShiftState
    opened_at: When
    closed_at: When | None
    counted: MoneyView | None
    variance: MoneyView | None


class MethodView(View):
    """What was taken and given back by one method; the sums of cash are null for its holder before the count."""

    method: ReceiptMethod
    count: int
    taken: MoneyView | None
    given_count: int
    given: MoneyView | None


class CheckView(View):
    """What a supervisor found."""

    number: int
    kind: CheckKind
    counted: MoneyView
    pieces: list[PieceView] | None
    reason: str | None
    by: HolderView
    at: When


class NextView(View):
    """The shift that got the cash."""

    id: Id
    number: int
    holder: HolderView


class SheetView(View):
    """The sheet of a shift: running (X) while it is open, the hand-over sheet (Z) afterwards.

    The ``opening`` float came out of the safe, ``taken_over`` from the tills of others. ``expected`` is null while the
    count is blind. ``found`` is what was counted last, by the holder or in the last of the ``checks``; ``variance`` is
    that less what was expected. A shift in state ``counted`` waits for the reason of its variance. ``slips`` are
    receipts that are not cash, at most 500.
    """

    id: Id
    number: int
    lot: Id
    booth: str | None
    holder: HolderView
    state: ShiftState
    opened_at: When
    counted_at: When | None
    closed_at: When | None
    closed_by: HolderView | None
    opening: MoneyView
    taken_over: MoneyView
    methods: list[MethodView]
    slips: list[ReceiptView]
    expected: MoneyView | None
    counted: MoneyView | None
    pieces: list[PieceView] | None
    found: MoneyView | None
    variance: MoneyView | None
    reason: str | None
    passed: MoneyView | None
    to_safe: MoneyView | None
    next: NextView | None
    checks: list[CheckView]


class MoveForm(Form):
    """Cash that is carried, by the number of the bank's slip, or of one's own for the common till."""

    kind: MoveKind
    amount: MoneyForm
    reference: Annotated[str, Field(min_length=1, max_length=40)]


class MoveView(View):
    """Cash that was carried."""

    id: Id
    kind: MoveKind
    amount: MoneyView
    reference: str
    by: HolderView
    at: When


class SafeView(View):
    """What the safe of a lot holds, by currency."""

    balances: list[MoneyView]


def shift_view(reader: Reader, shift: Shift) -> ShiftView:
    """Return a shift of a list as it leaves."""
    return ShiftView(
        id=shift.id, number=shift.number, holder=holder_view(reader, shift.holder), state=shift.state,
        opened_at=instant(shift.opened_at), closed_at=instant_or_none(shift.closed_at), counted=_some(shift.counted),
        variance=_some(shift.variance),
    )  # fmt: skip


def sheet_view(reader: Reader, sheet: Sheet) -> SheetView:
    """Return a sheet as it leaves."""
    shift, onto = sheet.shift, sheet.next
    closer = None if shift.closed_by is None else holder_view(reader, shift.closed_by)
    return SheetView(
        id=shift.id, number=shift.number, lot=shift.lot, booth=_booth(reader, shift),
        holder=holder_view(reader, shift.holder), state=shift.state, opened_at=instant(shift.opened_at),
        counted_at=instant_or_none(shift.counted_at), closed_at=instant_or_none(shift.closed_at), closed_by=closer,
        opening=money(shift.opening), taken_over=money(sheet.taken_over),
        methods=[_method_view(each) for each in sheet.methods], slips=[receipt_view(each) for each in sheet.slips],
        expected=_some(sheet.expected), counted=_some(shift.counted), pieces=_pieces(shift.pieces),
        found=_some(sheet.found), variance=_some(sheet.variance), reason=shift.reason, passed=_some(shift.passed),
        to_safe=money(shift.to_safe) if shift.state is ShiftState.HANDED_OVER else None,
        next=None
        if onto is None
        else NextView(id=onto.id, number=onto.number, holder=holder_view(reader, onto.holder)),
        checks=[_check_view(reader, each) for each in sheet.checks],
    )  # fmt: skip


def move_view(reader: Reader, move: SafeMove) -> MoveView:
    """Return cash that was carried as it leaves."""
    return MoveView(
        id=move.id, kind=move.kind, amount=money(move.amount), reference=move.reference,
        by=holder_view(reader, move.by), at=instant(move.at),
    )  # fmt: skip


def safe_view(safes: list[Safe]) -> SafeView:
    """Return what a safe holds as it leaves."""
    return SafeView(balances=[money(each.balance) for each in safes])


def holder_view(reader: Reader, holder: Holder) -> HolderView:
    """Return somebody as people know them."""
    return HolderView(kind=holder.kind, name=holder.name, login=tenancy.login_of(reader, name=holder.name))


def _booth(reader: Reader, shift: Shift) -> str | None:
    if shift.booth is None:
        return None
    found = facility.lot_detail(reader, lot=shift.lot).booths
    return next((booth.code for booth in found if booth.id == shift.booth), None)


def _method_view(total: MethodTotal) -> MethodView:
    return MethodView(
        method=total.method, count=total.count, taken=_some(total.taken), given_count=total.given_count,
        given=_some(total.given),
    )  # fmt: skip


def _check_view(reader: Reader, check: Check) -> CheckView:
    return CheckView(
        number=check.number, kind=check.kind, counted=money(check.counted), pieces=_pieces(check.pieces),
        reason=check.reason, by=holder_view(reader, check.by), at=instant(check.at),
    )  # fmt: skip


def _pieces(pieces: object) -> list[PieceView] | None:
    if not isinstance(pieces, dict):
        return None
    return [PieceView(minor=worth, pieces=many) for worth, many in sorted(pieces.items(), reverse=True)]


def _some(amount: Money | None) -> MoneyView | None:
    return None if amount is None else money(amount)
