"""Matching a channel's statement with our rows."""

from openberth.contexts.payments.model.reconciling import (
    DifferenceKind,
    Ours,
    RowKind,
    StatementRow,
    match,
    missed,
)
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


def fen(minor: int) -> Money:
    return Money(minor, "CNY")


def row(kind: RowKind, number: str, transaction: str, minor: int, fee: int) -> StatementRow:
    return StatementRow(
        kind=kind, number=number, transaction=transaction, amount=fen(minor), fee=fen(fee), at=Instant(0), state="-"
    )


def paid(number: str, minor: int = 750, transaction: str | None = None) -> StatementRow:
    return row(RowKind.PAYMENT, number, transaction or f"T{number}", minor, 5)


def back(number: str, minor: int = 250) -> StatementRow:
    return row(RowKind.REFUND, number, "T", minor, -2)


def ours(key: int, number: str, minor: int = 750, kind: RowKind = RowKind.PAYMENT) -> Ours:
    return Ours(kind, Id(int=key), number, f"T{number}" if kind is RowKind.PAYMENT else "", fen(minor))


def test_every_row_finds_its_partner() -> None:
    found = match([paid("a"), back("r"), paid("b")], [ours(1, "a"), ours(2, "b"), ours(3, "r", 250, RowKind.REFUND)])
    assert [one.subject.int for one in found.confirmed] == [1, 3, 2]
    assert [one.fee.minor for one in found.confirmed] == [5, -2, 5]
    assert found.differences == ()


def test_money_that_we_do_not_know() -> None:
    [one] = match([paid("x")], []).differences
    assert (one.kind, one.theirs, one.ours, one.subject) == (DifferenceKind.LONG, fen(750), None, None)


def test_another_sum() -> None:
    found = match([paid("a", 751)], [ours(1, "a")])
    [one] = found.differences
    assert (one.kind, one.theirs, one.ours, one.subject) == (DifferenceKind.AMOUNT, fen(751), fen(750), Id(int=1))
    assert [one.subject.int for one in found.confirmed] == [1]  # it is there, and other than we know it


def test_the_channel_s_own_number_comes_first() -> None:
    """A row whose order number was mangled on its way is still the payment that we know."""
    assert match([paid("?", transaction="Ta")], [ours(1, "a")]).differences == ()


def test_a_refund_is_no_payment_of_the_same_number() -> None:
    found = match([back("a", 750)], [ours(1, "a")])
    assert [one.kind for one in found.differences] == [DifferenceKind.LONG]


def test_what_no_statement_confirms_is_missed() -> None:
    [one] = missed([ours(1, "a"), ours(2, "b")], frozenset((Id(int=1),)))
    assert (one.kind, one.subject, one.ours, one.theirs) == (DifferenceKind.SHORT, Id(int=2), fen(750), None)
