"""Where the walks of verification stand, and what they found that still differs."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select, update

from openberth.contexts.payments.store.tables import verification, verification_difference
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.verifying import Difference
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


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
