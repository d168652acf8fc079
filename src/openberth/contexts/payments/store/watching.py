"""Where the walks of verification stand, and what they found that still differs."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, bindparam, delete, func, select, update

from openberth.infra.database.schema import OnMove, table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import id_column, instant_column, word_column
from openberth.infra.verifying import Difference
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

# One row for each walk. While one is under way, ``check_name`` and ``after_id`` say where it goes on.
verification = table(
    "verification",
    word_column("name", 12, primary_key=True),
    word_column("check_name", 24, nullable=True),
    id_column("after_id", nullable=True),
    instant_column("started_at"),
    Column("looked_at", BigInteger, nullable=False),
    instant_column("finished_at", nullable=True),
    Column("finished_rows", BigInteger, nullable=True),
    word_column("error", 200, nullable=True),
)
verification_difference = table(
    "verification_difference",
    word_column("check_name", 24, primary_key=True),
    word_column("what", 32, primary_key=True),
    id_column("subject_id", primary_key=True),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    Column("expected", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    instant_column("found_at"),
    scope=("company_id", "lot_id"),
    moves=OnMove.STAY,
)


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk: where it goes on (no check: it is not under way), and the last one that came to its end. Machine time."""

    name: str
    check: str | None
    after: Id | None
    started_at: Instant
    looked_at: int
    finished_at: Instant | None
    finished_rows: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A difference that stands since an instant of machine time."""

    difference: Difference
    found_at: Instant


_V, _D = verification.c, verification_difference.c
_ONE = (
    _D.check_name == bindparam("of_check"), _D.what == bindparam("of_what"), _D.subject_id == bindparam("of_subject")
)  # fmt: skip

WALKS: Query[Walk] = Query(select(verification).order_by(_V.name), Walk)
INSERT_WALK = insert_into(verification, once=True)
SAVE_WALK = Write(
    update(verification)
    .where(_V.name == bindparam("of_name"))
    .values(
        check_name=bindparam("new_check"), after_id=bindparam("new_after"), started_at=bindparam("new_started"),
        looked_at=bindparam("new_looked_at"), finished_at=bindparam("new_finished"),
        finished_rows=bindparam("new_rows"), error=bindparam("new_error"),
    )
)  # fmt: skip
INSERT_DIFFERENCE = insert_into(verification_difference, once=True)
SAVE_DIFFERENCE = Write(
    update(verification_difference)
    .where(*_ONE)
    .values(expected=bindparam("new_expected"), found=bindparam("new_found"))
)
DELETE_DIFFERENCE = Write(delete(verification_difference).where(*_ONE))
STANDING: Query[Standing] = Query(
    select(_D.check_name, _D.what, _D.subject_id, _D.expected, _D.found, _D.company_id, _D.lot_id, _D.found_at)
    .order_by(_D.found_at, _D.check_name, _D.what, _D.subject_id)
    .limit(bindparam("limit")),
    lambda check, what, subject, expected, found, company, lot, at: Standing(
        Difference(check, what, subject, expected, found, company, lot), at
    ),
)
COUNT: Query[int] = Query(select(func.count()).select_from(verification_difference), int)
