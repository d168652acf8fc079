"""The inbox of an account: what happened that is its business and that it did not do itself just now."""

from collections.abc import Mapping
from typing import TypeAlias

from openberth.contexts.tenancy.model.notices import KIND_MAX, PREFIX, Notice, PlateShown, Told, Words, written
from openberth.contexts.tenancy.model.notices import read as read_param
from openberth.contexts.tenancy.model.people_events import NoticeLeft
from openberth.contexts.tenancy.store import people as store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_itself, inner
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate

Shown: TypeAlias = str | int | Id | tuple[str, ...]


@inner
def leave_notice(unit: Unit, *, account: Id, company: Id | None, code: str, params: Mapping[str, Told]) -> Id:
    """Tell an account something, in the unit in which it happened: the one way into an inbox.

    ``code`` is a code of the catalogue, ``notice.<kind>``, whose text takes ``params``; they never hold a personal
    value in clear. What the text does not take but is an id tells an app what the notice is about.
    """
    kind = code.removeprefix(PREFIX)
    assert kind != code, "a notice has a code of its own"
    assert len(kind) <= KIND_MAX, "a kind fits into its column"
    made = unit.new_id()
    unit.run(
        store.INSERT_NOTICE, id=made, account_id=account, kind=kind,
        params={name: written(value) for name, value in params.items()}, at=unit.machine_now, read_at=None,
    )  # fmt: skip
    unit.append(NoticeLeft(account, made, kind), company=company, lot=None, key=account)
    return made


def notices_of(reader: Reader, *, account: Id, before: Id, limit: int) -> list[Notice]:
    """Return a page of an account's notices, newest first."""
    return reader.all(store.NOTICES, account=account, before=before, most=limit)


def unread(reader: Reader, *, account: Id) -> int:
    """Return how many notices of an account were not read yet."""
    return reader.all(store.UNREAD, account=account)[0]


def params_shown(reader: Reader, told: Notice) -> dict[str, Shown]:
    """Return the parameters of a notice as they may be shown: plates masked, money in figures, words as their codes."""
    return {name: _shown(reader, read_param(value)) for name, value in told.params.items()}


@by_itself
def mark_read(unit: Unit, *, account: Id, notice: Id) -> Notice:
    """Remember that a notice was read, the first time. Raises ``NotFound("notice.not_found")``."""
    unit.run(store.READ_NOTICE, notice=notice, account=account, now=unit.machine_now)
    found = unit.one(store.NOTICE, notice=notice, account=account)
    if found is None:
        raise NotFound("notice.not_found")
    return found


def _shown(reader: Reader, value: Told) -> Shown:
    match value:
        case PlateShown():
            plate = vault.reveal(reader, value.id)
            return "-" if plate is None else Plate(plate).masked
        case Money():
            return str(value)
        case Words():
            return value.codes
        case _:
            return value
