"""Showing a personal value in clear: once, for a reason, written down in the same unit, and not too often.

The bound is counted from the audit trail itself: it holds over restarts and all processes, and nobody can set it back.
"""

from collections.abc import Mapping

from openberth.contexts.tenancy.model.audit import Deed
from openberth.contexts.tenancy.service import audit
from openberth.contexts.tenancy.store import audit as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import Problem
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import HOUR_US

PLATE_UNMASKED, PERSON_UNMASKED = "plate.unmasked", "person.unmasked"
UNMASKED_PER_HOUR = 30


class TooManyUnmasked(Problem):
    """An account has unmasked as many values within an hour as anybody needs at a desk."""

    status = 429
    retry_after_s = 600

    def __init__(self) -> None:
        super().__init__("unmask.too_many", most=UNMASKED_PER_HOUR)


@needs("plate.unmask")
def unmask_plate(
    unit: Unit, *, plate: Id | None, subject_kind: str, subject: Id, company: Id, lot: Id, reason: str
) -> str | None:
    """Return the plate of something in clear; None for one that was not read, or erased.

    Raises ``TooManyUnmasked`` and ``Refused``: ``reason.missing``, ``reason.too_long``.
    """
    deed = Deed(PLATE_UNMASKED, subject_kind, str(subject), company, lot, reason, after={"value": plate})
    return unmask(unit, deed=deed, values={"plate": plate})["plate"]


@inner
def unmask(unit: Unit, *, deed: Deed, values: Mapping[str, Id | None]) -> dict[str, str | None]:
    """Write a deed of unmasking down and return the values (vault ids) in clear."""
    checked_reason(deed.reason or "")
    unit.lock(("audit", audit.CHAIN))
    check_bound(unit)
    audit.record(unit, deed)
    return {name: None if value is None else vault.reveal(unit, value) for name, value in values.items()}


def check_bound(reader: Reader) -> None:
    """Refuse whoever has unmasked enough for this hour. Raises ``TooManyUnmasked``."""
    done = reader.all(
        store.COUNT_SINCE, actor=reader.caller.actor.name, since=reader.machine_now - HOUR_US, deed=PLATE_UNMASKED,
        other_deed=PERSON_UNMASKED,
    )  # fmt: skip
    if done[0] >= UNMASKED_PER_HOUR:
        raise TooManyUnmasked
