"""Use cases and queries of continuous verification: what a walk found is kept, told as an alarm, and let go again."""

from collections.abc import Iterable, Sequence

from openberth.contexts.payments.store import watching as store
from openberth.contexts.payments.store.watching import Standing, Walk
from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.infra.verifying import Difference
from openberth.kernel.errors import Param
from openberth.kernel.ids import Id

ALARM = "ledger_differs"
STUCK = "verification_stuck"
KEPT_MAX = 1_000  # more than that is one defect a thousand times: whoever mends it lets verify run again


def walks(reader: Reader) -> dict[str, Walk]:
    """Return where the walks stand, by name."""
    return {walk.name: walk for walk in reader.all(store.WALKS)}


def standing(reader: Reader, *, limit: int) -> list[Standing]:
    """Return what differs in the caller's scope, the oldest first."""
    return reader.all(store.STANDING, limit=limit)


def how_many(reader: Reader) -> int:
    """Return how many differences stand in the caller's scope."""
    return reader.all(store.COUNT)[0]


@by_construction
def save_walk(unit: Unit, *, walk: Walk) -> None:
    """Remember where a walk goes on; one that cannot is an alarm until one can."""
    unit.run(
        store.INSERT_WALK, name=walk.name, check_name=None, after_id=None, started_at=walk.started_at, looked_at=0,
        finished_at=None, finished_rows=None, error=None,
    )  # fmt: skip
    unit.run(
        store.SAVE_WALK, of_name=walk.name, new_check=walk.check, new_after=walk.after, new_started=walk.started_at,
        new_looked_at=walk.looked_at, new_finished=walk.finished_at, new_rows=walk.finished_rows, new_error=walk.error,
    )  # fmt: skip
    if walk.error is not None:
        alarms.stand(unit, company=alarms.PLATFORM, trouble=Trouble(STUCK, walk.name, {"error": walk.error}))
    elif walk.check is None:
        alarms.over(unit, company=alarms.PLATFORM, kind=STUCK, subject=walk.name)


@by_construction
def note(unit: Unit, *, found: Sequence[Difference], gone: Sequence[Difference]) -> None:
    """Keep what differs, let go what does not any more, and make the alarms say so."""
    unit.lock(("verification", Id(int=0)))
    room = KEPT_MAX - unit.all(store.COUNT)[0]
    for one in found:
        if unit.run(
            store.SAVE_DIFFERENCE, of_check=one.check, of_what=one.what, of_subject=one.subject,
            new_expected=one.expected, new_found=one.found,
        ):  # fmt: skip
            continue
        if room > 0:
            room -= unit.run(
                store.INSERT_DIFFERENCE, check_name=one.check, what=one.what, subject_id=one.subject,
                company_id=one.company, lot_id=one.lot, expected=one.expected, found=one.found,
                found_at=unit.machine_now,
            )  # fmt: skip
    for one in gone:
        unit.run(store.DELETE_DIFFERENCE, of_check=one.check, of_what=one.what, of_subject=one.subject)
    if found or gone:
        _tell(unit, {one.company for one in (*found, *gone)})


def _tell(unit: Unit, companies: Iterable[Id | None]) -> None:
    """Let one alarm stand for each company and kind of difference; it names the oldest, and how many there are."""
    every = [one.difference for one in unit.all(store.STANDING, limit=KEPT_MAX)]
    for company in sorted(companies, key=str):
        troubles: dict[str, Trouble] = {}
        for what in dict.fromkeys(one.what for one in every if one.company == company):
            alike = [one for one in every if (one.company, one.what) == (company, what)]
            oldest = alike[0]
            params: dict[str, Param] = {
                "what": what, "subject": str(oldest.subject), "expected": oldest.expected, "found": oldest.found,
                "count": len(alike),
            }  # fmt: skip
            troubles[what] = Trouble(ALARM, what, params, oldest.lot if len(alike) == 1 else None)
        alarms.tell(unit, company=company or alarms.PLATFORM, kinds=[ALARM], troubles=troubles.values())
