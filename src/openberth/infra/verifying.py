"""Proving that rows of different tables say the same: checks that walk a table page by page, in constant memory.

A check is a function and its name; whoever has rows to compare offers some, and the composition root names them all.
A page is read on one consistent state of the database, so writes that go on beside it make no difference; what is found
all the same is looked at again before anybody is told (``still``), for a replica may show what is half there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from openberth.infra.database.unit import Reader
from openberth.kernel.ids import Id

PAGE = 500
FIRST = Id(int=0)


class Placed(Protocol):
    """A row that a check walks over: its id, and whose it is."""

    @property
    def id(self) -> Id:
        """Its id, by which the walk goes on."""
        ...

    @property
    def company(self) -> Id | None:
        """Its company, None for the platform."""
        ...

    @property
    def lot(self) -> Id | None:
        """Its lot, None for a whole company."""
        ...


@dataclass(frozen=True, slots=True)
class Wrong:
    """What does not agree: a word for it, the row, what it should be and what it is, in minor units (or a count)."""

    what: str
    subject: Id
    expected: int
    found: int


Look = Callable[[Reader, Id, int], tuple[Sequence[Placed], Iterable[Wrong]]]


@dataclass(frozen=True, slots=True)
class Check:
    """A walk over a table: ``look(reader, after, limit)`` returns the next rows by id, and what is wrong with any.

    ``page`` is how many rows are looked at in one read; ``young`` says that rows change soon after they are made, so
    that the youngest are worth looking at every few minutes.
    """

    name: str
    look: Look
    page: int = PAGE
    young: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """Something wrong, with the check that found it and whose the row is. Its text is ``ledger.difference.<what>``."""

    check: str
    what: str
    subject: Id
    expected: int
    found: int
    company: Id | None
    lot: Id | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page: how many rows were looked at, what does not agree, and where to go on (None: the check is done)."""

    looked_at: int
    differences: tuple[Difference, ...]
    goes_on: Id | None


def next_page(reader: Reader, *, check: Check, after: Id, limit: int | None = None) -> Page:
    """Look at the next rows of a check; begin with ``FIRST`` and go on where each page says."""
    most = check.page if limit is None else limit
    rows, wrong = check.look(reader, after, most)
    whose = {row.id: (row.company, row.lot) for row in rows}
    differences = tuple(
        Difference(check.name, one.what, one.subject, one.expected, one.found, *whose[one.subject]) for one in wrong
    )
    return Page(len(rows), differences, rows[-1].id if len(rows) == most else None)


def still(reader: Reader, *, checks: Iterable[Check], suspects: Iterable[Difference]) -> list[Difference]:
    """Look at each of some rows again; return what does not agree now."""
    known = {check.name: check for check in checks}
    found: list[Difference] = []
    for one in suspects:
        check = known.get(one.check)
        if check is None:
            continue  # of another version of the program
        before = Id(int=max(0, one.subject.int - 1))
        page = next_page(reader, check=check, after=before, limit=1)
        found += [again for again in page.differences if (again.what, again.subject) == (one.what, one.subject)]
    return found
